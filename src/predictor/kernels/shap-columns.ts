/**
 * Rows as bytes in which every decision of a forest is one comparison of bytes, and the same decision.
 *
 * A feature's distinct thresholds, sorted, are its *cuts*; the *rank* of a value is how many of them are ≤ it (in the
 * forest's precision), so `x < cuts[c]` is `rank ≤ c`. A byte holds 255 cuts; a feature with more has several columns, each
 * with its own stretch of ranks, clamped. A missing value is byte 0 where it goes left and 255 where it goes right; a
 * feature of which both happen has two columns. A set of categories has a column of its own: 0 for a row that goes left.
 */
import {
  CATEGORICAL,
  type CategorySets,
  type Forest,
  MISSING_LEFT,
  NAN_IS_ZERO,
  ZERO_MAX,
  ZERO_MISSING,
} from '../forest.ts'
import { goesLeft } from '../shap/forest-trees.ts'

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
  /** By node: left where the row's byte is below this, 1 … 255. */
  readonly cut: Uint8Array
  /** The features that some node decides by, ascending. */
  readonly used: Int32Array
  /** By feature: its place among these, or −1. */
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

/** A feature with categories: its values come in few kinds, and each kind has its byte in each column. */
interface CategoryAxis {
  readonly feature: number
  /** One more than the largest category of any set. */
  readonly categories: number
  /** The node that shows the decision of each column. */
  readonly columns: { readonly column: number; readonly node: number }[]
}

/** Kinds beyond the categories: in no set, missing, zero from above, zero from below. */
const OTHER_KINDS = [-1, Number.NaN, 1e-36, -1e-36]
/** For the bytes of all kinds. */
const KIND_BYTES_MAX = 16 << 20

/** The columns of a forest; `undefined` where it needs more than `limit`. */
export function columnsOf(forest: Forest, limit: number): Columns | undefined {
  const { feature, flags, value } = forest
  const column = new Int32Array(feature.length).fill(-1)
  const cut = new Uint8Array(feature.length)
  const cuts = cutsOf(forest)
  const known = new Map<string, number>()
  const place = new Int32Array(forest.features.length).fill(-1)
  let count = 0
  const stretches = cuts.map((): Ranks[] => [])
  const setNames = namesOf(forest.sets)
  const categories = new Map<number, CategoryAxis['columns']>()
  for (let node = 0; node < feature.length; node++) {
    const of = feature[node]!
    if (of < 0) continue
    const categorical = (flags[node]! & CATEGORICAL) !== 0
    const rank = categorical ? setNames[value[node]!]! : find(cuts[of]!, value[node]!)
    const stretch = categorical ? rank : Math.floor(rank / STRETCH)
    const key = `${of} ${decisive(flags[node]!)} ${stretch}`
    let number = known.get(key)
    if (number === undefined) {
      number = count++
      if (number === limit) return undefined
      known.set(key, number)
      place[of] = 0
      const made = { column: number, ...missingOf(flags[node]!) }
      if (categorical) categories.set(of, [...(categories.get(of) ?? []), { column: number, node }])
      else stretches[of]!.push({ ...made, below: stretch * STRETCH, rankOfZero: rankOf(cuts[of]!, 0) })
    }
    column[node] = number
    cut[node] = categorical ? 1 : rank - stretch * STRETCH + 1
  }
  const axes = stretches.flatMap((own, of) => (own.length === 0 ? [] : [axis(of, cuts[of]!, own)]))
  const kinds = Array.from(categories, ([of, own]) => ({
    feature: of,
    categories: largestIn(forest, own),
    columns: own,
  }))
  const kindBytes = kinds.reduce((sum, own) => sum + own.columns.length * (own.categories + OTHER_KINDS.length), 0)
  if (kindBytes > KIND_BYTES_MAX) return undefined
  const held = axes.reduce((sum, { cuts: { byteLength } }) => sum + byteLength, column.byteLength + cut.byteLength)
  const bytes = held + kindBytes
  const quantise = quantiser(forest, axes, kinds)
  const used = Int32Array.from(place.keys()).filter(of => place[of] === 0)
  for (const [index, of] of used.entries()) place[of] = index
  return { count, column, cut, used, place, bytes, quantise }
}

/** By set, a number that sets of the same categories share. */
function namesOf({ starts, firsts, words }: CategorySets): Int32Array {
  const known = new Map<string, number>()
  return firsts.map((first, set) => {
    const key = `${first}: ${words.subarray(starts[set], starts[set + 1]).join(' ')}`
    const name = known.get(key) ?? set
    known.set(key, name)
    return name
  })
}

/** One more than the largest category of the sets of some nodes. */
function largestIn({ sets, value }: Forest, nodes: CategoryAxis['columns']): number {
  return nodes.reduce((most, { node }) => {
    const set = value[node]!
    return Math.max(most, 32 * (sets.firsts[set]! + sets.starts[set + 1]! - sets.starts[set]!))
  }, 0)
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
  const after = cuts.findIndex(cut => cut > x)
  return after < 0 ? cuts.length : after
}

function axis(feature: number, cuts: Float64Array, stretches: readonly Ranks[]): Axis {
  const levels = 32 - Math.clz32(cuts.length)
  const filled = new Float64Array((1 << levels) - 1).fill(Number.NaN)
  filled.set(cuts)
  return { feature, cuts: filled, levels, stretches }
}

function quantiser(forest: Forest, axes: readonly Axis[], categorical: readonly CategoryAxis[]): Columns['quantise'] {
  const width = forest.features.length
  const single = forest.precision === 'float32'
  const tables = categorical.map(axis => ({ ...axis, table: kindTable(forest, axis) }))
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
    for (const { feature, categories, columns, table } of tables) {
      readValues(rows, from * width + feature, width, count, single, values)
      for (let row = 0; row < count; row++) ranks[row] = kindOf(values[row]!, categories)
      const size = categories + OTHER_KINDS.length
      for (let index = 0; index < columns.length; index++) {
        writeKinds(table, index * size, columns[index]!.column, ranks, count, layout)
      }
    }
  }
}

/** By column and kind of value: the byte that decides as the node does. */
function kindTable(forest: Forest, { categories, columns }: CategoryAxis): Uint8Array {
  const size = categories + OTHER_KINDS.length
  const table = new Uint8Array(columns.length * size)
  for (const [index, { node }] of columns.entries()) {
    for (let kind = 0; kind < size; kind++) {
      // A half more: 0 itself is of another kind.
      const value = kind < categories ? kind + 0.5 : OTHER_KINDS[kind - categories]!
      table[index * size + kind] = goesLeft(forest, node, value) ? 0 : 255
    }
  }
  return table
}

function kindOf(value: number, categories: number): number {
  if (Number.isNaN(value)) return categories + 1
  if (Math.abs(value) <= ZERO_MAX) return value < 0 ? categories + 3 : categories + 2
  return value >= 0 && value < categories ? Math.trunc(value) : categories
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
  table: Uint8Array,
  first: number,
  column: number,
  kinds: Int32Array,
  count: number,
  { bytes, at, rowStride, columnStride }: ByteLayout,
): void {
  let target = at + column * columnStride
  for (let row = 0; row < count; row++, target += rowStride) bytes[target] = table[first + kinds[row]!]!
}
