/**
 * How differently groups of people are treated by a decision: the rates of each group, and the largest difference and smallest
 * ratio between groups, as Fairlearn defines them (https://fairlearn.org/main/user_guide/assessment/common_fairness_metrics.html).
 */
import { requireSameLength } from './confusion.ts'

export interface GroupRates {
  readonly rows: number
  /** Share that was called positive. */
  readonly selectionRate: number
  /** Of those who were positive, the share that was called so; NaN where nobody was. */
  readonly truePositiveRate: number
  /** Of those who were negative; NaN where nobody was. */
  readonly falsePositiveRate: number
  readonly accuracy: number
  /** Of those called positive, the share that was; NaN where nobody was called so. */
  readonly precision: number
}

export interface Disparity {
  /** Largest rate less the smallest. */
  readonly difference: number
  /** Smallest rate over the largest; NaN where all are 0. */
  readonly ratio: number
}

/**
 * @param labels 1 is positive, 0 negative.
 * @param calls as labels, what was decided.
 * @param groups the number of each row's group, from 0; others are left out.
 * @param count of groups. A group without rows has NaN for all its rates.
 */
export function groupRates(
  labels: ArrayLike<number>,
  calls: ArrayLike<number>,
  groups: ArrayLike<number>,
  count: number,
): GroupRates[] {
  requireSameLength(labels, calls)
  requireSameLength(labels, groups)
  const cells = Array.from({ length: count }, () => [0, 0, 0, 0] as [number, number, number, number])
  for (let row = 0; row < labels.length; row++) {
    const cell = cells[groups[row]!]
    if (cell !== undefined) cell[(labels[row] === 1 ? 2 : 0) + (calls[row] === 1 ? 1 : 0)]!++
  }
  return cells.map(([trueNegatives, falsePositives, falseNegatives, truePositives]) => {
    const [negatives, positives] = [trueNegatives + falsePositives, falseNegatives + truePositives]
    const rows = negatives + positives
    const called = truePositives + falsePositives
    return {
      rows,
      selectionRate: called / rows,
      truePositiveRate: truePositives / positives,
      falsePositiveRate: falsePositives / negatives,
      accuracy: (truePositives + trueNegatives) / rows,
      precision: truePositives / called,
    }
  })
}

/** Of rates that exist; of fewer than two groups there is none. */
function disparity(rates: readonly number[]): Disparity | undefined {
  const known = rates.filter(rate => !Number.isNaN(rate))
  if (known.length < 2) return undefined
  const [least, most] = [Math.min(...known), Math.max(...known)]
  return { difference: most - least, ratio: least / most }
}

/** Whether groups are called positive at the same rate, whatever they were. */
export function demographicParity(groups: readonly GroupRates[]): Disparity | undefined {
  return disparity(groups.map(({ selectionRate }) => selectionRate))
}

/** Whether those who were positive are called so at the same rate in each group (Hardt, Price, Srebro 2016, arXiv:1610.02413). */
export function equalOpportunity(groups: readonly GroupRates[]): Disparity | undefined {
  return disparity(groups.map(({ truePositiveRate }) => truePositiveRate))
}

/** As equal opportunity, also of those who were negative: the worse of the two. */
export function equalizedOdds(groups: readonly GroupRates[]): Disparity | undefined {
  const [right, wrong] = [equalOpportunity(groups), disparity(groups.map(({ falsePositiveRate }) => falsePositiveRate))]
  if (right === undefined || wrong === undefined) return undefined
  return { difference: Math.max(right.difference, wrong.difference), ratio: Math.min(right.ratio, wrong.ratio) }
}
