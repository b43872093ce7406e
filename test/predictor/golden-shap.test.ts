/** Against what XGBoost, LightGBM and shap's own C code say of the same models (`test/golden`). */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { golden } from '../../src/math/golden.suite.ts'
import type { Explainer } from '../../src/predictor/explainer.ts'
import type { Forest } from '../../src/predictor/forest.ts'
import { forestPredictor } from '../../src/predictor/forest-predictor.ts'
import { loadXgboost } from '../../src/predictor/load-xgboost.ts'
import { interventionalTreeShap } from '../../src/predictor/shap/interventional-tree-shap.ts'
import { treeInteractions } from '../../src/predictor/shap/tree-interactions.ts'
import { treeShap } from '../../src/predictor/shap/tree-shap.ts'

interface Xgboost {
  readonly rows: number[][]
  readonly shap_rows?: number[]
  /** By row, and by class where there are some: contributions, bias last. */
  readonly contribs_float32: number[][] | number[][][]
  readonly shap_values?: number[][]
  readonly interactions_first5?: number[][][]
  readonly interventional?: { background: number[][]; values: number[][]; expected: number }
}

function xgboost(name: string): { forest: Forest; reference: Xgboost; rows: Float64Array; count: number } {
  const file = new URL(`../golden/models/xgb_${name}.json`, import.meta.url)
  const forest = loadXgboost(readFileSync(file)) as Forest
  const reference = golden<Xgboost>(`model_xgb_${name}`)
  const count = reference.contribs_float32.length
  const chosen = reference.shap_rows ?? Array.from({ length: count }, (_, row) => row)
  return { forest, reference, rows: Float64Array.from(chosen.flatMap(row => reference.rows[row]!)), count }
}

function explained({ explain, outputCount, featureCount }: Explainer, rows: Float64Array, count: number): Float64Array {
  const out = new Float64Array(count * outputCount * featureCount)
  explain(rows, count, out)
  return out
}

function allNear(got: Iterable<number>, wanted: readonly number[], tolerance: number): void {
  const all = [...got]
  assert.equal(all.length, wanted.length)
  for (const [at, value] of wanted.entries()) {
    assert.ok(Math.abs(all[at]! - value) <= tolerance, `number ${at} is ${all[at]}, wanted ${value}`)
  }
}

describe('XGBoost', () => {
  for (const name of ['binary', 'categorical', 'dart', 'multiclass', 'poisson', 'regression']) {
    test(`${name}: the contributions of pred_contribs, and its bias`, () => {
      const { forest, reference, rows, count } = xgboost(name)
      const explainer = treeShap(forest)
      const wanted = reference.contribs_float32.flat(forest.base.length > 1 ? 1 : 0) as number[][]
      allNear(
        explained(explainer, rows, count),
        wanted.flatMap(parts => parts.slice(0, -1)),
        2e-6,
      )
      for (const [at, parts] of wanted.entries())
        allNear([explainer.bias[at % forest.base.length]!], parts.slice(-1), 1e-6)
    })

    test(`${name}: contributions and bias sum to the margin`, () => {
      const { forest, rows, count } = xgboost(name)
      const explainer = treeShap(forest)
      const { outputCount: outputs, featureCount: width } = explainer
      const parts = explained(explainer, rows, count)
      const margins = new Float64Array(count * outputs)
      forestPredictor(forest).margin(rows, count, margins)
      const sums = margins.map((_, at) =>
        parts.subarray(at * width, (at + 1) * width).reduce((sum, part) => sum + part, explainer.bias[at % outputs]!),
      )
      allNear(sums, [...margins], 5e-6) // XGBoost adds up the margin in float32
    })
  }

  test("the values of shap's own C code", () => {
    for (const name of ['binary', 'regression']) {
      const { forest, reference, rows, count } = xgboost(name)
      allNear(explained(treeShap(forest), rows, count), reference.shap_values!.flat(), 1e-8)
    }
  })

  test('the interactions of pred_interactions', () => {
    for (const name of ['binary', 'regression']) {
      const { forest, reference, rows } = xgboost(name)
      const width = forest.features.length
      const out = new Float64Array(5 * width * width)
      treeInteractions(forest).explain(rows, 5, out)
      const wanted = reference.interactions_first5!.flatMap(matrix =>
        matrix.slice(0, -1).map(line => line.slice(0, -1)),
      )
      allNear(out, wanted.flat(), 2e-6)
    }
  })

  test("the interventional values of shap's own C code", () => {
    for (const name of ['binary', 'regression']) {
      const { forest, reference, rows } = xgboost(name)
      const { background, values, expected } = reference.interventional!
      const among = { rows: Float64Array.from(background.flat()), count: background.length }
      const explainer = interventionalTreeShap(forest, among)
      allNear(explained(explainer, rows, values.length), values.flat(), 1e-7)
      allNear(explainer.bias, [expected], 1e-7)
    }
  })
})
