/**
 * Categories as bytes. The values of a feature with categories come in few *kinds*: each category that some set names, in no
 * set, missing, zero (which may be missing too). Kinds that every decision of the forest treats alike are one *class*. Up to
 * eight classes are one column, a bit each, and a decision is whether the bit is in its mask; more need a column for each
 * distinct decision, 0 for a row that goes left and 255 for others.
 */
import { type CategorySets, type Forest, ZERO_MAX } from '../forest.ts'
import { goesLeft } from '../shap/forest-trees.ts'

export interface CategoryAxis {
  readonly feature: number
  /** One more than the largest category of any set. */
  readonly categories: number
  /** `table[column × kinds + kind]`, of as many columns as the axis needs. */
  readonly table: Uint8Array
  /** The same as `byKind[kind × columns + column]`. */
  readonly byKind: Uint8Array
  readonly columns: number
  /** By decision the bits of the classes that go left, where classes are bits. */
  readonly masks?: Uint8Array
}

/** Kinds beyond the categories: in no set, missing, zero from above, zero from below. */
const OTHER_KINDS = [-1, Number.NaN, 1e-36, -1e-36]
const CLASSES_MAX = 8

/** @param nodes one for each distinct decision on the feature. */
export function categoryAxis(forest: Forest, feature: number, nodes: readonly number[]): CategoryAxis {
  const categories = largestIn(forest, nodes)
  const kinds = kindsOf(categories)
  const table = new Uint8Array(nodes.length * kinds)
  for (const [index, node] of nodes.entries()) {
    for (let kind = 0; kind < kinds; kind++) {
      // A half more: 0 itself is of another kind.
      const value = kind < categories ? kind + 0.5 : OTHER_KINDS[kind - categories]!
      table[index * kinds + kind] = goesLeft(forest, node, value) ? 0 : 255
    }
  }
  const bits = asBits(feature, categories, nodes.length, table)
  if (bits !== undefined) return bits
  const byKind = table.map((_, at) => table[(at % nodes.length) * kinds + Math.floor(at / nodes.length)]!)
  return { feature, categories, table, byKind, columns: nodes.length }
}

/** Bytes of the table of a feature with these decisions. */
export function kindBytesOf(forest: Forest, nodes: readonly number[]): number {
  return nodes.length * kindsOf(largestIn(forest, nodes))
}

/** The number of kinds of values. */
export function kindsOf(categories: number): number {
  return categories + OTHER_KINDS.length
}

export function kindOf(value: number, categories: number): number {
  if (Number.isNaN(value)) return categories + 1
  if (Math.abs(value) <= ZERO_MAX) return value < 0 ? categories + 3 : categories + 2
  return value >= 0 && value < categories ? Math.trunc(value) : categories
}

/** One column, where there are few classes of kinds. */
function asBits(feature: number, categories: number, decisions: number, table: Uint8Array): CategoryAxis | undefined {
  const kinds = kindsOf(categories)
  const classes: number[] = [] // a kind of each
  const bits = new Uint8Array(kinds)
  for (let kind = 0; kind < kinds; kind++) {
    let known = classes.findIndex(other => areAlike(table, kinds, decisions, kind, other))
    if (known < 0) known = classes.push(kind) - 1
    if (known === CLASSES_MAX) return undefined
    bits[kind] = 1 << known
  }
  const masks = Uint8Array.from({ length: decisions }, (_, decision) =>
    classes.reduce((mask, kind, bit) => mask | (table[decision * kinds + kind] === 0 ? 1 << bit : 0), 0),
  )
  return { feature, categories, table: bits, byKind: bits, columns: 1, masks }
}

function areAlike(table: Uint8Array, kinds: number, decisions: number, one: number, other: number): boolean {
  for (let decision = 0; decision < decisions; decision++) {
    if (table[decision * kinds + one] !== table[decision * kinds + other]) return false
  }
  return true
}

/** One more than the largest category of the sets of some nodes. */
function largestIn({ sets, value }: Forest, nodes: readonly number[]): number {
  return nodes.reduce((most, node) => {
    const set = value[node]!
    return Math.max(most, 32 * (sets.firsts[set]! + sets.starts[set + 1]! - sets.starts[set]!))
  }, 0)
}

/** By set, a number that sets of the same categories share. */
export function namesOf({ starts, firsts, words }: CategorySets): Int32Array {
  const known = new Map<string, number>()
  return firsts.map((first, set) => {
    const key = `${first}: ${words.subarray(starts[set], starts[set + 1]).join(' ')}`
    const name = known.get(key) ?? set
    known.set(key, name)
    return name
  })
}
