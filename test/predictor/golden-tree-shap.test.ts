/** Kernels against XGBoost and LightGBM, and on all edge rows of the golden models against the float64 path. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { golden } from '../../src/math/golden.suite.ts'
import type { Forest } from '../../src/predictor/forest.ts'
import { fastTreeShap } from '../../src/predictor/kernels/fast-tree-shap.ts'
import { loadArtifact } from '../../src/predictor/load-artifact.ts'
import { treeShap } from '../../src/predictor/shap/tree-shap.ts'

interface Reference {
  readonly rows: number[][]
  readonly shap_rows?: number[]
  /** By row, or by row and class: contributions, then the bias. LightGBM has the classes of a row side by side. */
  readonly contribs_float32?: number[][] | number[][][]
  readonly contribs?: number[][]
}

const XGBOOST = ['binary', 'categorical', 'dart', 'multiclass', 'poisson', 'regression'].map(name => `xgb_${name}.json`)
const LIGHTGBM = ['binary', 'categorical', 'multiclass', 'regression', 'zero_as_missing'].map(name => `lgb_${name}.txt`)

describe('golden models by kernels', () => {
  for (const file of [...XGBOOST, ...LIGHTGBM]) {
    const forest = loadArtifact(readFileSync(new URL(`../golden/models/${file}`, import.meta.url))) as Forest
    const reference = golden<Reference>(`model_${file.replace(/\.\w+$/, '')}`)
    const all = reference.rows
    const width = forest.features.length
    for (const kind of ['tables', 'quadrature'] as const) {
      const kernels = fastTreeShap(forest, { kind })!
      const explained = (rows: number[][], explainer = kernels): Float64Array => {
        const out = new Float64Array(rows.length * explainer.outputCount * width)
        explainer.explain(Float64Array.from(rows.flat()), rows.length, out)
        return out
      }

      test(`${file}, ${kind}: as the library`, () => {
        const told = (reference.contribs_float32 ?? reference.contribs!).flat(2)
        const wanted = told.filter((_, at) => at % (width + 1) < width)
        const chosen = reference.shap_rows ?? [...Array(wanted.length / width / kernels.outputCount).keys()]
        const got = explained(chosen.map(row => all[row]!))
        assert.equal(got.length, wanted.length)
        for (const [at, part] of wanted.entries())
          assert.ok(Math.abs(got[at]! - part) <= 1e-5, `${at}: ${got[at]}, ${part}`)
      })

      test(`${file}, ${kind}: as the float64 path on edge rows`, () => {
        const [got, wanted] = [explained(all), explained(all, treeShap(forest))]
        const largest = wanted.reduce((most, part) => Math.max(most, Math.abs(part)), 0)
        for (const [at, part] of wanted.entries())
          assert.ok(Math.abs(got[at]! - part) <= 1e-6 * largest, `${at}: ${got[at]}, ${part}`)
      })
    }
  }
})
