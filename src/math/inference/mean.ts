import { studentQuantile } from '../distributions/student-t.ts'
import { type Estimate, LEVEL, requireLevel } from './estimate.ts'
import type { Moments } from './moments.ts'

/**
 * A mean of independent values with Student's interval, mean ± t · s / √n.
 *
 * @returns undefined for fewer than two values.
 */
export function meanInterval({ n, mean, variance }: Moments, level: number = LEVEL): Estimate | undefined {
  requireLevel(level)
  if (n < 2) return undefined
  const half = studentQuantile((1 + level) / 2, n - 1) * Math.sqrt(variance / n)
  return { value: mean, low: mean - half, high: mean + half, level, method: 'Student t', n }
}

/**
 * A mean of values that cannot be negative, with an interval on the scale of logarithms, mean · exp(± t · s / (mean √n)): it
 * stays above 0 and leans to the side to which such values are skewed.
 *
 * @returns undefined for fewer than two values.
 */
export function positiveMeanInterval({ n, mean, variance }: Moments, level: number = LEVEL): Estimate | undefined {
  requireLevel(level)
  if (n < 2) return undefined
  const half = mean > 0 ? (studentQuantile((1 + level) / 2, n - 1) * Math.sqrt(variance / n)) / mean : 0
  return {
    value: mean,
    low: mean * Math.exp(-half),
    high: mean * Math.exp(half),
    level,
    method: 'Student t of the log',
    n,
  }
}
