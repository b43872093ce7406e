/** Which of many bins a number falls into, found in about the time of one look into a table. */

/** Bins of numbers, as `slotOf` reads them. */
export interface Bins {
  /** Lower bounds, ascending and distinct. Bin i holds `lowers[i]` ≤ v < `lowers[i + 1]`; the last one, up to `maximum`. */
  readonly lowers: Float64Array
  readonly maximum: number
  /** The range is cut into equal cells; cell c holds values of the bins `firsts[c]` to `firsts[c + 1]` only. */
  readonly firsts: Uint32Array
  /** Cells a unit of value. */
  readonly scale: number
}

/** Few enough that the table of a column stays in the processor's cache, enough that a cell rarely has several bins. */
const CELLS = 512

export function binsOf(sortedLowers: readonly number[], maximum: number): Bins {
  const lowers = Float64Array.from(sortedLowers)
  const first = lowers[0] ?? 0
  const scale = CELLS / (maximum - first)
  const firsts = new Uint32Array(CELLS + 2)
  // A bound that is in an earlier cell is not above a value of this one: `cellOf` rises with its argument, rounding included.
  for (let bin = 1, cell = 0; cell < firsts.length; cell++) {
    while (bin < lowers.length && cellOf(lowers[bin]!, first, scale) < cell) bin++
    firsts[cell] = bin - 1
  }
  return { lowers, maximum: lowers.length === 0 ? Number.NEGATIVE_INFINITY : maximum, firsts, scale }
}

function cellOf(value: number, first: number, scale: number): number {
  return ((value - first) * scale) | 0
}

/** How many slots a column of so many bins has. */
export function slotsOf({ lowers }: Bins): number {
  return lowers.length + 3
}

/**
 * The slot of a value: its bin; then come one for values below all bins, one for those above, one for NaN, which is a missing
 * value. Without bins, all but NaN is above.
 */
export function slotOf({ lowers, maximum, firsts, scale }: Bins, value: number): number {
  const first = lowers[0]!
  if (!(value >= first && value <= maximum)) {
    if (Number.isNaN(value)) return lowers.length + 2
    return value < first ? lowers.length : lowers.length + 1
  }
  const cell = cellOf(value, first, scale)
  let low = firsts[cell]!
  let high = firsts[cell + 1]! + 1
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (value >= lowers[middle]!) low = middle
    else high = middle
  }
  return low
}
