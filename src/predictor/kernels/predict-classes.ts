/**
 * Sets of categories as bits by class: categories that no set of a feature tells apart are one class, so that features of
 * many categories need few bits.
 */
import {
  CATEGORICAL,
  CATEGORY_MAX,
  type CategorySets,
  type Forest,
  inSet,
  MISSING_LEFT,
  NAN_IS_ZERO,
  ZERO_MISSING,
} from '../forest.ts'

export interface ClassedFeature {
  readonly feature: number
  /** By category, as far as any set names one. */
  readonly classes: Uint16Array
}

export interface SetColumn {
  readonly column: number
  /** Place in the list of classed features. */
  readonly of: number
  /** Which classes go left: 16 bytes for each 128. */
  readonly bits: Uint8Array
}

export interface Classes {
  readonly classed: readonly ClassedFeature[]
  readonly sets: readonly SetColumn[]
}

/** The class of numbers that are in no set, and of NaN. */
export const OTHER = 0
export const MISSING = 1
/** Their number ÷ 8 is a byte. */
const CLASSES_MAX = 2048
const CATEGORIES_MAX = 1 << 16
/** Sets × categories looked at: a moment of loading. */
const LOOKS_MAX = 5_000_000

interface Target {
  readonly column: Int32Array
  readonly cut: Int8Array
  /** The first column that is free, and how many there may be. */
  readonly first: number
  readonly limit: number
}

/** Gives the categorical nodes their columns. `undefined` where there would be too many, of classes or of columns. */
export function classesOf(forest: Forest, { column, cut, first, limit }: Target): Classes | undefined {
  const { flags, value, sets } = forest
  const classed: ClassedFeature[] = []
  const columns: SetColumn[] = []
  let looks = 0
  for (const [of, members] of nodesByFeature(forest)) {
    const end = members.reduce((most, node) => Math.max(most, endOf(sets, value[node]!)), 0)
    const distinct = [...new Set(members.map(node => value[node]!))]
    looks += end * distinct.length
    if (end > CATEGORIES_MAX || looks > LOOKS_MAX) return undefined
    const { classes, count } = classify(sets, distinct, end)
    if (count > CLASSES_MAX) return undefined
    const bySet = new Map<number, number>()
    const byBits = new Map<string, number>()
    for (const node of members) {
      if ((flags[node]! & ZERO_MISSING) !== 0) return undefined
      const missingLeft = Number(missingGoesLeft(forest, node))
      const asked = value[node]! * 2 + missingLeft
      let number = bySet.get(asked)
      if (number === undefined) {
        const bits = bitsOf(sets, value[node]!, classes, count)
        bits[MISSING >> 3]! |= missingLeft << (MISSING & 7)
        number = byBits.get(bits.join()) ?? first + columns.length
        if (number >= limit) return undefined
        if (number === first + columns.length) columns.push({ column: number, of: classed.length, bits })
        byBits.set(bits.join(), number)
        bySet.set(asked, number)
      }
      column[node] = number
      cut[node] = -128
    }
    classed.push({ feature: of, classes })
  }
  return { classed, sets: columns }
}

/** The categorical nodes of each feature that has any. */
function nodesByFeature({ feature, flags }: Forest): Map<number, number[]> {
  const found = new Map<number, number[]>()
  for (let node = 0; node < feature.length; node++) {
    if (feature[node]! < 0 || (flags[node]! & CATEGORICAL) === 0) continue
    const list = found.get(feature[node]!)
    if (list === undefined) found.set(feature[node]!, [node])
    else list.push(node)
  }
  return found
}

function missingGoesLeft({ flags, value, sets }: Forest, node: number): boolean {
  if ((flags[node]! & NAN_IS_ZERO) !== 0) return inSet(sets, value[node]!, 0)
  return (flags[node]! & MISSING_LEFT) !== 0
}

/** One more than the largest category that a set may name. */
function endOf({ starts, firsts }: CategorySets, set: number): number {
  return Math.min((firsts[set]! + starts[set + 1]! - starts[set]!) * 32, CATEGORY_MAX)
}

/** Splits the classes by one set after the other. */
function classify(
  sets: CategorySets,
  distinct: readonly number[],
  end: number,
): { classes: Uint16Array; count: number } {
  let group = new Float64Array(end)
  for (const set of distinct) {
    const split = new Map<number, number>()
    const next = new Float64Array(end)
    for (let category = 0; category < end; category++) {
      const key = group[category]! * 2 + Number(inSet(sets, set, category))
      if (!split.has(key)) split.set(key, key === 0 ? 0 : split.size + 1)
      next[category] = split.get(key)!
    }
    group = next
  }
  const numbers = new Map<number, number>([[0, OTHER]])
  const classes = Uint16Array.from(group, of => {
    if (!numbers.has(of)) numbers.set(of, numbers.size + 1)
    return numbers.get(of)!
  })
  return { classes, count: numbers.size + 1 }
}

function bitsOf(sets: CategorySets, set: number, classes: Uint16Array, count: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(count / 128) * 16)
  for (let category = 0; category < classes.length; category++) {
    if (inSet(sets, set, category)) bits[classes[category]! >> 3]! |= 1 << (classes[category]! & 7)
  }
  return bits
}
