/** Against LightGBM's own `pred_contrib` of the same models (`test/golden`). */
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { golden, near } from '../../src/math/golden.suite.ts'
import { explainerOf } from '../../src/predictor/explainer.ts'
import { forestPredictor } from '../../src/predictor/forest-predictor.ts'
import { loadLightgbm } from '../../src/predictor/load-lightgbm.ts'
import { treeShap } from '../../src/predictor/shap/tree-shap.ts'

interface Lightgbm {
  readonly rows: number[][]
  readonly shap_rows: number[]
  /** By row: of each class, contributions and then its bias. */
  readonly contribs: number[][]
}

describe('LightGBM', () => {
  for (const name of ['binary', 'categorical', 'multiclass', 'regression', 'zero_as_missing']) {
    test(`${name}: the contributions of pred_contrib, its bias, and their sum`, () => {
      const file = new URL(`../golden/models/lgb_${name}.txt`, import.meta.url)
      const forest = loadLightgbm(readFileSync(file), 'lightgbm-text')
      const { rows: all, shap_rows: chosen, contribs } = golden<Lightgbm>(`model_lgb_${name}`)
      const rows = Float64Array.from(chosen.flatMap(row => all[row]!))
      const count = chosen.length
      const margins = new Float64Array(count * forest.base.length)
      forestPredictor(forest).margin(rows, count, margins)
      for (const [explainer, tolerance] of [
        [treeShap(forest), 1e-9],
        [explainerOf(forest)!, 1e-5],
      ] as const) {
        const { outputCount: outputs, featureCount: width, bias } = explainer
        const out = new Float64Array(count * outputs * width)
        explainer.explain(rows, count, out)
        for (const [row, wanted] of contribs.entries()) {
          for (let output = 0; output < outputs; output++) {
            const start = output * (width + 1)
            let sum = bias[output]!
            for (let column = 0; column < width; column++) {
              const part = out[(row * outputs + output) * width + column]!
              near(part, wanted[start + column]!, 0, tolerance, `row ${row}, output ${output}, feature ${column}`)
              sum += part
            }
            near(bias[output]!, wanted[start + width]!, 0, tolerance, 'bias')
            near(sum, margins[row * outputs + output]!, 0, tolerance, `sum of row ${row}`)
          }
        }
      }
    })
  }
})
