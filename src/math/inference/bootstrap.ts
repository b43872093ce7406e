import { normalLower, normalQuantile } from '../distributions/normal.ts'
import { quantile } from '../quantiles.ts'
import type { Random } from '../random.ts'
import { type Estimate, LEVEL, requireLevel } from './estimate.ts'

export interface BootstrapOptions {
  readonly random: Random
  /** `BCa` (the default) corrects bias and skew; `percentile` and `basic` do not. */
  readonly method?: 'BCa' | 'percentile' | 'basic'
  /** 2,000 unless it is said: enough for two digits of a 95 % interval. */
  readonly resamples?: number
  readonly level?: number
}

/** More values than this are left out by groups, as many as this, when the skew is measured. */
const JACKKNIFE_MAX = 1000

/**
 * Any statistic of independent values with an interval, from samples drawn with replacement (Efron and Tibshirani 1993; BCa:
 * Efron 1987, doi:10.1080/01621459.1987.10478410). Misleads for extremes (minimum, maximum), for fewer than about 20
 * values, and where values depend on each other.
 *
 * @param statistic of a sample, whose values it may reorder; the array is used again.
 * @returns with the standard error; undefined for no values.
 */
export function bootstrap(
  values: ArrayLike<number>,
  statistic: (sample: Float64Array) => number,
  options: BootstrapOptions,
): (Estimate & { readonly standardError: number }) | undefined {
  const { random, method = 'BCa', resamples = 2000, level = LEVEL } = options
  requireLevel(level)
  if (!(Number.isInteger(resamples) && resamples >= 2)) {
    throw new RangeError(`Cannot resample: wanted ${resamples} samples, at least 2 are needed`)
  }
  if (values.length === 0) return undefined
  const sample = Float64Array.from(values)
  const value = statistic(sample)
  const found = new Float64Array(resamples)
  for (let round = 0; round < resamples; round++) {
    for (let at = 0; at < sample.length; at++) sample[at] = values[Math.floor(random() * values.length)]!
    found[round] = statistic(sample)
  }
  found.sort()
  const tail = (1 - level) / 2
  const [p, q] = method === 'BCa' ? correctedTails(found, value, values, statistic, tail) : [tail, 1 - tail]
  const [low, high] = [quantile(found, p), quantile(found, q)]
  return {
    value,
    low: method === 'basic' ? 2 * value - high : low,
    high: method === 'basic' ? 2 * value - low : high,
    level,
    method: `Bootstrap (${method})`,
    n: values.length,
    standardError: deviation(found),
  }
}

/** Which quantiles of the resampled statistic bound the interval, after bias and acceleration. */
function correctedTails(
  sorted: Float64Array,
  value: number,
  values: ArrayLike<number>,
  statistic: (sample: Float64Array) => number,
  tail: number,
): [number, number] {
  const bias = normalQuantile(shareBelow(sorted, value))
  const acceleration = accelerationOf(values, statistic)
  const corrected = (p: number): number => {
    const z = bias + normalQuantile(p)
    return normalLower(bias + z / (1 - acceleration * z))
  }
  const [low, high] = [corrected(tail), corrected(1 - tail)]
  // Where all resamples lie on one side of the value there is nothing to correct by.
  return Number.isFinite(low) && Number.isFinite(high) ? [low, high] : [tail, 1 - tail]
}

/** Share of resamples below the value, those equal to it counting half. */
function shareBelow(sorted: Float64Array, value: number): number {
  let [below, equal] = [0, 0]
  for (const found of sorted) {
    if (found < value) below++
    else if (found === value) equal++
  }
  return (below + equal / 2) / sorted.length
}

/** From the skew of the statistic when values are left out in turn (the jackknife). */
function accelerationOf(values: ArrayLike<number>, statistic: (sample: Float64Array) => number): number {
  const groups = Math.min(values.length, JACKKNIFE_MAX)
  const found = Float64Array.from({ length: groups }, (_, group) => statistic(without(values, group, groups)))
  const mean = found.reduce((sum, value) => sum + value, 0) / groups
  let [squares, cubes] = [0, 0]
  for (const value of found) {
    squares += (mean - value) ** 2
    cubes += (mean - value) ** 3
  }
  return squares > 0 ? cubes / (6 * squares ** 1.5) : 0
}

function without(values: ArrayLike<number>, group: number, groups: number): Float64Array {
  const kept = new Float64Array(values.length - Math.ceil((values.length - group) / groups))
  for (let index = 0, at = 0; index < values.length; index++) {
    if (index % groups !== group) kept[at++] = values[index]!
  }
  return kept
}

function deviation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
}
