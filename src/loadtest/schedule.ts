/** When requests are due: a schedule that does not wait for answers, as callers who know nothing of each other do not. */
import type { Random } from '../math/random.ts'

/** `poisson`: at random, each independent of the others. `even`: equally spaced. */
export const ARRIVALS = ['poisson', 'even'] as const
export type Arrivals = (typeof ARRIVALS)[number]

/**
 * Each call gives when the next request is due, milliseconds since the start, ascending.
 *
 * @param rate requests a second, greater than 0.
 */
export function schedule(rate: number, arrivals: Arrivals, random: Random): () => number {
  const gapMs = 1000 / rate
  if (arrivals === 'even') {
    let sent = 0
    // By multiplication: a sum of a million gaps would be off by its roundings.
    return () => sent++ * gapMs
  }
  let at = 0
  return () => {
    // The gaps of a Poisson process are exponentially distributed; 1 − u is never 0.
    at -= Math.log(1 - random()) * gapMs
    return at
  }
}
