/**
 * Rows as bytes in which every decision of a forest is one comparison of bytes, and the same decision.
 *
 * A feature's distinct thresholds, sorted, are its *cuts*; the *rank* of a value is how many of them are ≤ it (in the
 * forest's precision), so `x < cuts[c]` is `rank ≤ c`. A byte holds 255 cuts; a feature with more has several columns, each
 * with its own stretch of ranks, clamped. A missing value is byte 0 where it goes left and 255 where it goes right; a
 * feature of which both happen has two columns. How categories become bytes is told in shap-categories.ts.
 */
import { CATEGORICAL, type Forest, MISSING_LEFT, NAN_IS_ZERO, ZERO_MAX, ZERO_MISSING } from '../forest.ts'
import { type Players, columnsOf as playersOf } from '../shap/forest-trees.ts'
import { type CategoryAxis, categoryAxis, kindBytesOf, kindOf, kindsOf, namesOf } from './shap-categories.ts'

/** Passed by a byte b where ((b and mask) − low) mod 256 < width. */
export interface Test {
  readonly column: number
  readonly mask: number
  readonly low: number
  readonly width: number
}

/** Where bytes go: that of row `r` (of the block) and column `c` to `bytes[at + r × rowStride + c × columnStride]`. */
export interface ByteLayout {
  readonly bytes: Uint8Array
  readonly at: number
  readonly rowStride: number
  readonly columnStride: number
}

export interface Columns {
  readonly count: number
  /** By node of the forest: the column it compares, −1 for a leaf. */
  readonly column: Int32Array
  /** By node: left where the row's byte is below this, 1 … 255; in columns of bits, where it has one of these. */
  readonly cut: Uint8Array
  /** By column: whether its bytes are single bits. */
  readonly isBits: Uint8Array
  /** By feature of the forest: the player that it is, or is a part of. */
  readonly player: Int32Array
  /** The players whose features some node decides by, ascending. */
  readonly used: Int32Array
  /** By player: its place among these, or −1. */
  readonly place: Int32Array
  readonly bytes: number
  /** Writes rows `from` … `from + count` of `rows`. */
  quantise(rows: Float64Array, from: number, count: number, layout: ByteLayout): void
}

const STRETCH = 255

/** How a column reads missing values: flags of the nodes that share it. */
interface Missing {
  readonly byte: number
  readonly zero: boolean
  readonly nanIsZero: boolean
}

/** A stretch of a feature's ranks. */
interface Ranks extends Missing {
  readonly column: number
  readonly below: number
  readonly rankOfZero: number
}

interface Axis {
  readonly feature: number
  /** Filled up with NaN, which nothing is ≥, to one less than a power of two. */
  readonly cuts: Float64Array
  readonly levels: number
  readonly stretches: readonly Ranks[]
}

/** Bytes of all kinds of categories, looked at before they are made: one number in a file may name the category 2^24. */
const KIND_BYTES_MAX = 8 << 20

/** What a row must pass to go left. */
export function leftTest({ column, cut, isBits }: Columns, node: number): Test {
  const of = column[node]!
  return isBits[of] === 1
    ? { column: of, mask: cut[node]!, low: 1, width: 255 }
    : { column: of, mask: 255, low: 0, width: cut[node]! }
}

/** The columns of a forest; `undefined` where it needs more than `limit`. */
export function columnsOf(
  forest: Forest,
  limit: number,
  { of: player, count: players }: Players = playersOf(forest),
): Columns | undefined {
  const column = new Int32Array(forest.feature.length).fill(-1)
  const cut = new Uint8Array(forest.feature.length)
  const axes = numberAxes(forest, limit, column, cut)
  const first = axes.reduce((count, { stretches }) => count + stretches.length, 0)
  const categorical = categoryAxes(forest, first, column, cut)
  if (categorical === undefined) return undefined
  const count = categorical.reduce((sum, { columns }) => sum + columns, first)
  const kindBytes = categorical.reduce((sum, { table }) => sum + 2 * table.length, 0)
  if (count > limit) return undefined
  const isBits = new Uint8Array(count)
  let next = first
  for (const { columns, masks } of categorical) {
    isBits.fill(masks === undefined ? 0 : 1, next, next + columns)
    next += columns
  }
  const used = Int32Array.from(new Set([...axes, ...categorical].map(({ feature }) => player[feature]!))).sort()
  const place = new Int32Array(players).fill(-1)
  for (const [index, one] of used.entries()) place[one] = index
  const held = axes.reduce((sum, { cuts: { byteLength } }) => sum + byteLength, column.byteLength + cut.byteLength)
  const quantise = quantiser(forest, axes, categorical, first)
  return { count, column, cut, isBits, player, used, place, bytes: held + kindBytes, quantise }
}

/** The features that are compared with thresholds, and the columns and cuts of their nodes. No more than `limit` columns or so. */
function numberAxes(forest: Forest, limit: number, column: Int32Array, cut: Uint8Array): Axis[] {
  const { feature, flags, value } = forest
  const cuts = cutsOf(forest)
  const known = new Map<string, number>()
  const stretches = cuts.map((): Ranks[] => [])
  for (let node = 0; node < feature.length && known.size <= limit; node++) {
    const of = feature[node]!
    if (of < 0 || (flags[node]! & CATEGORICAL) !== 0) continue
    const rank = find(cuts[of]!, value[node]!)
    const below = rank - (rank % STRETCH)
    const key = `${of} ${decisive(flags[node]!)} ${below}`
    const number = known.get(key) ?? known.size
    if (number === known.size) {
      known.set(key, number)
      stretches[of]!.push({ ...missingOf(flags[node]!), column: number, below, rankOfZero: rankOf(cuts[of]!, 0) })
    }
    column[node] = number
    cut[node] = rank - below + 1
  }
  return stretches.flatMap((own, of) => (own.length === 0 ? [] : [axis(of, cuts[of]!, own)]))
}

/** The features that are looked up in sets, and the columns, from `first` on, and cuts of their nodes. `undefined` where there is no end of them. */
function categoryAxes(forest: Forest, first: number, column: Int32Array, cut: Uint8Array): CategoryAxis[] | undefined {
  const { feature, flags, value, sets } = forest
  const names = namesOf(sets)
  const decisions = new Map<number, Map<string, number>>()
  const numbers = new Int32Array(feature.length)
  const shown = new Map<number, number[]>()
  for (let node = 0; node < feature.length; node++) {
    const of = feature[node]!
    if (of < 0 || (flags[node]! & CATEGORICAL) === 0) continue
    const known = decisions.get(of) ?? new Map<string, number>()
    decisions.set(of, known)
    const key = `${decisive(flags[node]!)} ${names[value[node]!]}`
    const number = known.get(key) ?? known.size
    const nodes = shown.get(of) ?? []
    shown.set(of, nodes)
    if (number === known.size) nodes.push(node)
    known.set(key, number)
    numbers[node] = number
  }
  const size = [...shown.values()].reduce((sum, nodes) => sum + kindBytesOf(forest, nodes), 0)
  if (size > KIND_BYTES_MAX) return undefined
  const axes = Array.from(shown, ([of, nodes]) => categoryAxis(forest, of, nodes))
  const starts = new Map<number, { start: number; masks: Uint8Array | undefined }>()
  axes.reduce((start, { feature: of, columns, masks }) => {
    starts.set(of, { start, masks })
    return start + columns
  }, first)
  for (let node = 0; node < feature.length; node++) {
    const of = feature[node]!
    if (of < 0 || (flags[node]! & CATEGORICAL) === 0) continue
    const { start, masks } = starts.get(of)!
    column[node] = masks === undefined ? start + numbers[node]! : start
    cut[node] = masks === undefined ? 1 : masks[numbers[node]!]!
  }
  return axes
}

/** The flags that change a decision: where NaN is read as 0 and zero is not missing, nothing is missing. */
function decisive(flags: number): number {
  return (flags & NAN_IS_ZERO) !== 0 && (flags & ZERO_MISSING) === 0 ? flags & ~MISSING_LEFT : flags
}

function missingOf(flags: number): Missing {
  return {
    byte: (flags & MISSING_LEFT) !== 0 ? 0 : 255,
    zero: (flags & ZERO_MISSING) !== 0,
    nanIsZero: (flags & NAN_IS_ZERO) !== 0,
  }
}

/** The distinct thresholds of each feature, sorted. */
function cutsOf({ feature, flags, value, features }: Forest): Float64Array[] {
  const counts = new Int32Array(features.length)
  for (let node = 0; node < feature.length; node++) {
    if (feature[node]! >= 0 && (flags[node]! & CATEGORICAL) === 0) counts[feature[node]!]!++
  }
  const all = Array.from(counts, count => new Float64Array(count))
  counts.fill(0)
  for (let node = 0; node < feature.length; node++) {
    const of = feature[node]!
    if (of >= 0 && (flags[node]! & CATEGORICAL) === 0) all[of]![counts[of]!++] = value[node]!
  }
  return all.map(values => values.sort().filter((threshold, index) => index === 0 || threshold !== values[index - 1]))
}

/** The place of a threshold among the cuts. */
function find(cuts: Float64Array, threshold: number): number {
  let low = 0
  let high = cuts.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (cuts[middle]! < threshold) low = middle + 1
    else high = middle
  }
  return low
}

/** How many of the cuts are ≤ x. */
function rankOf(cuts: Float64Array, x: number): number {
  let low = 0
  let high = cuts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (cuts[middle]! <= x) low = middle + 1
    else high = middle
  }
  return low
}

function axis(feature: number, cuts: Float64Array, stretches: readonly Ranks[]): Axis {
  const levels = 32 - Math.clz32(cuts.length)
  const filled = new Float64Array((1 << levels) - 1).fill(Number.NaN)
  filled.set(cuts)
  return { feature, cuts: filled, levels, stretches }
}

function quantiser(
  forest: Forest,
  axes: readonly Axis[],
  categorical: readonly CategoryAxis[],
  first: number,
): Columns['quantise'] {
  const width = forest.features.length
  const single = forest.precision === 'float32'
  let values = new Float64Array(1)
  let ranks = new Int32Array(1)
  return (rows, from, count, layout) => {
    if (count > values.length) {
      values = new Float64Array(count)
      ranks = new Int32Array(count)
    }
    for (const { feature, cuts, levels, stretches } of axes) {
      readValues(rows, from * width + feature, width, count, single, values)
      rankAll(cuts, levels, values, count, ranks)
      for (let index = 0; index < stretches.length; index++) writeRanks(stretches[index]!, values, ranks, count, layout)
    }
    let column = first
    for (const axis of categorical) {
      readValues(rows, from * width + axis.feature, width, count, single, values)
      for (let row = 0; row < count; row++) ranks[row] = kindOf(values[row]!, axis.categories)
      writeKinds(axis, column, ranks, count, layout)
      column += axis.columns
    }
  }
}

/** The values of a feature as the forest sees them. */
function readValues(
  rows: Float64Array,
  first: number,
  width: number,
  count: number,
  single: boolean,
  values: Float64Array,
): void {
  for (let row = 0, source = first; row < count; row++, source += width) {
    values[row] = single ? Math.fround(rows[source]!) : rows[source]!
  }
}

/**
 * How many of the cuts are ≤ each value, without a branch that depends on the data; four values at once, so that the
 * processor has something to do while it waits for one's cut. The rank of NaN is 0.
 */
function rankAll(cuts: Float64Array, levels: number, values: Float64Array, count: number, ranks: Int32Array): void {
  let row = 0
  for (; row + 3 < count; row += 4) {
    const [a, b, c, d] = [values[row]!, values[row + 1]!, values[row + 2]!, values[row + 3]!]
    let [rankA, rankB, rankC, rankD] = [0, 0, 0, 0]
    for (let level = levels - 1; level >= 0; level--) {
      const step = (1 << level) - 1
      rankA += Number(a >= cuts[rankA + step]!) << level
      rankB += Number(b >= cuts[rankB + step]!) << level
      rankC += Number(c >= cuts[rankC + step]!) << level
      rankD += Number(d >= cuts[rankD + step]!) << level
    }
    ranks[row] = rankA
    ranks[row + 1] = rankB
    ranks[row + 2] = rankC
    ranks[row + 3] = rankD
  }
  for (; row < count; row++) {
    const value = values[row]!
    let rank = 0
    for (let level = levels - 1; level >= 0; level--) {
      rank += Number(value >= cuts[rank + (1 << level) - 1]!) << level
    }
    ranks[row] = rank
  }
}

function writeRanks(
  { column, below, byte, zero, nanIsZero, rankOfZero }: Ranks,
  values: Float64Array,
  ranks: Int32Array,
  count: number,
  { bytes, at, rowStride, columnStride }: ByteLayout,
): void {
  const missing = zero || !nanIsZero ? byte : clamped(rankOfZero - below)
  const tiny = zero ? ZERO_MAX : -1
  let target = at + column * columnStride
  for (let row = 0; row < count; row++, target += rowStride) {
    const x = values[row]!
    bytes[target] = Math.abs(x) > tiny ? clamped(ranks[row]! - below) : missing
  }
}

function clamped(rank: number): number {
  return Math.min(Math.max(rank, 0), STRETCH)
}

function writeKinds(
  { columns, categories, table, byKind }: CategoryAxis,
  first: number,
  kinds: Int32Array,
  count: number,
  { bytes, at, rowStride, columnStride }: ByteLayout,
): void {
  if (columnStride === 1) {
    for (let row = 0; row < count; row++) {
      const start = kinds[row]! * columns
      bytes.set(byKind.subarray(start, start + columns), at + row * rowStride + first)
    }
    return
  }
  const size = kindsOf(categories)
  for (let column = 0; column < columns; column++) {
    const own = table.subarray(column * size, (column + 1) * size)
    let target = at + (first + column) * columnStride
    for (let row = 0; row < count; row++, target += rowStride) bytes[target] = own[kinds[row]!]!
  }
}
