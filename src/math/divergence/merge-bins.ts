/**
 * Joins neighbouring fine bins into at most `binsMax` that hold about equally many rows of the reference. A bin that alone
 * holds its share is kept apart from its neighbours, so that a spike (a balance of 0) stays one; bins without rows are joined to
 * what is left of them.
 *
 * @param reference counts by fine bin, in order; only those that have an order, not «missing».
 * @param binsMax 1 or more.
 * @returns index of the first fine bin of each merged one, ascending, beginning with 0; empty for no bins.
 */
export function mergeBins(reference: readonly number[], binsMax: number): readonly number[] {
  if (!(binsMax >= 1)) throw new RangeError(`Cannot merge bins: wanted ${binsMax}, at least 1 is possible`)
  let left = 0
  for (const count of reference) left += count
  const starts: number[] = []
  let size = 0
  let target = 0
  for (let bin = 0; bin < reference.length; bin++) {
    const here = reference[bin]!
    if (starts.length === 0 || (here > 0 && size > 0 && starts.length < binsMax && isFull(size, here, target))) {
      left -= size
      target = left / (binsMax - starts.length)
      starts.push(bin)
      size = 0
    }
    size += here
  }
  return starts
}

/** Full, before a bin that fills its own, or nearer to the target without the next one than with it. */
function isFull(size: number, here: number, target: number): boolean {
  return size >= target || here >= target || size + here - target > target - size
}

/** Counts of merged bins. @param starts as `mergeBins` gives them. */
export function mergedCounts(counts: readonly number[], starts: readonly number[]): number[] {
  return starts.map((start, at) => {
    let sum = 0
    for (let bin = start; bin < (starts[at + 1] ?? counts.length); bin++) sum += counts[bin]!
    return sum
  })
}
