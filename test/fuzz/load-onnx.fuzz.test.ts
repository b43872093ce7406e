/** Hostile ONNX files: cut anywhere, or with bytes changed, a model is refused or is a model; it never crashes or hangs. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Problem } from '../../src/errors.ts'
import { seededRandom } from '../../src/math/random.ts'
import { isExternal, predictorOf } from '../../src/predictor/model.ts'
import { loadOnnx } from '../../src/predictor/onnx/load-onnx.ts'

const FLIPS = Number(process.env['FUZZ_RUNS'] ?? 1500)
const ROWS_MAX = 200_000

/** Loads; where the model is computed here, it must answer any row. */
function survives(bytes: Uint8Array): 'loaded' | 'refused' {
  try {
    const model = loadOnnx(bytes)
    if (isExternal(model)) return 'loaded'
    const predictor = predictorOf(model)
    const width = predictor.features.length
    assert.ok(width <= ROWS_MAX)
    const out = new Float64Array(3 * predictor.outputCount)
    const rows = new Float64Array(3 * width)
    rows.fill(1.5, width, 2 * width)
    rows.fill(Number.NaN, 2 * width)
    predictor.predict(rows, 3, out)
    return 'loaded'
  } catch (error) {
    assert.ok(error instanceof Problem && error.code === 'invalid', `wanted a Problem: ${(error as Error).stack}`)
    return 'refused'
  }
}

describe('hostile ONNX models', () => {
  for (const name of [
    'tree_classifier',
    'xgb_binary',
    'lgb_categorical',
    'frame_boosting',
    'mlp_classifier',
    'voting',
    'svc',
  ]) {
    const model = readFileSync(new URL(`../golden/onnx/${name}.onnx`, import.meta.url))

    test(`${name}: whole, it loads`, () => {
      assert.equal(survives(model), 'loaded')
    })

    test(`${name}: cut at any byte, it is refused or a model`, () => {
      for (let length = 0; length < model.length; length += 7) survives(model.subarray(0, length))
    })

    test(`${name}: with bytes changed, it is refused or a model`, () => {
      const next = seededRandom(20_261_123)
      let loaded = 0
      for (let run = 0; run < FLIPS; run++) {
        const bytes = Buffer.from(model)
        const changes = 1 + Math.floor(next() * 4)
        for (let change = 0; change < changes; change++) {
          const at = Math.floor(next() * bytes.length)
          bytes[at] = next() < 0.5 ? bytes[at]! ^ (1 << Math.floor(next() * 8)) : Math.floor(next() * 256)
        }
        if (survives(bytes) === 'loaded') loaded++
      }
      assert.ok(loaded > 0 && loaded < FLIPS, `${loaded} of ${FLIPS} loaded`)
    })
  }
})
