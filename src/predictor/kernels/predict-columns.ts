/**
 * The decisions of a forest as comparisons of bytes.
 *
 * A feature's distinct thresholds, sorted, are its *cuts*; the *rank* of a value is how many of them are ≤ it, so that
 * `x < cuts[c]` is `rank ≤ c`. A column is a feature as bytes: the rank − 127. Where a feature has more than 254 cuts it has several
 * columns, each for a stretch of ranks, clamped to its ends. A missing value is −128 in a column where it goes left and 127 where it
 * goes right, so that nodes need not know of missing values; a feature of which both happens has both columns. Each set of
 * categories has a column of its own (see `predict-classes.ts`).
 */
import { CATEGORICAL, type Forest, MISSING_LEFT, NAN_IS_ZERO, ZERO_MISSING } from '../forest.ts'
import { type ClassedFeature, classesOf, type SetColumn } from './predict-classes.ts'

export interface RankColumn {
  readonly column: number
  /** The rank, among the cuts of the axis, that becomes −128; −1 at first. */
  readonly below: number
  /** What NaN is. */
  readonly missing: number
  /** What zeros are, where they are missing. */
  readonly zero?: number
}

export interface Axis {
  readonly feature: number
  /** Of the feature, or a part of them: sorted, distinct; in a float32 forest float32 numbers. */
  readonly cuts: Float64Array
  readonly columns: readonly RankColumn[]
}

export interface Columns {
  readonly count: number
  readonly axes: readonly Axis[]
  readonly classed: readonly ClassedFeature[]
  readonly sets: readonly SetColumn[]
  /** By node: the column that it compares; a row goes right where its byte there is greater than `cut`. */
  readonly column: Int32Array
  readonly cut: Int8Array
}

/** Cuts that one column can tell apart. */
const STRETCH = 254
/** Cuts of an axis: ranks have 16 bits, with their sign, on their way. */
const AXIS_CUTS: number = STRETCH * 128

/** `undefined` where a forest cannot be brought into this form, or only with more than `limit` columns. */
export function columnsOf(forest: Forest, limit: number): Columns | undefined {
  const { feature, flags, value } = forest
  const cuts = cutsOf(forest)
  if (cuts === undefined) return undefined
  const column = new Int32Array(feature.length)
  const cut = new Int8Array(feature.length)
  const own = cuts.map(() => new Map<number, RankColumn>())
  let count = 0
  for (let node = 0; node < feature.length; node++) {
    const of = feature[node]!
    if (of < 0 || (flags[node]! & CATEGORICAL) !== 0) continue
    const rank = placeOf(cuts[of]!, value[node]!)
    const below = rank - (rank % STRETCH) - 1
    const key = (below + 1) * 16 + (flags[node]! & (MISSING_LEFT | ZERO_MISSING | NAN_IS_ZERO))
    let known = own[of]!.get(key)
    if (known === undefined) {
      if (count === limit) return undefined
      known = rankColumn(count++, below, flags[node]!, cuts[of]!)
      own[of]!.set(key, known)
    }
    column[node] = known.column
    cut[node] = rank - below - 128
  }
  const classes = classesOf(forest, { column, cut, first: count, limit })
  if (classes === undefined) return undefined
  const axes = own.flatMap((columns, of) => axesOf(of, cuts[of]!, [...columns.values()]))
  return { count: count + classes.sets.length, axes, ...classes, column, cut }
}

/** One for every 32,512 cuts. */
function axesOf(feature: number, cuts: Float64Array, columns: readonly RankColumn[]): Axis[] {
  const axes: Axis[] = []
  for (let from = 0; from < cuts.length; from += AXIS_CUTS) {
    const here = columns.filter(({ below }) => below + 1 >= from && below + 1 < from + AXIS_CUTS)
    const relative = here.map(column => ({ ...column, below: column.below - from }))
    axes.push({ feature, cuts: cuts.subarray(from, from + AXIS_CUTS), columns: relative })
  }
  return axes
}

function rankColumn(column: number, below: number, flags: number, cuts: Float64Array): RankColumn {
  const default_ = (flags & MISSING_LEFT) !== 0 ? -128 : 127
  if ((flags & ZERO_MISSING) !== 0) return { column, below, missing: default_, zero: default_ }
  if ((flags & NAN_IS_ZERO) === 0) return { column, below, missing: default_ }
  const zero = cuts.reduce((rank, cut) => rank + Number(0 >= cut), 0)
  return { column, below, missing: Math.min(Math.max(zero - below, 0), 255) - 128 }
}

/** The sorted distinct thresholds of each feature. */
function cutsOf({ feature, flags, value, features, precision }: Forest): Float64Array[] | undefined {
  const counts = new Int32Array(features.length)
  const isCut = (node: number): boolean => feature[node]! >= 0 && (flags[node]! & CATEGORICAL) === 0
  for (let node = 0; node < feature.length; node++) {
    if (!isCut(node)) continue
    if (precision === 'float32' && Math.fround(value[node]!) !== value[node]!) return undefined
    counts[feature[node]!]!++
  }
  const all = Array.from(counts, count => new Float64Array(count))
  for (let node = 0; node < feature.length; node++) {
    if (isCut(node)) all[feature[node]!]![--counts[feature[node]!]!] = value[node]!
  }
  return all.map(values => values.sort().filter((cut, index) => index === 0 || cut !== values[index - 1]))
}

/** Where a threshold stands among the cuts. */
function placeOf(cuts: Float64Array, threshold: number): number {
  let low = 0
  let high = cuts.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (cuts[middle]! < threshold) low = middle + 1
    else high = middle
  }
  return low
}
