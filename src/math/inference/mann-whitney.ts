import { normalUpper } from '../distributions/normal.ts'
import { pooledRanks } from './ranks.ts'

export interface MannWhitneyResult {
  /** Pairs in which the value of the first sample is the greater one, ties counting half: 0 … n · m. */
  readonly statistic: number
  /** The same as a share of all pairs, the probability that a value of `a` exceeds one of `b`: an effect size, 0 … 1. */
  readonly share: number
  readonly pValue: number
}

/**
 * Mann–Whitney U test, two-sided: does one of two distributions tend to greater values (Mann and Whitney 1947,
 * doi:10.1214/aoms/1177730491)? Normal approximation with corrections for ties and for continuity; good from about eight
 * values a sample.
 *
 * @throws RangeError where a sample is empty or a value NaN.
 */
export function mannWhitney(a: ArrayLike<number>, b: ArrayLike<number>): MannWhitneyResult {
  const [n, m] = [a.length, b.length]
  if (n === 0 || m === 0)
    throw new RangeError(`Cannot compare ranks: samples have ${n} and ${m} values, wanted one each`)
  const { a: ranks, ties } = pooledRanks(a, b)
  const statistic = ranks.reduce((sum, rank) => sum + rank, 0) - (n * (n + 1)) / 2
  const all = n + m
  const variance = all === 1 ? 0 : ((n * m) / 12) * (all + 1 - ties / (all * (all - 1)))
  const off = Math.max(statistic, n * m - statistic) - (n * m) / 2 - 0.5
  // All values are equal: nothing speaks for a difference.
  const pValue = variance > 0 ? Math.min(1, 2 * normalUpper(off / Math.sqrt(variance))) : 1
  return { statistic, share: statistic / (n * m), pValue }
}
