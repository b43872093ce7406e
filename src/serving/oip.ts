/**
 * The Open Inference Protocol v2 over REST, as Triton, KServe and MLServer speak it. Tensors stand in JSON, or in bytes behind
 * it (Triton's extension of binary tensor data), where a header says how long the JSON is.
 */
import { Problem } from '../errors.ts'
import { quote } from '../ledger/canonical.ts'
import { bodyText } from '../platform/body-text.ts'
import type { Answer, InvocationRequest } from '../route.ts'
import type { Journey } from './journey.ts'
import { readJson } from './json.ts'
import type { Lane, LoadedModel } from './lane.ts'
import { BinaryPart, DATATYPE_OF, isObject, readTensor, refuse, refuseUnsupported, rowsOf } from './oip-tensors.ts'
import type { Protocol } from './predict.ts'
import type { Rows } from './signature.ts'

const TENSORS_MAX = 10_000
const ID_CHARACTERS_MAX = 256
/** How many bytes of the body are JSON. */
const HEADER_LENGTH = 'inference-header-content-length'

/** What the answer needs to know of the question. */
interface Asked {
  readonly id: string | undefined
  /** In the order asked for. */
  readonly outputs: readonly AskedOutput[]
}

interface AskedOutput {
  /** Of the version's outputs. */
  readonly column: number
  readonly isBinary: boolean
}

export const oip: Protocol = { door: 'oip', read: readInference, write: writeInference }

function readInference(
  bytes: Buffer,
  model: LoadedModel,
  rowsMax: number,
  journey: Journey,
  headers?: InvocationRequest['headers'],
): Rows {
  const jsonLength = jsonLengthOf(bytes, headers?.[HEADER_LENGTH])
  const body = readJson(bodyText(bytes.subarray(0, jsonLength)), 'leave')
  if (!isObject(body)) return refuse([{ field: 'body', problem: 'is not an object with inputs' }])
  const { id, inputs, outputs, parameters } = body
  if (id !== undefined && (typeof id !== 'string' || id.length > ID_CHARACTERS_MAX)) {
    return refuse([{ field: 'id', problem: `is not a text of at most ${ID_CHARACTERS_MAX} characters` }])
  }
  if (!Array.isArray(inputs) || inputs.length === 0 || inputs.length > TENSORS_MAX) {
    return refuse([{ field: 'inputs', problem: 'is not a list of at least one tensor' }])
  }
  const isBinary = isObject(parameters) && parameters['binary_data_output'] === true
  journey.asked = { id, outputs: outputsAsked(outputs, model, isBinary) } satisfies Asked
  const binary = new BinaryPart(bytes.subarray(jsonLength))
  const tensors = inputs.map((tensor, at) => readTensor(tensor, `inputs[${at}]`, binary))
  binary.requireEnd()
  return rowsOf(tensors, model, rowsMax)
}

function jsonLengthOf(bytes: Buffer, told: string | string[] | undefined): number {
  if (told === undefined) return bytes.length
  const length = typeof told === 'string' && /^\d{1,10}$/.test(told) ? Number(told) : Number.NaN
  if (length > 0 && length <= bytes.length) return length
  throw new Problem(
    'malformed',
    `Cannot read the body: Inference-Header-Content-Length is no length of a JSON text at its front, 1 to ${bytes.length} was wanted`,
  )
}

/** @param isBinary what those want that do not say it themselves. */
function outputsAsked(asked: unknown, { version }: LoadedModel, isBinary: boolean): AskedOutput[] {
  const names = version.signature.outputs.map(({ name }) => name)
  if (asked === undefined || (Array.isArray(asked) && asked.length === 0)) {
    return names.map((_, column) => ({ column, isBinary }))
  }
  if (!Array.isArray(asked)) return refuse([{ field: 'outputs', problem: 'is not a list' }])
  return asked.map((output: unknown, at) => {
    const { name, parameters } = isObject(output) ? output : {}
    const column = names.indexOf(String(name))
    if (column === -1) {
      const problem = `is no output of this model, some of ${names.join(', ')} was wanted`
      return refuse([{ field: `outputs[${at}].name`, problem }])
    }
    if (!isObject(parameters)) return { column, isBinary }
    refuseUnsupported(parameters, `outputs[${at}]`)
    const own = parameters['binary_data']
    return { column, isBinary: typeof own === 'boolean' ? own : isBinary }
  })
}

function writeInference(journey: Journey, lane: Lane): Answer {
  const { version, outputs } = lane.model
  const { id, outputs: asked } = journey.asked as Asked
  const { outputs: values, count } = journey.rows!
  const parts: Buffer[] = []
  const tensors = asked.map(({ column, isBinary }) => {
    const { name, type } = version.signature.outputs[column]!
    const datatype = DATATYPE_OF[type]
    const told = `{"name":${quote(name)},"shape":[${count},1],"datatype":"${datatype}"`
    if (isBinary) {
      const bytes = rawOf(values, count, outputs.count, column, datatype)
      parts.push(bytes)
      return `${told},"parameters":{"binary_data_size":${bytes.length}}}`
    }
    let data = ''
    for (let row = 0; row < count; row++) data += `${row === 0 ? '' : ','}${values[row * outputs.count + column]!}`
    return `${told},"data":[${data}]}`
  })
  // The protocol has no place for the ids of single rows but a parameter, and parameters are texts.
  const predictions = `"parameters":{"prediction_ids":"${journey.ids.join(',')}"}`
  const head = `{"model_name":${quote(version.model)},"model_version":${quote(version.version)}`
  const text = `${head},"id":${quote(id ?? journey.requestId)},${predictions},"outputs":[${tensors.join(',')}]}`
  if (parts.length === 0) return { text }
  const json = Buffer.from(text)
  return {
    bytes: Buffer.concat([json, ...parts]),
    type: 'application/octet-stream',
    headers: { 'inference-header-content-length': String(json.length) },
  }
}

/** A column of the answers, little-endian, row after row. */
function rawOf(values: Float64Array, count: number, width: number, column: number, datatype: string): Buffer {
  if (datatype === 'BYTES') {
    const texts = Array.from({ length: count }, (_, row) => Buffer.from(String(values[row * width + column]!)))
    return Buffer.concat(texts.flatMap(text => [lengthBytes(text.length), text]))
  }
  const bytes = Buffer.allocUnsafe(count * 8)
  for (let row = 0; row < count; row++) {
    const value = values[row * width + column]!
    if (datatype === 'INT64') bytes.writeBigInt64LE(BigInt(Math.trunc(value)), row * 8)
    else bytes.writeDoubleLE(value, row * 8)
  }
  return bytes
}

function lengthBytes(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32LE(length)
  return bytes
}
