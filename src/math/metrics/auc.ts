import { normalQuantile } from '../distributions/normal.ts'
import { type Estimate, LEVEL, requireLevel } from '../inference/estimate.ts'
import { requireSameLength } from './confusion.ts'

/**
 * The scores of each class, ascending: all that a measure of ranking needs. Numbers are sorted by the engine's own routine,
 * which is many times faster than sorting rows by a comparison.
 */
export interface Ranking {
  readonly positives: Float64Array
  readonly negatives: Float64Array
}

/**
 * @param labels 1 is positive, all else negative.
 * @throws RangeError where a score is NaN.
 */
export function ranking(labels: ArrayLike<number>, scores: ArrayLike<number>): Ranking {
  requireSameLength(labels, scores)
  let count = 0
  for (let row = 0; row < labels.length; row++) if (labels[row] === 1) count++
  const positives = new Float64Array(count)
  const negatives = new Float64Array(labels.length - count)
  let atPositive = 0
  let atNegative = 0
  for (let row = 0; row < labels.length; row++) {
    const score = scores[row]!
    if (Number.isNaN(score)) throw new RangeError(`Cannot measure: a score is ${score}, wanted a number`)
    if (labels[row] === 1) positives[atPositive++] = score
    else negatives[atNegative++] = score
  }
  return { positives: positives.sort(), negatives: negatives.sort() }
}

/**
 * Area under the receiver operating characteristic: the probability that a random positive scores higher than a random
 * negative, ties counting half (the Mann–Whitney statistic; Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747).
 *
 * @param labels 1 is positive, 0 negative.
 * @returns 0 … 1; NaN where a class is absent.
 */
export function rocAuc(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  return rankedAuc(ranking(labels, scores)).value
}

/**
 * Average precision: Σ (Rₙ − Rₙ₋₁) Pₙ over the distinct scores from the highest down; the step-wise area under the
 * precision–recall curve, without interpolation (as scikit-learn's `average_precision_score`).
 *
 * @returns 0 … 1; 0 where there is no positive.
 */
export function averagePrecision(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  return rankedPrecision(ranking(labels, scores))
}

/** `averagePrecision` of sorted scores. */
export function rankedPrecision({ positives, negatives }: Ranking): number {
  let positive = positives.length - 1
  let negative = negatives.length - 1
  let area = 0
  while (positive >= 0) {
    const score = positives[positive]!
    const before = positive
    while (positive >= 0 && positives[positive] === score) positive--
    while (negative >= 0 && negatives[negative]! >= score) negative--
    const found = positives.length - 1 - positive
    area += (before - positive) * (found / (found + negatives.length - 1 - negative))
  }
  return positives.length === 0 ? 0 : area / positives.length
}

interface Auc {
  readonly value: number
  /** Of the value, by DeLong; NaN where a class has fewer than two rows. */
  readonly variance: number
}

/**
 * ROC-AUC of sorted scores with its variance from the placements of each row among the other class (DeLong, DeLong and
 * Clarke-Pearson 1988, doi:10.2307/2531595), found by one merge instead of all pairs (Sun and Xu 2014,
 * doi:10.1109/LSP.2014.2337313).
 */
export function rankedAuc({ positives, negatives }: Ranking): Auc {
  const [m, n] = [positives.length, negatives.length]
  if (m === 0 || n === 0) return { value: Number.NaN, variance: Number.NaN }
  let [positive, negative] = [0, 0]
  // Sums over positives of the negatives below them, and over negatives of the positives above them, ties as halves.
  let [wins, squares, squaresOfNegatives] = [0, 0, 0]
  while (positive < m || negative < n) {
    const score = Math.min(positives[positive] ?? Infinity, negatives[negative] ?? Infinity)
    const [firstPositive, firstNegative] = [positive, negative]
    while (positive < m && positives[positive] === score) positive++
    while (negative < n && negatives[negative] === score) negative++
    const below = (firstNegative + negative) / 2 / n
    const above = (m - (firstPositive + positive) / 2) / m
    wins += (positive - firstPositive) * below
    squares += (positive - firstPositive) * below * below
    squaresOfNegatives += (negative - firstNegative) * above * above
  }
  const value = wins / m
  const ofPositives = Math.max(0, squares - m * value * value) / (m - 1)
  const ofNegatives = Math.max(0, squaresOfNegatives - n * value * value) / (n - 1)
  return { value, variance: ofPositives / m + ofNegatives / n }
}

/**
 * ROC-AUC with an interval: DeLong's variance on the scale of log-odds, which keeps within 0 … 1. Where a class has fewer
 * than ten rows, or the classes are wholly apart (a variance of 0 would claim certainty): Newcombe's score interval.
 *
 * @returns undefined where a class is absent.
 */
export function rocAucInterval(ranked: Ranking, level: number = LEVEL): Estimate | undefined {
  requireLevel(level)
  const { value, variance } = rankedAuc(ranked)
  if (Number.isNaN(value)) return undefined
  const [m, n] = [ranked.positives.length, ranked.negatives.length]
  const z = normalQuantile((1 + level) / 2)
  if (Math.min(m, n) < 10 || !(variance > 0) || value === 0 || value === 1) {
    return { value, ...newcombe(value, m, n, z), level, method: 'Newcombe', n: m + n }
  }
  const odds = Math.log(value / (1 - value))
  const half = (z * Math.sqrt(variance)) / (value * (1 - value))
  return { value, low: logistic(odds - half), high: logistic(odds + half), level, method: 'DeLong (logit)', n: m + n }
}

/**
 * The AUCs that are `z` of their own standard errors from what was seen: Hanley and McNeil's variance with the mean number of
 * rows a class (Newcombe 2006, method 5, doi:10.1002/sim.2324).
 */
function newcombe(seen: number, m: number, n: number, z: number): { low: number; high: number } {
  const rows = (m + n) / 2 - 1
  const isWithin = (auc: number): boolean => {
    const variance = (auc * (1 - auc) * (1 + (rows * (1 - auc)) / (2 - auc) + (rows * auc) / (1 + auc))) / (m * n)
    return Math.abs(auc - seen) <= z * Math.sqrt(variance)
  }
  return { low: edge(seen, 0, isWithin), high: edge(seen, 1, isWithin) }
}

/** By halving, from a point within towards an end that may be within itself. */
function edge(within: number, end: number, isWithin: (auc: number) => boolean): number {
  if (within === end) return end
  let [inner, outer] = [within, end]
  for (let round = 0; round < 50; round++) {
    const middle = (inner + outer) / 2
    if (isWithin(middle)) inner = middle
    else outer = middle
  }
  return inner
}

function logistic(odds: number): number {
  return 1 / (1 + Math.exp(-odds))
}
