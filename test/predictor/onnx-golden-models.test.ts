import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { isExternal, predictorOf } from '../../src/predictor/model.ts'
import { CASES, GOLDEN, goldenBytes, requireGolden, requireNear } from '../../src/predictor/onnx/golden-models.suite.ts'
import { loadOnnx } from '../../src/predictor/onnx/load-onnx.ts'

describe('ONNX models', () => {
  for (const [name, { native }] of Object.entries(CASES)) {
    if (native) test(name, () => requireGolden(name))
    else {
      test(`${name} is left to ONNX Runtime`, () => {
        const model = loadOnnx(goldenBytes(name))
        assert.ok(isExternal(model))
        assert.equal(typeof model.facts['because'], 'string')
      })
    }
  }
})

describe('what skl2onnx wrote, and ONNX Runtime answered, elsewhere', () => {
  for (const name of ['skl_gbt', 'skl_logreg', 'skl_rf_classifier', 'skl_rf_regressor']) {
    test(name, () => {
      const { rows, onnxruntime } = JSON.parse(readFileSync(new URL(`model_${name}.json`, GOLDEN), 'utf8')) as {
        readonly rows: readonly (readonly (number | string)[])[]
        readonly onnxruntime: Readonly<Record<string, readonly (number | readonly number[])[]>>
      }
      const model = loadOnnx(readFileSync(new URL(`models/${name}.onnx`, GOLDEN)))
      assert.ok(!isExternal(model))
      const predictor = predictorOf(model)
      const out = new Float64Array(rows.length * predictor.outputCount)
      predictor.predict(Float64Array.from(rows.flat(), Number), rows.length, out)
      const wanted = (onnxruntime['probabilities'] ?? onnxruntime['variable'])!
      const flat = wanted.flatMap(row => (typeof row === 'number' ? row : row.length === 2 ? row[1]! : row))
      requireNear(out, Float64Array.from(flat, Number))
    })
  }
})
