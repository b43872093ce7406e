/** Counts as the shares that divergences are made of. */

/**
 * Throws a `RangeError` unless both have the same bins and every count is a finite number of at least 0.
 *
 * @param what the statistic, as the sentence names it.
 */
export function requireAligned(what: string, reference: readonly number[], current: readonly number[]): void {
  if (reference.length !== current.length) {
    throw new RangeError(
      `Cannot compute ${what}: reference has ${reference.length} bins, current has ${current.length}`,
    )
  }
  for (const counts of [reference, current]) {
    const at = counts.findIndex(count => !(count >= 0 && count < Infinity))
    if (at >= 0) throw new RangeError(`Cannot compute ${what}: bin ${at} has ${counts[at]} rows, wanted 0 or more`)
  }
}

/** The sum of counts. */
export function total(counts: readonly number[]): number {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}
