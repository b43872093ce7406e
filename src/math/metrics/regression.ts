import { studentQuantile } from '../distributions/student-t.ts'
import { type Estimate, LEVEL } from '../inference/estimate.ts'
import { positiveMeanInterval } from '../inference/mean.ts'
import { momentsOf } from '../inference/moments.ts'
import { requireSameLength } from './confusion.ts'

/** Mean absolute error, in the unit of the values; NaN for no rows. */
export function mae(truth: ArrayLike<number>, answers: ArrayLike<number>): number {
  requireSameLength(truth, answers)
  let sum = 0
  for (let index = 0; index < truth.length; index++) sum += Math.abs(answers[index]! - truth[index]!)
  return sum / truth.length
}

/** Mean squared error, in the square of the unit; NaN for no rows. */
export function mse(truth: ArrayLike<number>, answers: ArrayLike<number>): number {
  requireSameLength(truth, answers)
  let sum = 0
  for (let index = 0; index < truth.length; index++) sum += (answers[index]! - truth[index]!) ** 2
  return sum / truth.length
}

/** Root of the mean squared error, in the unit of the values; NaN for no rows. */
export function rmse(truth: ArrayLike<number>, answers: ArrayLike<number>): number {
  return Math.sqrt(mse(truth, answers))
}

/**
 * Coefficient of determination: 1 − Σ(y − ŷ)² / Σ(y − ȳ)². 1 is perfect, 0 no better than the mean, below 0 worse.
 *
 * @returns NaN where the true values are all equal (the ratio does not exist) or fewer than two.
 */
export function r2(truth: ArrayLike<number>, answers: ArrayLike<number>): number {
  requireSameLength(truth, answers)
  const { n, variance } = momentsOf(truth.length, row => truth[row]!)
  return variance === 0 ? Number.NaN : 1 - (mse(truth, answers) * n) / (variance * (n - 1))
}

/**
 * Share of the variance that is explained, 1 − Var(y − ŷ) / Var(y): R² that forgives a constant error.
 *
 * @returns NaN where the true values are all equal or fewer than two.
 */
export function explainedVariance(truth: ArrayLike<number>, answers: ArrayLike<number>): number {
  requireSameLength(truth, answers)
  const spread = momentsOf(truth.length, row => truth[row]!).variance
  return spread === 0 ? Number.NaN : 1 - momentsOf(truth.length, row => truth[row]! - answers[row]!).variance / spread
}

/**
 * Quantile (pinball) loss, the mean of α (y − ŷ) where the answer was too low and of (1 − α)(ŷ − y) where it was too high: least
 * for the α-quantile (Koenker and Bassett 1978, doi:10.2307/1913643). For α = ½ it is half the mean absolute error.
 *
 * @param alpha 0 … 1.
 * @returns 0 or more, in the unit of the values; NaN for no rows.
 */
export function quantileLoss(truth: ArrayLike<number>, answers: ArrayLike<number>, alpha: number): number {
  requireSameLength(truth, answers)
  requireAlpha(alpha)
  let sum = 0
  for (let index = 0; index < truth.length; index++) sum += quantileLossOf(truth[index]! - answers[index]!, alpha)
  return sum / truth.length
}

function quantileLossOf(below: number, alpha: number): number {
  return below >= 0 ? alpha * below : (alpha - 1) * below
}

function requireAlpha(alpha: number): void {
  if (!(alpha >= 0 && alpha <= 1)) throw new RangeError(`Cannot measure: the quantile is ${alpha}, wanted 0 … 1`)
}

export interface RegressionOptions {
  /** Of the intervals; 0.95 unless it is said. */
  readonly level?: number
  /** Which quantile the answers are meant to be, for `quantileLoss`; 0.5 unless it is said. */
  readonly quantile?: number
}

export type RegressionMetric = 'mae' | 'rmse' | 'r2' | 'quantileLoss'

/**
 * What regression is judged by, each metric with its interval. A metric that does not exist for these rows (fewer than two;
 * R² of equal true values) is undefined.
 *
 * @throws RangeError where the columns have different lengths.
 */
export function regressionMetrics(
  actual: ArrayLike<number>,
  predicted: ArrayLike<number>,
  options: RegressionOptions = {},
): Record<RegressionMetric, Estimate | undefined> {
  requireSameLength(actual, predicted)
  const { level = LEVEL, quantile = 0.5 } = options
  requireAlpha(quantile)
  const n = actual.length
  const error = (row: number): number => actual[row]! - predicted[row]!
  const squares = positiveMeanInterval(
    momentsOf(n, row => error(row) ** 2),
    level,
  )
  return {
    mae: positiveMeanInterval(
      momentsOf(n, row => Math.abs(error(row))),
      level,
    ),
    rmse: squares && {
      ...squares,
      value: Math.sqrt(squares.value),
      low: Math.sqrt(squares.low),
      high: Math.sqrt(squares.high),
    },
    r2: r2Interval(actual, predicted, level),
    quantileLoss: positiveMeanInterval(
      momentsOf(n, row => quantileLossOf(error(row), quantile)),
      level,
    ),
  }
}

/** By the delta method for the logarithm of 1 − R², the ratio of two means of squares over the same rows. */
function r2Interval(actual: ArrayLike<number>, predicted: ArrayLike<number>, level: number): Estimate | undefined {
  const n = actual.length
  const value = r2(actual, predicted)
  if (!Number.isFinite(value)) return undefined
  const truth = momentsOf(n, row => actual[row]!)
  const unexplained = mse(actual, predicted)
  const spread = (truth.variance * (n - 1)) / n
  const { variance } = momentsOf(
    n,
    row => (actual[row]! - predicted[row]!) ** 2 / unexplained - (actual[row]! - truth.mean) ** 2 / spread,
  )
  const half = unexplained > 0 ? studentQuantile((1 + level) / 2, n - 1) * Math.sqrt(variance / n) : 0
  const [low, high] = [1 - (1 - value) * Math.exp(half), 1 - (1 - value) * Math.exp(-half)]
  return { value, low, high, level, method: 'Delta method for ln(1 − R²)', n }
}
