import { type Estimate, LEVEL } from '../inference/estimate.ts'
import { positiveMeanInterval } from '../inference/mean.ts'
import { momentsOf } from '../inference/moments.ts'
import { wilson } from '../inference/proportion.ts'
import { type Ranking, rankedPrecision, ranking, rocAucInterval } from './auc.ts'
import { calibrationErrorInterval, reliability } from './calibration.ts'
import { type Confusion, confusion } from './confusion.ts'
import { logLossOf } from './log-loss.ts'

export type BinaryMetric =
  | 'accuracy'
  | 'precision'
  | 'recall'
  | 'f1'
  | 'rocAuc'
  | 'prAuc'
  | 'logLoss'
  | 'brier'
  | 'calibrationError'

export interface BinaryOptions {
  /** Of the intervals; 0.95 unless it is said. */
  readonly level?: number
  /** Of the reliability curve; 10 unless it is said. */
  readonly bins?: number
}

/**
 * What a binary classifier is judged by, each metric with its interval (methods: `docs/statistics.md`). A metric that does not
 * exist for these rows is undefined: all for no rows, the areas where a class is absent, precision where nothing was called
 * positive; log-loss, Brier and calibration error where scores are not probabilities.
 *
 * @param labels 1 is positive, 0 negative.
 * @param scores probabilities of the positive class, or any scores that rank.
 * @param threshold positive is what scores at least this.
 * @throws RangeError where the columns have different lengths, or a score is NaN.
 */
export function binaryMetrics(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  threshold: number,
  options: BinaryOptions = {},
): Record<BinaryMetric, Estimate | undefined> {
  const { level = LEVEL, bins = 10 } = options
  const ranked = ranking(labels, scores)
  const isProbability = scoresAreWithin(ranked, 0, 1)
  const ofRows = (value: (row: number) => number): Estimate | undefined =>
    isProbability ? positiveMeanInterval(momentsOf(labels.length, value), level) : undefined
  return {
    ...decisions(confusion(labels, scores, threshold), level),
    rocAuc: rocAucInterval(ranked, level),
    prAuc: precisionInterval(ranked, level),
    logLoss: ofRows(row => logLossOf(labels[row]!, scores[row]!)),
    brier: unit(ofRows(row => (scores[row]! - labels[row]!) ** 2)),
    calibrationError: isProbability ? calibrationErrorInterval(reliability(labels, scores, bins), level) : undefined,
  }
}

function decisions(
  { truePositives, falsePositives, trueNegatives, falseNegatives }: Confusion,
  level: number,
): Record<'accuracy' | 'precision' | 'recall' | 'f1', Estimate | undefined> {
  const rows = truePositives + falsePositives + trueNegatives + falseNegatives
  return {
    accuracy: wilson(truePositives + trueNegatives, rows, level),
    precision: wilson(truePositives, truePositives + falsePositives, level),
    recall: wilson(truePositives, truePositives + falseNegatives, level),
    f1: f1Interval(truePositives, falsePositives + falseNegatives, level),
  }
}

/**
 * F1 is 2J / (1 + J), a rising function of J = TP / (TP + FP + FN). Given how many rows are not true negatives, TP is
 * binomial with the share J: Wilson's interval for J, carried over.
 */
function f1Interval(truePositives: number, wrong: number, level: number): Estimate | undefined {
  const shares = wilson(truePositives, truePositives + wrong, level)
  if (shares === undefined) return undefined
  const carried = (share: number): number => (2 * share) / (1 + share)
  return {
    ...shares,
    value: carried(shares.value),
    low: carried(shares.low),
    high: carried(shares.high),
    method: 'Wilson of TP / (TP + FP + FN)',
  }
}

/**
 * Average precision as if it were a share of the positives: the binomial interval of Boyd, Eng and Page (2013,
 * doi:10.1007/978-3-642-40994-3_29) in Wilson's form.
 */
function precisionInterval(ranked: Ranking, level: number): Estimate | undefined {
  const [positives, negatives] = [ranked.positives.length, ranked.negatives.length]
  if (positives === 0 || negatives === 0) return undefined
  const value = rankedPrecision(ranked)
  const interval = wilson(value * positives, positives, level)
  return interval && { ...interval, value, method: 'Wilson over positives', n: positives + negatives }
}

function scoresAreWithin({ positives, negatives }: Ranking, low: number, high: number): boolean {
  return [positives, negatives].every(sorted => sorted.length === 0 || (sorted[0]! >= low && sorted.at(-1)! <= high))
}

function unit(estimate: Estimate | undefined): Estimate | undefined {
  return estimate && { ...estimate, high: Math.min(1, estimate.high) }
}
