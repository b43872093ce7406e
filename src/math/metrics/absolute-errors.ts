/** Errors of a regression that are not squared. The mean absolute error itself stands in `regression.ts`. */
import { quantile } from '../quantiles.ts'
import { requireSameLength } from './confusion.ts'
import { mae } from './regression.ts'

/** Median of |y − ŷ|, in the unit of the values: half of the errors are smaller. NaN for no rows. */
export function medianAbsoluteError(truth: ArrayLike<number>, answers: ArrayLike<number>): number {
  return quantile(absoluteErrors(truth, answers).sort(), 0.5)
}

/** The greatest |y − ŷ|, in the unit of the values; NaN for no rows. */
export function maxError(truth: ArrayLike<number>, answers: ArrayLike<number>): number {
  const errors = absoluteErrors(truth, answers)
  return errors.length === 0 ? Number.NaN : errors.reduce((most, error) => Math.max(most, error), 0)
}

/**
 * Mean of |y − ŷ| / |y|, a fraction. Explodes for true values near 0, which are taken as 2⁻⁵² (as scikit-learn), and
 * punishes answers that are too high more than those too low. NaN for no rows.
 */
export function mape(truth: ArrayLike<number>, answers: ArrayLike<number>): number {
  const errors = absoluteErrors(truth, answers)
  let sum = 0
  for (let row = 0; row < errors.length; row++) sum += errors[row]! / Math.max(Math.abs(truth[row]!), Number.EPSILON)
  return sum / errors.length
}

/** 1 − MAE / MAE of the median: R² for absolute errors (D² pinball at ½). NaN where the true values are all equal. */
export function d2Absolute(truth: ArrayLike<number>, answers: ArrayLike<number>): number {
  const median = quantile(Float64Array.from(truth).sort(), 0.5)
  const spread = mae(truth, new Float64Array(truth.length).fill(median))
  return spread === 0 ? Number.NaN : 1 - mae(truth, answers) / spread
}

function absoluteErrors(truth: ArrayLike<number>, answers: ArrayLike<number>): Float64Array {
  requireSameLength(truth, answers)
  return Float64Array.from(truth, (value, row) => Math.abs(value - answers[row]!))
}
