/** Linear models by themselves: sums of coefficients times values, and a link function. */
import { answering, type Linked } from './link.ts'
import { headOf, type MarginPredictor, type ModelHead, requireRoom } from './predictor.ts'

export interface Linear extends ModelHead, Linked {
  readonly kind: 'linear'
  /** Sums in float32 are rounded after every product and addition, in the order of the columns, as XGBoost does. */
  readonly precision: 'float32' | 'float64'
  /** `output × features + feature`. */
  readonly coefficients: Float64Array
  readonly intercepts: Float64Array
  /** Whether a missing value adds nothing; else it makes the margin NaN. */
  readonly missingIsZero: boolean
}

const f32 = Math.fround

export function linearPredictor(model: Linear): MarginPredictor {
  const { coefficients, intercepts, precision, missingIsZero, features } = model
  const width = features.length
  const outputs = intercepts.length
  const single = precision === 'float32'
  const margin = (rows: Float64Array, count: number, out: Float64Array): void => {
    requireRoom(rows, count * width, out, count * outputs)
    for (let row = 0; row < count; row++) {
      for (let output = 0; output < outputs; output++) {
        let sum = intercepts[output]!
        for (let column = 0; column < width; column++) {
          const value = rows[row * width + column]!
          if (missingIsZero && Number.isNaN(value)) continue
          const coefficient = coefficients[output * width + column]!
          sum = single ? f32(sum + f32(f32(value) * coefficient)) : sum + value * coefficient
        }
        out[row * outputs + output] = sum
      }
    }
  }
  const { outputCount, predict } = answering(model, precision, width, outputs)
  return {
    ...headOf(model),
    outputCount,
    marginCount: outputs,
    bytes: coefficients.byteLength + intercepts.byteLength,
    margin,
    predict(rows, count, out) {
      requireRoom(rows, count * width, out, count * outputCount)
      predict(margin, rows, count, out)
    },
  }
}
