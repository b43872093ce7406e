import { requireSameLength } from './confusion.ts'

/** Mean absolute error, in the unit of the values; NaN for no rows. */
export function mae(truth: Float64Array, answers: Float64Array): number {
  requireSameLength(truth, answers)
  let sum = 0
  for (let index = 0; index < truth.length; index++) sum += Math.abs(answers[index]! - truth[index]!)
  return sum / truth.length
}

/** Mean squared error, in the square of the unit; NaN for no rows. */
export function mse(truth: Float64Array, answers: Float64Array): number {
  requireSameLength(truth, answers)
  let sum = 0
  for (let index = 0; index < truth.length; index++) sum += (answers[index]! - truth[index]!) ** 2
  return sum / truth.length
}

/** Root of the mean squared error, in the unit of the values; NaN for no rows. */
export function rmse(truth: Float64Array, answers: Float64Array): number {
  return Math.sqrt(mse(truth, answers))
}

/**
 * Coefficient of determination: 1 − Σ(y − ŷ)² / Σ(y − ȳ)². 1 is perfect, 0 no better than the mean, below 0 worse.
 *
 * @returns NaN where the true values are all equal (the ratio does not exist) or fewer than two.
 */
export function r2(truth: Float64Array, answers: Float64Array): number {
  requireSameLength(truth, answers)
  const mean = truth.reduce((sum, value) => sum + value, 0) / truth.length
  const spread = truth.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return spread === 0 ? Number.NaN : 1 - (mse(truth, answers) * truth.length) / spread
}
