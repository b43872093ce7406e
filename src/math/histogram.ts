/** Bins for values at hand, and the counts that divergences take. */
import { binsOf, slotOf } from './bins.ts'
import { quantile } from './quantiles.ts'

/**
 * Bounds of bins that hold about equally many of the values: their quantiles (type 7). Where values repeat, bounds coincide,
 * and there are fewer bins.
 *
 * @param values without NaN. @param bins 1 or more.
 * @returns ascending and distinct: one more than there are bins.
 */
export function quantileBounds(values: ArrayLike<number>, bins: number): readonly number[] {
  requireBins(bins)
  const sorted = Float64Array.from(values).sort()
  return [...new Set(Array.from({ length: bins + 1 }, (_, at) => quantile(sorted, at / bins)))]
}

/** How many bins of equal width Sturges would take for so many values, ⌈log₂ n + 1⌉ (Sturges 1926, doi:10.1080/01621459.1926.10502161). */
export function sturges(rows: number): number {
  return Math.ceil(Math.log2(Math.max(1, rows)) + 1)
}

/** Bounds of bins of equal width. @returns ascending: one more than there are bins, the last one exactly `to`. */
export function equalBounds(from: number, to: number, bins: number): readonly number[] {
  requireBins(bins)
  return Array.from({ length: bins + 1 }, (_, at) => (at === bins ? to : from + ((to - from) * at) / bins))
}

/**
 * Rows by bin: bin i holds `bounds[i]` ≤ v < `bounds[i + 1]`, the last one its upper bound, too. Values outside are counted in
 * the first or last bin. NaN is not counted.
 *
 * @param bounds ascending and distinct, two or more; a single one makes one bin.
 * @throws RangeError for no bounds.
 */
export function countsWithin(bounds: readonly number[], values: ArrayLike<number>): number[] {
  if (bounds.length === 0) throw new RangeError('Cannot count: there are no bounds, wanted one or more')
  const lowers = bounds.length > 1 ? bounds.slice(0, -1) : bounds
  const bins = binsOf(lowers, bounds.at(-1)!)
  const counts = new Array<number>(lowers.length).fill(0)
  for (let row = 0; row < values.length; row++) {
    const slot = slotOf(bins, values[row]!)
    if (slot < counts.length) counts[slot]!++
    else if (slot === counts.length) counts[0]!++
    else if (slot === counts.length + 1) counts[counts.length - 1]!++
  }
  return counts
}

function requireBins(bins: number): void {
  if (!(Number.isInteger(bins) && bins >= 1)) {
    throw new RangeError(`Cannot make bins: wanted ${bins}, at least 1 is possible`)
  }
}
