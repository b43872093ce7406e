import type { Explainer } from '../explainer.ts'
import { requireRoom } from './rows.ts'

/** Margins that are an intercept and a sum of coefficients times values. */
export interface LinearSums {
  /** `output × features + feature`. */
  readonly coefficients: Float64Array
  readonly intercepts: Float64Array
  /** Whether a missing value adds nothing, as one of 0 would; else its contribution is NaN, as the margin is. */
  readonly missingIsZero: boolean
}

/**
 * Exact Shapley values of a linear model: coefficient × (value − mean). They are those of the interventional game against
 * any background with these means, whatever the features have to do with each other (Štrumbelj and Kononenko 2014;
 * `shap.LinearExplainer` with `Independent` masking).
 *
 * @param means of each feature. Absent: 0, so that a contribution is coefficient × value, and the bias the intercept; this
 *   is what XGBoost's `pred_contribs` has for gblinear.
 */
export function linearShap({ coefficients, intercepts, missingIsZero }: LinearSums, means?: Float64Array): Explainer {
  const outputs = intercepts.length
  const width = coefficients.length / outputs
  const usual = means?.map(mean => (Number.isNaN(mean) ? 0 : mean)) ?? new Float64Array(width)
  const bias = intercepts.map((intercept, output) =>
    usual.reduce((sum, mean, column) => sum + coefficients[output * width + column]! * mean, intercept),
  )
  return {
    method: 'linear-shap',
    outputCount: outputs,
    featureCount: width,
    bias,
    bytes: coefficients.byteLength + intercepts.byteLength + usual.byteLength + bias.byteLength,
    explain(rows, count, out) {
      requireRoom(rows, count * width, out, count * outputs * width)
      for (let row = 0, at = 0; row < count; row++) {
        for (let output = 0; output < outputs; output++) {
          for (let column = 0; column < width; column++, at++) {
            const value = rows[row * width + column]!
            const known = missingIsZero && Number.isNaN(value) ? 0 : value
            out[at] = coefficients[output * width + column]! * (known - usual[column]!)
          }
        }
      }
    },
  }
}

/** Means of the columns of some rows; missing values are left out, or count as 0. NaN where there are none. */
export function columnMeans(rows: Float64Array, count: number, width: number, missingIsZero: boolean): Float64Array {
  return Float64Array.from({ length: width }, (_, column) => {
    let [sum, known] = [0, 0]
    for (let row = 0; row < count; row++) {
      const value = rows[row * width + column]!
      if (Number.isNaN(value) && !missingIsZero) continue
      sum += value || 0
      known++
    }
    return sum / known
  })
}
