import { type Bins, binsOf, slotOf } from '../math/bins.ts'
import { LATENCY_LOWERS } from './window-counts.ts'

/** Most predictions take less, milliseconds: up to there, a look finds the bucket. */
const USUAL_MS = 50
const CELLS = 1024
const BINS: Bins = binsOf(LATENCY_LOWERS, Number.POSITIVE_INFINITY, CELLS, USUAL_MS)

/** The bucket of `LATENCY_LOWERS` that a latency is in, milliseconds; what is no time at all is in the first. */
export function latencyBucket(ms: number): number {
  const slot = slotOf(BINS, ms)
  return slot < LATENCY_LOWERS.length ? slot : 0
}
