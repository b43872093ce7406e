/** Documents that SkLearn2PMML wrote, small ones, against the answers of JPMML-Evaluator. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { explainerOf } from '../explainer.ts'
import { predictorOf } from '../model.ts'
import type { Predictor } from '../predictor.ts'
import { loadPmml, readPmml } from './load-pmml.ts'
import { pmmlPredictor } from './pmml-predictor.ts'

const FOLDER = new URL('../../../test/golden/pmml/', import.meta.url)

interface Case {
  readonly columns: readonly string[]
  readonly labels: readonly string[]
  readonly rows: readonly {
    readonly inputs: readonly (number | string | null)[]
    readonly answers: readonly (number | null)[]
  }[]
}

const cases = (JSON.parse(readFileSync(new URL('answers.json', FOLDER), 'utf8')) as { documents: Record<string, Case> })
  .documents

function rowsFor({ features, categories }: Predictor, { columns, rows }: Case): Float64Array {
  return Float64Array.from(
    rows.flatMap(({ inputs }) =>
      features.map((feature, k) => {
        const value = inputs[columns.indexOf(feature)]
        if (value === null || value === undefined) return Number.NaN
        return typeof value === 'string' ? categories[k]!.indexOf(value) : value
      }),
    ),
  )
}

function check(predictor: Predictor, one: Case): void {
  const { outputCount, classes } = predictor
  const out = new Float64Array(one.rows.length * outputCount)
  predictor.predict(rowsFor(predictor, one), one.rows.length, out)
  for (const [index, { answers }] of one.rows.entries()) {
    for (let k = 0; k < outputCount; k++) {
      const label = classes?.[outputCount === 1 ? 1 : k]
      const wanted = answers[label === undefined ? 0 : one.labels.indexOf(label)]!
      const found = out[index * outputCount + k]!
      if (wanted === null) assert.ok(!Number.isFinite(found), `row ${index}: ${found}, wanted none`)
      // A float32 is written with as few digits as tell it from its neighbours.
      else
        assert.ok(
          Math.abs(found - wanted) <= 1.5e-7 * Math.max(1, Math.abs(wanted)),
          `row ${index}: ${found}, wanted ${wanted}`,
        )
    }
  }
}

describe('documents of SkLearn2PMML', () => {
  for (const [name, one] of Object.entries(cases)) {
    test(`${name}, as it is written and compiled`, () => {
      const bytes = readFileSync(new URL(`${name}.pmml`, FOLDER))
      check(pmmlPredictor(readPmml(bytes)), one)
      check(predictorOf(loadPmml(bytes)), one)
    })
  }

  test('formats: pmml: documents of sklearn2pmml: pipelines of scikit-learn, XGBoost and LightGBM', () => {
    const compiled = Object.keys(cases).filter(name => {
      const model = loadPmml(readFileSync(new URL(`${name}.pmml`, FOLDER)))
      return model.kind === 'forest' || model.core !== undefined
    })
    for (const name of [
      'ada',
      'cutt',
      'domstrict',
      'gbc3_s',
      'hgb_s',
      'iforest_s',
      'lgbc_s',
      'rf_s',
      'treereg_f',
      'xgbc_s',
    ]) {
      assert.ok(compiled.includes(name), `${name} is compiled to a forest`)
    }
  })

  test('contributions of a document of trees sum to its answer, treated values too', () => {
    for (const name of ['domstrict', 'rf_s', 'treereg_f']) {
      const model = loadPmml(readFileSync(new URL(`${name}.pmml`, FOLDER)))
      const one = cases[name]!
      const predictor = predictorOf(model)
      const rows = rowsFor(predictor, one)
      const width = predictor.features.length
      const explainer = explainerOf(model, { background: { rows: rows.slice(0, 10 * width), count: 10 } })!
      const outputs = explainer.outputCount
      const count = one.rows.length
      const out = new Float64Array(count * predictor.outputCount)
      const contributions = new Float64Array(count * outputs * width)
      predictor.predict(rows, count, out)
      explainer.explain(rows, count, contributions)
      for (let at = 0; at < count * outputs; at++) {
        const sum = contributions
          .subarray(at * width, (at + 1) * width)
          .reduce((a, b) => a + b, explainer.bias[at % outputs]!)
        if (Number.isFinite(out[at]!)) assert.ok(Math.abs(sum - out[at]!) < 1e-9, `${name}: ${sum}, wanted ${out[at]}`)
      }
    }
  })
})
