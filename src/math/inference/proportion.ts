import { normalQuantile } from '../distributions/normal.ts'
import { type Estimate, LEVEL, requireLevel } from './estimate.ts'

/**
 * A share of successes with Wilson's score interval, which holds its level for small samples and for shares near 0 or 1
 * (Wilson 1927, doi:10.2307/2276774; Brown, Cai and DasGupta 2001, doi:10.1214/ss/1009213286).
 *
 * @param successes 0 … trials.
 * @returns undefined for no trials.
 */
export function wilson(successes: number, trials: number, level: number = LEVEL): Estimate | undefined {
  requireLevel(level)
  if (!(trials > 0)) return undefined
  const value = successes / trials
  const square = normalQuantile((1 + level) / 2) ** 2
  const centre = (successes + square / 2) / (trials + square)
  const half = Math.sqrt(square * (Math.max(0, value * (1 - value)) * trials + square / 4)) / (trials + square)
  return {
    value,
    // The ends are exact there, and rounding must not put the value outside of its interval.
    low: successes === 0 ? 0 : Math.min(value, centre - half),
    high: successes === trials ? 1 : Math.max(value, centre + half),
    level,
    method: 'Wilson',
    n: trials,
  }
}
