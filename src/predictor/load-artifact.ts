/** Any artifact into a model: recognises the format by its bytes, since names of files are often wrong. */
import { Problem } from '../errors.ts'
import { loadLightgbm } from './load-lightgbm.ts'
import { loadXgboost } from './load-xgboost.ts'
import type { Model } from './model.ts'
import { loadOnnx } from './onnx/load-onnx.ts'
import { loadPmml } from './pmml/load-pmml.ts'

const SAVE_JSON = "xgboost.Booster(model_file=OLD).save_model('model.json')"

const AS_PYTHON = 'if you trust it, say "python: {}" and "trust: code" in model.yaml'

/** Throws `invalid`, saying what the bytes are and what would work instead, where they are not a model we can load. */
export function loadArtifact(bytes: Uint8Array): Model {
  if (looksLikeOnnx(bytes)) return loadOnnx(bytes)
  if (looksLikePmml(bytes)) return loadPmml(bytes)
  const head = latin(bytes, 4096).replace(/^ï»¿/, '')
  if (/^tree\r?\n/.test(head)) return loadLightgbm(bytes, 'lightgbm-text')
  if (looksLikeLightgbmJson(head)) return loadLightgbm(bytes, 'lightgbm-json')
  const refusal = refuse(bytes)
  if (refusal !== undefined) throw new Problem('invalid', `Cannot load the artifact: ${refusal}`)
  return loadXgboost(bytes, looksLikeUbjson(bytes) ? 'xgboost-ubj' : 'xgboost-json')
}

/** Whatever its encoding, a document names its root early; comments may come before. */
function looksLikePmml(bytes: Uint8Array): boolean {
  const head = latin(bytes, 4096).replaceAll('\0', '')
  return /^(ï»¿|þÿ|ÿþ)?\s*</.test(head) && /<([\w.-]+:)?PMML\b/.test(head)
}

/** Whatever the order of its members. */
function looksLikeLightgbmJson(head: string): boolean {
  const keys =
    /"(average_output|feature_importances|feature_infos|label_index|max_feature_idx|num_tree_per_iteration)"\s*:/
  return /^\s*\{\s*"/.test(head) && keys.test(head) && !/"learner"\s*:/.test(head)
}

/** The length of a key follows the brace; in JSON, white space or a quote does. */
function looksLikeUbjson(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7b && [0x4c, 0x69, 0x49, 0x55, 0x6c].includes(bytes[1]!)
}

/** `ModelProto`: the version of the format, then the producer's name and version, the domain, the graph or the operators. */
function looksLikeOnnx(bytes: Uint8Array): boolean {
  const next = bytes[2]
  return (
    bytes[0] === 0x08 &&
    bytes[1]! < 0x20 &&
    next !== undefined &&
    [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42].includes(next)
  )
}

/** Why these bytes are not an XGBoost model, if they are not. */
function refuse(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'it is empty'
  const head = latin(bytes, 512)
  const text = head.replace(/^ï»¿/, '').trimStart()
  if (text.startsWith('{')) return undefined
  if (text.startsWith('[') && /"nodeid"/.test(head)) {
    return `it is an XGBoost dump (dump_model), which cannot be loaded by XGBoost either; save the model with save_model('model.json')`
  }
  return `it is ${foreign(bytes, text)}; supported are models of XGBoost (JSON, UBJSON), LightGBM (text, JSON), ONNX and PMML, and those that Python loads`
}

function foreign(bytes: Uint8Array, text: string): string {
  if (text.startsWith('<')) return 'an XML document, but no PMML'
  if (bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5) {
    return `a Python pickle, whose loading runs its code; ${AS_PYTHON}`
  }
  if (bytes[0] === 0x50 && bytes[1] === 0x4b)
    return `a ZIP archive; if it is a skops file or an MLflow model, say "python: {}" in model.yaml, and save PyTorch and Keras models as ONNX`
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    return 'compressed with gzip; unpack it first, or, if joblib wrote it, say "python: {}" and "trust: code" in model.yaml'
  if (bytes[0] === 0x78 && (bytes[1] === 0x9c || bytes[1] === 0xda || bytes[1] === 0x01)) {
    return `a compressed joblib file, whose loading runs its code; ${AS_PYTHON}`
  }
  if (bytes[0] === 0x89 && text.slice(1, 4) === 'HDF') return 'an HDF5 file (Keras?), which is not supported'
  if (text.startsWith('binf') || looksLikeLegacyXgboost(bytes)) {
    return `an XGBoost model in the binary format that XGBoost 3.1 removed; convert it with XGBoost 3.0 or earlier: ${SAVE_JSON}`
  }
  return `of no format known here (it starts with ${hex(bytes)})`
}

/**
 * The legacy format starts with `LearnerModelParamLegacy`: base_score (float32), num_feature (uint32), num_class (int32),
 * contain_extra_attrs (0 or 1), contain_eval_metrics (0 or 1), major and minor version, then reserved zeros.
 */
function looksLikeLegacyXgboost(bytes: Uint8Array): boolean {
  if (bytes.length < 136) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const flags = view.getUint32(12, true) <= 1 && view.getUint32(16, true) <= 1
  const features = view.getUint32(4, true)
  return (
    flags && features > 0 && features < 1 << 20 && view.getUint32(8, true) < 1 << 16 && view.getUint32(20, true) < 16
  )
}

function latin(bytes: Uint8Array, length: number): string {
  return String.fromCharCode(...bytes.subarray(0, length))
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 8), byte => byte.toString(16).padStart(2, '0')).join(' ')
}
