/** When requests are due: a schedule that does not wait for answers, as callers who know nothing of each other do not. */
import type { Random } from '../math/random.ts'

/** `poisson`: at random, each independent of the others. `even`: equally spaced. */
export const ARRIVALS = ['poisson', 'even'] as const
export type Arrivals = (typeof ARRIVALS)[number]

/** One of several schedules that together are one: of the thread `at`, counted from 0, of so many. */
export interface Lane {
  readonly at: number
  readonly of: number
}

const ALONE: Lane = { at: 0, of: 1 }

/**
 * Each call gives when the next request is due, milliseconds since the start, ascending.
 *
 * @param rate requests a second of all lanes together, greater than 0.
 * @param random its own for each lane: Poisson processes that are independent add up to one with the sum of their rates.
 */
export function schedule(
  rate: number,
  arrivals: Arrivals,
  random: Random,
  { at: lane, of }: Lane = ALONE,
): () => number {
  const gapMs = 1000 / rate
  if (arrivals === 'even') {
    let sent = lane
    // By multiplication: a sum of a million gaps would be off by its roundings.
    return () => {
      const due = sent * gapMs
      sent += of
      return due
    }
  }
  let at = 0
  return () => {
    // The gaps of a Poisson process are exponentially distributed; 1 − u is never 0.
    at -= Math.log(1 - random()) * gapMs * of
    return at
  }
}
