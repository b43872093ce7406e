import { requireAligned, total } from './shares.ts'

/**
 * Hellinger distance, √(½ Σ (√p − √q)²) (Hellinger 1909). A metric.
 *
 * @returns 0 … 1; NaN where a side has no rows.
 */
export function hellinger(reference: readonly number[], current: readonly number[]): number {
  requireAligned('the Hellinger distance', reference, current)
  const [rows, rowsNow] = [total(reference), total(current)]
  if (rows === 0 || rowsNow === 0) return Number.NaN
  let sum = 0
  for (let bin = 0; bin < reference.length; bin++) {
    sum += (Math.sqrt(reference[bin]! / rows) - Math.sqrt(current[bin]! / rowsNow)) ** 2
  }
  return Math.min(1, Math.sqrt(sum / 2))
}

/**
 * Total variation distance, ½ Σ |p − q|: the share of rows that would have to move to another bin. A metric.
 *
 * @returns 0 … 1; NaN where a side has no rows.
 */
export function totalVariation(reference: readonly number[], current: readonly number[]): number {
  requireAligned('the total variation distance', reference, current)
  const [rows, rowsNow] = [total(reference), total(current)]
  if (rows === 0 || rowsNow === 0) return Number.NaN
  let sum = 0
  for (let bin = 0; bin < reference.length; bin++) sum += Math.abs(reference[bin]! / rows - current[bin]! / rowsNow)
  return Math.min(1, sum / 2)
}

/**
 * First Wasserstein distance of two histograms, ∫ |F − G|: how far a row must move on average, in the unit of the positions
 * («earth mover's distance»; Vallender 1974, doi:10.1137/1118101).
 *
 * @param positions where each bin stands, ascending: the value it holds, or one that represents it.
 * @returns 0 or more; NaN where a side has no rows.
 */
export function wassersteinFromCounts(
  reference: readonly number[],
  current: readonly number[],
  positions: readonly number[],
): number {
  requireAligned('the Wasserstein distance', reference, current)
  if (positions.length !== reference.length) {
    throw new RangeError(
      `Cannot compute the Wasserstein distance: ${reference.length} bins, but ${positions.length} positions`,
    )
  }
  const [rows, rowsNow] = [total(reference), total(current)]
  if (rows === 0 || rowsNow === 0) return Number.NaN
  let below = 0
  let belowNow = 0
  let sum = 0
  for (let bin = 0; bin + 1 < positions.length; bin++) {
    const width = positions[bin + 1]! - positions[bin]!
    if (!(width >= 0)) {
      throw new RangeError(`Cannot compute the Wasserstein distance: position ${bin + 1} is not above the one before`)
    }
    below += reference[bin]!
    belowNow += current[bin]!
    sum += Math.abs(below / rows - belowNow / rowsNow) * width
  }
  return sum
}
