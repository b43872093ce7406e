import { type Ranking, ranking } from './auc.ts'
import { requireSameLength } from './confusion.ts'

/** What a threshold finds: positive is what scores at least so much. */
export interface ThresholdPoint {
  readonly threshold: number
  readonly truePositives: number
  readonly falsePositives: number
  /** Share of the positives found, and of the negatives taken for positive. */
  readonly truePositiveRate: number
  readonly falsePositiveRate: number
  /** Share of positives among those found; 1 where none is. */
  readonly precision: number
}

/**
 * Every decision that a threshold can make, from «none is positive» (threshold ∞) down to «all are», one point a distinct
 * score: both the ROC and the precision–recall curve.
 *
 * @param labels 1 is positive, 0 negative.
 * @returns rates NaN where a class is absent.
 */
export function thresholdCurve(labels: ArrayLike<number>, scores: ArrayLike<number>): readonly ThresholdPoint[] {
  const ranked = ranking(labels, scores)
  const { positives, negatives } = ranked
  const points = [pointOf(ranked, Infinity, 0, 0)]
  let [positive, negative] = [positives.length - 1, negatives.length - 1]
  while (positive >= 0 || negative >= 0) {
    const threshold = Math.max(positives[positive] ?? -Infinity, negatives[negative] ?? -Infinity)
    while (positive >= 0 && positives[positive] === threshold) positive--
    while (negative >= 0 && negatives[negative] === threshold) negative--
    points.push(pointOf(ranked, threshold, positives.length - 1 - positive, negatives.length - 1 - negative))
  }
  return points
}

function pointOf(
  { positives, negatives }: Ranking,
  threshold: number,
  truePositives: number,
  falsePositives: number,
): ThresholdPoint {
  const found = truePositives + falsePositives
  return {
    threshold,
    truePositives,
    falsePositives,
    truePositiveRate: truePositives / positives.length,
    falsePositiveRate: falsePositives / negatives.length,
    precision: found === 0 ? 1 : truePositives / found,
  }
}

/**
 * Area under the precision–recall curve by trapezoids. Linear interpolation between its points is too optimistic (Davis and
 * Goadrich 2006, doi:10.1145/1143844.1143874): prefer `averagePrecision`.
 */
export function prAucTrapezoid(curve: readonly ThresholdPoint[]): number {
  let area = 0
  for (let at = 1; at < curve.length; at++) {
    const [before, now] = [curve[at - 1]!, curve[at]!]
    area += ((now.truePositiveRate - before.truePositiveRate) * (now.precision + before.precision)) / 2
  }
  return area
}

/** Greatest difference of true and false positive rate: the Kolmogorov–Smirnov distance of the classes' scores (Youden's J). */
export function classSeparation(curve: readonly ThresholdPoint[]): number {
  return curve.reduce((most, point) => Math.max(most, point.truePositiveRate - point.falsePositiveRate), 0)
}

/**
 * ROC-AUC of rows that weigh differently: the weighted share of pairs won, ties counting half.
 *
 * @param weights 0 or more.
 * @returns 0 … 1; NaN where a class is absent or weighs nothing.
 */
export function weightedRocAuc(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  weights: ArrayLike<number>,
): number {
  requireSameLength(labels, scores)
  requireSameLength(labels, weights)
  const order = Uint32Array.from(labels, (_, row) => row).sort((i, j) => scores[i]! - scores[j]!)
  let [wins, below, positives] = [0, 0, 0]
  for (let start = 0; start < order.length; ) {
    const score = scores[order[start]!]!
    if (Number.isNaN(score)) throw new RangeError(`Cannot measure: a score is ${score}, wanted a number`)
    let [here, negativesHere, end] = [0, 0, start]
    for (; end < order.length && scores[order[end]!] === score; end++) {
      const weight = weights[order[end]!]!
      if (labels[order[end]!] === 1) here += weight
      else negativesHere += weight
    }
    wins += here * (below + negativesHere / 2)
    below += negativesHere
    positives += here
    start = end
  }
  return wins / (positives * below)
}
