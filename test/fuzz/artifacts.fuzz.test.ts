/**
 * Hostile artifacts of every format: cut anywhere, or with bytes changed, a model is refused or is a model; it never crashes,
 * hangs, or takes memory that its bytes do not account for.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Problem } from '../../src/errors.ts'
import { seededRandom } from '../../src/math/random.ts'
import { forestPredictor } from '../../src/predictor/forest-predictor.ts'
import { loadArtifact } from '../../src/predictor/load-artifact.ts'
import { isExternal, type Model, predictorOf } from '../../src/predictor/model.ts'
import type { Predictor } from '../../src/predictor/predictor.ts'

/** Of each artifact: with those below, some 16,000 broken artifacts. */
const FLIPS = Number(process.env['FUZZ_RUNS'] ?? 700)
const CUTS = 200
const SEED = 20_261_123
/** Far from what loading a small file may take on a busy machine, and near enough to notice a loop. */
const MS_MAX = 5000
const GROWTH_MAX = 512 << 20

const GOLDEN = new URL('../golden/', import.meta.url)

function file(name: string): Buffer {
  return readFileSync(new URL(name, GOLDEN))
}

function json<T>(name: string): T {
  return JSON.parse(file(name).toString()) as T
}

interface Made {
  readonly models: readonly {
    readonly objective: string
    readonly params: Readonly<Record<string, unknown>>
    readonly model: string
    readonly ubj: string
    readonly text: string
    readonly json: string
  }[]
}

/** The shortest of those that the filter lets through, as damage then meets what matters. */
function made(
  name: string,
  wanted: (one: Made['models'][number]) => boolean,
  part: 'model' | 'ubj' | 'text' | 'json',
): Buffer {
  const found = json<Made>(`models-made/${name}.json`)
    .models.filter(wanted)
    .sort((a, b) => a[part].length - b[part].length)[0]!
  return Buffer.from(found[part], part === 'ubj' ? 'hex' : 'utf8')
}

const ARTIFACTS: Readonly<Record<string, () => Buffer>> = {
  'XGBoost JSON, classes': () => made('xgboost_3.2', one => one.objective === 'multi:softprob', 'model'),
  'XGBoost JSON, vector leaves': () => made('xgboost_3.2', one => 'multi_strategy' in one.params, 'model'),
  'XGBoost JSON, categories': () => made('xgboost_3.2', one => 'categorical' in one.params, 'model'),
  'XGBoost JSON, dart': () => made('xgboost_3.2', one => one.params['booster'] === 'dart', 'model'),
  'XGBoost JSON, linear': () => made('xgboost_3.2', one => one.params['booster'] === 'gblinear', 'model'),
  'XGBoost UBJSON, classes': () => made('xgboost_3.2', one => one.objective === 'multi:softmax', 'ubj'),
  'XGBoost UBJSON, categories': () => made('xgboost_3.2', one => 'categorical' in one.params, 'ubj'),
  'XGBoost UBJSON, vector leaves': () => made('xgboost_2.1', one => 'multi_strategy' in one.params, 'ubj'),
  'XGBoost UBJSON, linear': () => made('xgboost_3.2', one => one.params['booster'] === 'gblinear', 'ubj'),
  'LightGBM text, categories': () => made('lightgbm_4.7', one => 'categorical_feature' in one.params, 'text'),
  'LightGBM text, classes': () => made('lightgbm_4.7', one => 'num_class' in one.params, 'text'),
  'LightGBM text, lines': () => made('lightgbm_4.7', one => 'linear_tree' in one.params, 'text'),
  'LightGBM JSON, categories': () => made('lightgbm_4.7', one => 'categorical_feature' in one.params, 'json'),
  'LightGBM JSON, lines': () => made('lightgbm_4.7', one => 'linear_tree' in one.params, 'json'),
  'ONNX, trees': () => file('models/skl_gbt.onnx'),
  'ONNX, linear': () => file('models/skl_logreg.onnx'),
}

function load(bytes: Uint8Array): Model | undefined {
  try {
    return loadArtifact(bytes)
  } catch (error) {
    assert.ok(error instanceof Problem && error.code === 'invalid', `wanted a Problem: ${(error as Error).stack}`)
    return undefined
  }
}

/** A model answers any row: of nothing, of numbers of all sizes, of missing values. */
function ask(predictor: Predictor): void {
  const width = predictor.features.length
  const rows = new Float64Array(4 * width)
  rows.fill(1.5, width, 2 * width)
  rows.fill(Number.NaN, 2 * width, 3 * width)
  rows.fill(-1e300, 3 * width)
  predictor.predict(rows, 4, new Float64Array(4 * predictor.outputCount))
}

/** @param everyWay also through the kernels, which take a moment to make. */
function survives(bytes: Uint8Array, everyWay: boolean): boolean {
  const start = performance.now()
  const model = load(bytes)
  if (model !== undefined && !isExternal(model)) {
    if (model.kind === 'forest') ask(forestPredictor(model))
    if (everyWay || model.kind !== 'forest') ask(predictorOf(model))
  }
  const took = performance.now() - start
  assert.ok(took < MS_MAX, `took ${took} ms`)
  return model !== undefined
}

function flipped(whole: Buffer, next: () => number): Buffer {
  const bytes = Buffer.from(whole)
  for (let changes = 1 + Math.floor(next() * 4); changes > 0; changes--) {
    const at = Math.floor(next() * bytes.length)
    const digit = 0x2c + Math.floor(next() * 14)
    bytes[at] = [bytes[at]! ^ (1 << Math.floor(next() * 8)), digit, Math.floor(next() * 256)][Math.floor(next() * 3)]!
  }
  return bytes
}

function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

describe('hostile artifacts', () => {
  for (const [name, read] of Object.entries(ARTIFACTS)) {
    const whole = read()

    test(`${name}: whole, it loads`, () => {
      assert.ok(survives(whole, true))
    })

    test(`${name}: cut, it is refused or a model`, () => {
      const next = seededRandom(SEED)
      for (let run = 0; run < CUTS; run++) survives(whole.subarray(0, Math.floor(next() * whole.length)), false)
    })

    test(`${name}: with bytes changed, it is refused or a model`, () => {
      const next = seededRandom(SEED)
      const before = memory()
      let loaded = 0
      for (let run = 0; run < FLIPS; run++) {
        if (survives(flipped(whole, next), run % 20 === 0)) loaded++
        if (run % 50 === 0) assert.ok(memory() - before < GROWTH_MAX, `memory grew by ${memory() - before} bytes`)
      }
      assert.ok(loaded > 0 && loaded < FLIPS, `${loaded} of ${FLIPS} loaded`)
    })
  }
})
