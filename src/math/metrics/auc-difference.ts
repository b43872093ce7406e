import { normalLower, normalQuantile } from '../distributions/normal.ts'
import { type Estimate, LEVEL, requireLevel } from '../inference/estimate.ts'
import { requireSameLength } from './confusion.ts'

export interface AucDifference extends Estimate {
  /** ROC-AUC of each. */
  readonly first: number
  readonly second: number
  readonly standardError: number
  /** Two-sided, of equal areas; 1 where the two order the rows alike. */
  readonly pValue: number
}

/**
 * By how much the first ROC-AUC is greater than the second on the same rows, with DeLong's interval (DeLong, DeLong and
 * Clarke-Pearson 1988, doi:10.2307/2531595): the covariance of the two comes from the placements of each row among the other
 * class, found by sorting (Sun and Xu 2014, doi:10.1109/LSP.2014.2337313).
 *
 * @param labels 1 is positive, all else negative.
 * @returns undefined where a class has fewer than two rows.
 * @throws RangeError where a score is NaN.
 */
export function rocAucDifference(
  labels: ArrayLike<number>,
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  level: number = LEVEL,
): AucDifference | undefined {
  requireLevel(level)
  requireSameLength(labels, first)
  requireSameLength(labels, second)
  const [a, b] = [placements(labels, first), placements(labels, second)]
  const [m, n] = [a.ofPositives.length, a.ofNegatives.length]
  if (m < 2 || n < 2) return undefined
  const [areaOfFirst, areaOfSecond] = [mean(a.ofPositives), mean(b.ofPositives)]
  const value = areaOfFirst - areaOfSecond
  const variance =
    varianceOfDifference(a.ofPositives, b.ofPositives) / m + varianceOfDifference(a.ofNegatives, b.ofNegatives) / n
  const standardError = Math.sqrt(variance)
  const half = normalQuantile((1 + level) / 2) * standardError
  const pValue = standardError > 0 ? 2 * normalLower(-Math.abs(value) / standardError) : value === 0 ? 1 : 0
  return {
    value,
    low: Math.max(-1, value - half),
    high: Math.min(1, value + half),
    level,
    method: 'DeLong (paired)',
    n: m + n,
    first: areaOfFirst,
    second: areaOfSecond,
    standardError,
    pValue,
  }
}

interface Placements {
  /** For each positive, in the order of the rows, the share of negatives it is above; ties are halves. */
  readonly ofPositives: Float64Array
  /** For each negative, the share of positives above it. */
  readonly ofNegatives: Float64Array
}

function placements(labels: ArrayLike<number>, scores: ArrayLike<number>): Placements {
  const rows = labels.length
  const order = Uint32Array.from({ length: rows }, (_, row) => row).sort((i, j) => scores[i]! - scores[j]!)
  const placed = new Float64Array(rows)
  let m = 0
  for (let row = 0; row < rows; row++) {
    if (Number.isNaN(scores[row])) throw new RangeError('Cannot measure: a score is NaN, wanted a number')
    if (labels[row] === 1) m++
  }
  const n = rows - m
  let [positivesBelow, negativesBelow] = [0, 0]
  for (let start = 0; start < rows; ) {
    const score = scores[order[start]!]!
    let [end, positives] = [start, 0]
    for (; end < rows && scores[order[end]!] === score; end++) if (labels[order[end]!] === 1) positives++
    const negatives = end - start - positives
    const below = (negativesBelow + negatives / 2) / n
    const above = (m - positivesBelow - positives / 2) / m
    for (let at = start; at < end; at++) placed[order[at]!] = labels[order[at]!] === 1 ? below : above
    positivesBelow += positives
    negativesBelow += negatives
    start = end
  }
  const ofPositives = placed.filter((_, row) => labels[row] === 1)
  return { ofPositives, ofNegatives: placed.filter((_, row) => labels[row] !== 1) }
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function varianceOfDifference(a: Float64Array, b: Float64Array): number {
  const off = mean(a) - mean(b)
  let squares = 0
  for (let at = 0; at < a.length; at++) squares += (a[at]! - b[at]! - off) ** 2
  return squares / (a.length - 1)
}
