import { binsOf, slotOf } from '../bins.ts'
import { normalQuantile } from '../distributions/normal.ts'
import { equalBounds } from '../histogram.ts'
import { type Estimate, LEVEL, requireLevel } from '../inference/estimate.ts'
import { requireSameLength } from './confusion.ts'

/** Rows whose score is at least `from` and below `to`; the last bin holds 1, too. */
export interface ReliabilityBin {
  readonly from: number
  readonly to: number
  readonly rows: number
  readonly meanScore: number
  /** Share of the rows that were positive: what the mean score should be. */
  readonly positiveShare: number
}

/**
 * Reliability curve: what was said against what happened (DeGroot and Fienberg 1983, doi:10.2307/2987588). Bins without rows
 * are left out.
 *
 * @param labels 1 is positive, 0 negative.
 * @param scores probabilities of the positive class, 0 … 1.
 * @param bins how many of equal width, 1 or more; or their bounds, ascending, as `quantileBounds` gives them: from the lowest
 * score or below to the highest or above.
 * @throws RangeError where a score is not a probability, or not within the bounds.
 */
export function reliability(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  bins: number | readonly number[] = 10,
): readonly ReliabilityBin[] {
  requireSameLength(labels, scores)
  const bounds = typeof bins === 'number' ? equalBounds(0, 1, bins) : bins
  const count = bounds.length - 1
  const rows = new Float64Array(count)
  const sums = new Float64Array(count)
  const positives = new Float64Array(count)
  const found = binsOf(bounds.slice(0, -1), bounds[count]!)
  for (let row = 0; row < scores.length; row++) {
    const score = scores[row]!
    const bin = slotOf(found, score)
    if (bin >= count || !(score >= 0 && score <= 1)) {
      throw new RangeError(
        `Cannot make a reliability curve: a score is ${score}, wanted a probability within the bounds`,
      )
    }
    rows[bin]!++
    sums[bin]! += score
    if (labels[row] === 1) positives[bin]!++
  }
  return Array.from(rows, (inBin, bin) => ({
    from: bounds[bin]!,
    to: bounds[bin + 1]!,
    rows: inBin,
    meanScore: sums[bin]! / inBin,
    positiveShare: positives[bin]! / inBin,
  })).filter(bin => bin.rows > 0)
}

/**
 * Expected calibration error: Σ (rows of the bin / all rows) |positive share − mean score| (Naeini, Cooper and Hauskrecht 2015).
 *
 * @returns 0 … 1; NaN for no bins.
 */
export function calibrationError(curve: readonly ReliabilityBin[]): number {
  let all = 0
  let sum = 0
  for (const { rows, meanScore, positiveShare } of curve) {
    all += rows
    sum += rows * Math.abs(positiveShare - meanScore)
  }
  return sum / all
}

/**
 * Expected calibration error with a cautious interval. Chance alone makes this error positive, so that an interval around it
 * by resampling would not hold a true 0. By the triangle inequality, though, it is off by no more than the mean absolute
 * error of the bins' own shares, whose upper quantile is the half-width (normal approximation; a share's variance with one success and one
 * failure added, so that a bin of one row is not taken for certain).
 *
 * @returns undefined for no bins.
 */
export function calibrationErrorInterval(
  curve: readonly ReliabilityBin[],
  level: number = LEVEL,
): Estimate | undefined {
  requireLevel(level)
  if (curve.length === 0) return undefined
  const value = calibrationError(curve)
  let all = 0
  for (const { rows } of curve) all += rows
  let mean = 0
  let variance = 0
  for (const { rows, positiveShare } of curve) {
    const share = (rows * positiveShare + 1) / (rows + 2)
    const error = (rows / all) ** 2 * ((share * (1 - share)) / rows)
    // Of |x| where x is normal around 0.
    mean += Math.sqrt((2 / Math.PI) * error)
    variance += (1 - 2 / Math.PI) * error
  }
  const half = mean + normalQuantile(level) * Math.sqrt(variance)
  const [low, high] = [Math.max(0, value - half), Math.min(1, value + half)]
  return { value, low, high, level, method: 'Triangle bound', n: all }
}
