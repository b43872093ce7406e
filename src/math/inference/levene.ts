import { fisherUpper } from '../distributions/fisher-f.ts'
import { quantile } from '../quantiles.ts'
import { momentsOf } from './moments.ts'

/**
 * Levene's test of equal variances in the form of Brown and Forsythe (1974, doi:10.2307/2285659): an analysis of variance of
 * the distances from each sample's median, which does not need normal values.
 *
 * @param samples two or more, with values each.
 * @returns the statistic W, which follows an F distribution, and its p-value.
 */
export function levene(...samples: readonly ArrayLike<number>[]): {
  readonly statistic: number
  readonly pValue: number
} {
  if (samples.length < 2 || samples.some(sample => sample.length === 0)) {
    throw new RangeError('Cannot compare variances: wanted two samples or more, and values in each')
  }
  const groups = samples.map(sample => {
    const sorted = Float64Array.from(sample).sort()
    const median = quantile(sorted, 0.5)
    return momentsOf(sorted.length, index => Math.abs(sorted[index]! - median))
  })
  const all = groups.reduce((sum, { n }) => sum + n, 0)
  const mean = groups.reduce((sum, group) => sum + group.n * group.mean, 0) / all
  const between = groups.reduce((sum, group) => sum + group.n * (group.mean - mean) ** 2, 0)
  const within = groups.reduce((sum, group) => sum + group.variance * (group.n - 1), 0)
  const [degrees, degreesBelow] = [groups.length - 1, all - groups.length]
  const statistic = (between / within) * (degreesBelow / degrees)
  return { statistic, pValue: fisherUpper(statistic, degrees, degreesBelow) }
}
