/** Which values a field may have. Apart from the reading of documents, which a bundled model does not need. */
import type { Value } from './values.ts'

/** Numbers between margins, of which each belongs to it or not. */
export interface Interval {
  readonly low: number
  readonly high: number
  readonly lowOpen: boolean
  readonly highOpen: boolean
}

/** Which values a field may have. Empty lists: any. */
export interface Domain {
  readonly valid: readonly Value[]
  readonly invalid: readonly Value[]
  readonly missing: readonly Value[]
  readonly intervals: readonly Interval[]
}

export function isInside({ low, high, lowOpen, highOpen }: Interval, value: number): boolean {
  return (lowOpen ? value > low : value >= low) && (highOpen ? value < high : value <= high)
}
