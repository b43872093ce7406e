import { betaTails, rising } from './beta.ts'
import { PARAMETER_MAX } from './gamma.ts'
import { normalQuantile, normalUpper } from './normal.ts'

/**
 * Probability that a Student t variable is above `t` (Student 1908, doi:10.1093/biomet/6.1.1).
 *
 * @param degreesOfFreedom 0.002 or more, not necessarily whole; beyond 10¹² it is the normal distribution.
 */
export function studentUpper(t: number, degreesOfFreedom: number): number {
  if (degreesOfFreedom > PARAMETER_MAX) return normalUpper(t)
  const square = t * t
  if (square === Infinity) return t < 0 ? 1 : 0
  const sum = degreesOfFreedom + square
  const { lower } = betaTails(degreesOfFreedom / 2, 0.5, degreesOfFreedom / sum, square / sum)
  return t < 0 ? 1 - lower / 2 : lower / 2
}

/** The t below which a Student t variable is with probability `p`, 10⁻¹⁵⁰ or more from 0 and 1; NaN outside 0 … 1. */
export function studentQuantile(p: number, degreesOfFreedom: number): number {
  if (!(p > 0 && p < 1) || degreesOfFreedom > PARAMETER_MAX) return normalQuantile(p)
  if (!(degreesOfFreedom > 0)) return Number.NaN
  if (p === 0.5) return 0
  const tail = Math.min(p, 1 - p)
  // Solved for ln t, over which the log of the tail is nearly straight.
  const log = rising(
    x => Math.log(tail / studentUpper(Math.exp(x), degreesOfFreedom)),
    Math.log(Math.abs(normalQuantile(p))),
  )
  return p < 0.5 ? -Math.exp(log) : Math.exp(log)
}
