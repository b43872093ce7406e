import { kolmogorovUpperFast } from '../distributions/kolmogorov.ts'
import { requireAligned, total } from './shares.ts'

export interface KsOfCounts {
  /** The greatest distance of the two cumulative shares, 0 … 1. */
  readonly statistic: number
  readonly pValue: number
}

/**
 * Two-sample Kolmogorov–Smirnov statistic of histograms, seen at the bounds of the bins: never greater than that of the
 * values behind them, and equal where each bin holds one value. The p-value is that of continuous values, and therefore too
 * large (safe) for values that repeat or for few bins.
 *
 * @param reference counts by bin, in the order of the values. @param current counts by the same bins.
 * @returns NaN where a side has no rows.
 */
export function ksFromCounts(reference: readonly number[], current: readonly number[]): KsOfCounts {
  requireAligned('the Kolmogorov–Smirnov statistic', reference, current)
  const [rows, rowsNow] = [total(reference), total(current)]
  if (rows === 0 || rowsNow === 0) return { statistic: Number.NaN, pValue: Number.NaN }
  let below = 0
  let belowNow = 0
  let statistic = 0
  for (let bin = 0; bin < reference.length; bin++) {
    below += reference[bin]!
    belowNow += current[bin]!
    statistic = Math.max(statistic, Math.abs(below / rows - belowNow / rowsNow))
  }
  return { statistic, pValue: kolmogorovUpperFast((rows / (rows + rowsNow)) * rowsNow, statistic) }
}
