/** Models of scikit-learn, XGBoost and LightGBM as ONNX, and what ONNX Runtime answers (test/golden/onnx_reference.py). */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { isExternal, type Model, predictorOf } from '../model.ts'
import { loadOnnx } from './load-onnx.ts'

const GOLDEN = new URL('../../../test/golden/', import.meta.url)

interface Case {
  readonly native: boolean
  readonly rows: readonly (readonly (number | string | null)[])[]
  readonly expected: readonly (readonly (number | string | null)[])[]
}

const { cases } = JSON.parse(readFileSync(new URL('onnx/cases.json', GOLDEN), 'utf8')) as {
  readonly cases: Readonly<Record<string, Case>>
}

/** A text by its code, −1 where it is none of the categories. */
function rowsOf(model: Model, rows: Case['rows']): Float64Array {
  return Float64Array.from(
    rows.flatMap(row =>
      row.map((value, column) => {
        const categories = model.categories[column]
        if (value === null) return Number.NaN
        return categories === undefined ? Number(value) : categories.indexOf(String(value))
      }),
    ),
  )
}

function classOf({ classes }: Model, label: number | string): number {
  return classes!.indexOf(String(label))
}

describe('ONNX models', () => {
  for (const [name, { native, rows, expected }] of Object.entries(cases)) {
    const model = loadOnnx(readFileSync(new URL(`onnx/${name}.onnx`, GOLDEN)))
    if (!native) {
      test(`${name} is left to ONNX Runtime`, () => {
        assert.ok(isExternal(model))
        assert.equal(typeof model.facts['because'], 'string')
      })
      continue
    }
    test(name, () => {
      assert.ok(!isExternal(model), `${model.facts['because']}`)
      const predictor = predictorOf(model)
      const out = new Float64Array(rows.length * predictor.outputCount)
      predictor.predict(rowsOf(model, rows), rows.length, out)
      assert.equal(expected[0]!.length, predictor.outputCount)
      for (const [index, text] of expected.flat().entries()) {
        const found = out[index]!
        const wanted = text === null ? Number.NaN : predictor.answers === 'class' ? classOf(model, text) : Number(text)
        const isNear = Object.is(found, wanted) || Math.abs(found - wanted) <= 1e-6
        assert.ok(isNear, `number ${index} is ${found}, wanted ${text}`)
      }
      const alone = new Float64Array(predictor.outputCount)
      predictor.predict(rowsOf(model, rows.slice(3, 4)), 1, alone)
      assert.deepEqual(alone, out.subarray(3 * alone.length, 4 * alone.length).slice(), 'alone as among others')
    })
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
      for (const [index, value] of flat.entries()) {
        const isNear = Math.abs(out[index]! - value) <= 1e-6 || Object.is(out[index], Number(value))
        assert.ok(isNear, `number ${index} is ${out[index]}, wanted ${value}`)
      }
    })
  }
})
