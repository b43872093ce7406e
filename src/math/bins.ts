/** Which of many bins a number falls into, found in about the time of one look into a table. */

/** Bins of numbers, as `slotOf` reads them. */
export interface Bins {
  /** Lower bounds, ascending and distinct. Bin i holds `lowers[i]` ≤ v < `lowers[i + 1]`; the last one, up to `maximum`. */
  readonly lowers: Float64Array
  /** NaN where there is none. */
  readonly first: number
  readonly maximum: number
  /** From `first` to here, the range is cut into equal cells; all that is above is in one more. */
  readonly top: number
  /** Cell c holds values of the bins `firsts[c]` to `firsts[c + 1]` only. */
  readonly firsts: Uint16Array | Uint32Array
  /** Cells a unit of value. */
  readonly scale: number
}

/** Few enough that the tables of hundreds of columns take little memory, enough that most cells have one or two bins. */
const CELLS = 512
/** Where a cell has more bins than this, they are halved rather than gone through. */
const STEPS_MAX = 8

/** Bins hold about equally many values: above this share of them, few are left, perhaps far away. */
const TOP_SHARE = 0.95

/**
 * @param cells more of them make it faster to count many values of one column.
 * @param top where most values are below; by default, where most bins are.
 */
export function binsOf(sortedLowers: readonly number[], maximum: number, cells: number = CELLS, top?: number): Bins {
  const lowers = Float64Array.from(sortedLowers)
  const first = lowers[0] ?? Number.NaN
  const end = top ?? lowers[Math.floor(TOP_SHARE * lowers.length)] ?? first
  const scale = cells / (end - first)
  const firsts = lowers.length > 0xffff ? new Uint32Array(cells + 2) : new Uint16Array(cells + 2)
  // `firsts.length - 2` is the cell above `top`. A bound that is in an earlier cell is not above a value of this one: `cellOf` rises with its argument, rounding included.
  for (let bin = 1, cell = 0; cell < firsts.length; cell++) {
    while (bin < lowers.length && cellOf(lowers[bin]!, first, end, scale, cells) < cell) bin++
    firsts[cell] = bin - 1
  }
  return { lowers, first, maximum: lowers.length === 0 ? Number.NEGATIVE_INFINITY : maximum, top: end, firsts, scale }
}

function cellOf(value: number, first: number, top: number, scale: number, cells: number): number {
  return value >= top ? cells : ((value - first) * scale) | 0
}

/** How many slots a column of so many bins has. */
export function slotsOf({ lowers }: Pick<Bins, 'lowers'>): number {
  return lowers.length + 3
}

/**
 * The slot of a value: its bin; then come one for values below all bins, one for those above, one for NaN, which is a missing
 * value. Without bins, all but NaN is above.
 */
export function slotOf(bins: Bins, value: number): number {
  const { lowers, first, maximum, top, firsts, scale } = bins
  if (!(value >= first && value <= maximum)) return slotOutside(bins, value)
  const cell = value >= top ? firsts.length - 2 : ((value - first) * scale) | 0
  let low = firsts[cell]!
  const last = firsts[cell + 1]!
  if (last - low > STEPS_MAX) return halved(lowers, low, last, value)
  while (low < last && value >= lowers[low + 1]!) low++
  return low
}

/**
 * Counts a column of values: row i in the counter `places[i]` + `base` + the slot of `values[i]`. As `slotOf` for each of
 * them, three times as fast.
 */
export function countSlots(
  bins: Bins,
  values: Float64Array,
  rows: number,
  counters: Float64Array,
  places: Uint32Array,
  base: number,
): void {
  const { lowers, first, maximum, top, firsts, scale } = bins
  for (let row = 0; row < rows; row++) {
    const value = values[row]!
    let slot: number
    if (value >= first && value <= maximum) {
      const cell = value >= top ? firsts.length - 2 : ((value - first) * scale) | 0
      slot = firsts[cell]!
      const last = firsts[cell + 1]!
      if (last - slot > STEPS_MAX) slot = halved(lowers, slot, last, value)
      else while (slot < last && value >= lowers[slot + 1]!) slot++
    } else slot = slotOutside(bins, value)
    counters[places[row]! + base + slot]! += 1
  }
}

function slotOutside({ lowers, first }: Bins, value: number): number {
  if (Number.isNaN(value)) return lowers.length + 2
  return value < first ? lowers.length : lowers.length + 1
}

/** The bin of a value between `low` and `last`. */
function halved(lowers: Float64Array, low: number, last: number, value: number): number {
  let from = low
  let to = last + 1
  while (to - from > 1) {
    const middle = (from + to) >>> 1
    if (value >= lowers[middle]!) from = middle
    else to = middle
  }
  return from
}
