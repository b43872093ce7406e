/** A table of nodes as a forest. */

import type { Forest } from '../forest.ts'
import { ForestBuilder } from '../forest-builder.ts'
import { unsupported } from './recorder.ts'
import type { TreeTable } from './tree-table.ts'
import { damaged } from './wire.ts'

export interface TreeForest {
  readonly forest: Forest
  /** Columns that are added after the given ones: the place of the number of column `of` among `keys`, −1 for others. */
  readonly places: readonly { readonly of: number; readonly keys: Float64Array }[]
}

/** How the leaves of all trees are brought together. */
export interface TreeSums {
  /** Margins of the forest. */
  readonly outputs: number
  /** Margin that the weights of a target are for, or one for each tree. */
  readonly outputOf: ((target: number) => number) | 'tree'
  readonly precision: 'float32' | 'float64'
}

/** Numbers that the vectors of all leaves may have together, beyond a multiple of what the file gives: most are 0 then. */
const VECTORS_MAX = 1 << 20
const VECTOR_SHARE_MIN = 1 / 64

export function forestFrom(table: TreeTable, columns: number, sums: TreeSums): TreeForest {
  const { outputs, precision } = sums
  const leaves = new Leaves(table, sums)
  const equals = new Equals(columns)
  const builder = new ForestBuilder('the ONNX model')
  const hits = coverOf(table)
  const seen = new Uint8Array(table.mode.length)
  for (const [tree, root] of table.roots.entries())
    builder.add(walk(table, tree, root, { seen, leaves, equals, hits, precision }))
  const { leaves: count, featuresUsed, ...nodes } = builder.finish()
  const places = equals.columns()
  const width = columns + places.length
  if (featuresUsed > width) throw damaged(`a tree splits on column ${featuresUsed - 1} of ${columns}`)
  const vectors = leaves.vectors(nodes.feature, nodes.child, nodes.value)
  const forest: Forest = {
    kind: 'forest',
    format: 'onnx',
    task: 'regression',
    objective: '',
    features: Array.from({ length: width }, (_, index) => `f${index}`),
    featureTypes: Array.from({ length: width }, () => undefined),
    named: false,
    categories: Array.from({ length: width }, () => undefined),
    unseen: 'other',
    answers: 'number',
    precision,
    ...nodes,
    ...(vectors === undefined ? { groups: leaves.groups() } : { leafVectors: vectors }),
    base: new Float64Array(outputs),
    link: 'identity',
    facts: { trees: table.roots.length, depth: nodes.depth, leaves: count },
  }
  return { forest, places }
}

/** The hit rates, if they are counts: those of two children sum to their parent's. */
function coverOf({ hits, mode, yes, no }: TreeTable): ArrayLike<number> | undefined {
  if (hits.length !== mode.length) return undefined
  for (const [node, one] of mode.entries()) {
    const own = hits[node]!
    if (!(own > 0 && Number.isFinite(own))) return undefined
    if (one === 'LEAF') continue
    const [left, right] = [hits[yes[node]!], hits[no[node]!]]
    if (left === undefined || right === undefined || !(Math.abs(left + right - own) <= 1e-4 * own)) return undefined
  }
  return hits
}

/** What each leaf is worth: a number where each tree adds to one margin, else a vector. */
class Leaves {
  readonly #table: TreeTable
  readonly #sums: TreeSums
  readonly #groups: Int32Array
  readonly #isVector: boolean
  readonly #vectors: number[][] = []

  constructor(table: TreeTable, sums: TreeSums) {
    this.#table = table
    this.#sums = sums
    this.#groups = new Int32Array(table.roots.length)
    if (sums.outputOf === 'tree') for (const tree of this.#groups.keys()) this.#groups[tree] = tree
    this.#isVector = sums.outputs > 1 && sums.outputOf !== 'tree' && !this.#eachHasOneOutput(sums.outputOf)
  }

  groups(): Int32Array {
    return this.#groups
  }

  worth(node: number): number {
    const { outputOf, outputs } = this.#sums
    if (this.#isVector && outputOf !== 'tree') return this.#vectors.push(this.#vector(node, outputOf)) - 1
    const { starts, weights, value } = this.#table
    let sum = 0
    for (let at = starts[node]!; at < starts[node + 1]!; at++) sum += weights[at]!
    const found = starts[node + 1]! - starts[node]!
    if ((outputs === 1 || outputOf === 'tree') && (found > 1 || (found === 0 && value[node] !== 0))) {
      throw unsupported(`a leaf with ${found} weights for one target`)
    }
    return sum
  }

  /** One sequence of all vectors; `child` of a leaf becomes its place there. */
  vectors(feature: Int32Array, child: Int32Array, value: Float64Array): Float64Array | undefined {
    if (!this.#isVector) return undefined
    const { outputs } = this.#sums
    const all = new Float64Array(this.#vectors.length * outputs)
    for (const [index, vector] of this.#vectors.entries()) all.set(vector, index * outputs)
    for (let node = 0; node < feature.length; node++) {
      if (feature[node]! >= 0) continue
      child[node] = value[node]! * outputs
      value[node] = 0
    }
    return all
  }

  #vector(node: number, outputOf: (target: number) => number): number[] {
    const { outputs } = this.#sums
    const { starts, weights, targets } = this.#table
    if ((this.#vectors.length + 1) * outputs > VECTORS_MAX + weights.length / VECTOR_SHARE_MIN) {
      throw unsupported(`leaves of ${outputs} values each, nearly all of them 0`)
    }
    const vector = new Array<number>(outputs).fill(0)
    for (let at = starts[node]!; at < starts[node + 1]!; at++) vector[outputOf(targets[at]!)]! += weights[at]!
    if (!vector.every(Number.isFinite)) throw damaged(`leaf ${node} has a weight that is no finite number`)
    return vector
  }

  #eachHasOneOutput(outputOf: (target: number) => number): boolean {
    const { roots, isSorted, starts, targets } = this.#table
    if (!isSorted) return false
    return roots.every((root, tree) => {
      const [from, to] = [starts[root]!, starts[roots[tree + 1] ?? starts.length - 1]!]
      const output = from < to ? outputOf(targets[from]!) : 0
      for (let at = from; at < to; at++) if (outputOf(targets[at]!) !== output) return false
      this.#groups[tree] = output
      return true
    })
  }
}

/** Equality of numbers as membership of a set of categories, in columns of their own. */
class Equals {
  readonly #first: number
  readonly #columns = new Map<number, { readonly at: number; readonly keys: Map<number, number> }>()

  constructor(first: number) {
    this.#first = first
  }

  column(feature: number): number {
    return this.#of(feature).at
  }

  codes(feature: number, values: readonly number[]): Float64Array {
    const { keys } = this.#of(feature)
    return Float64Array.from(values, value => {
      const key = value + 0
      const known = keys.get(key)
      if (known !== undefined) return known
      keys.set(key, keys.size)
      return keys.size - 1
    })
  }

  columns(): { of: number; keys: Float64Array }[] {
    return Array.from(this.#columns, ([of, { keys }]) => ({ of, keys: Float64Array.from(keys.keys()) }))
  }

  #of(feature: number): { readonly at: number; readonly keys: Map<number, number> } {
    let column = this.#columns.get(feature)
    if (column === undefined) {
      column = { at: this.#first + this.#columns.size, keys: new Map() }
      this.#columns.set(feature, column)
    }
    return column
  }
}

interface Walk {
  readonly seen: Uint8Array
  readonly leaves: Leaves
  readonly equals: Equals
  readonly hits: ArrayLike<number> | undefined
  readonly precision: 'float32' | 'float64'
}

/** The nodes of one tree, numbered from its root on. */
function walk(table: TreeTable, tree: number, root: number, parts: Walk): Parameters<ForestBuilder['add']>[0] {
  const { seen, leaves, hits } = parts
  const order: number[] = []
  const visit = (node: number): number => {
    if (!(Number.isInteger(node) && node >= 0 && node < seen.length))
      throw damaged(`tree ${tree} has a child that is not there`)
    if (seen[node] === 1) throw shared(table, root, tree)
    seen[node] = 1
    return order.push(node) - 1
  }
  const lists = {
    left: [] as number[],
    right: [] as number[],
    feature: [] as number[],
    value: [] as number[],
    missing: [] as number[],
  }
  const categories = new Map<number, Float64Array>()
  visit(root)
  for (let local = 0; local < order.length; local++) {
    const node = order[local]!
    const split = table.mode[node] === 'LEAF' ? undefined : splitOf(table, node, parts)
    if (split === undefined) {
      lists.left.push(-1)
      lists.right.push(-1)
      lists.feature.push(0)
      lists.value.push(leaves.worth(node))
      lists.missing.push(0)
      continue
    }
    const isLeafTwice = split.left === split.right && table.mode[split.left] === 'LEAF'
    if (isLeafTwice) {
      if (order.length > 1) throw unsupported('a node with one child')
      order[local--] = split.left
      continue
    }
    lists.left.push(visit(split.left))
    lists.right.push(visit(split.right))
    lists.feature.push(split.feature)
    lists.value.push(split.value)
    lists.missing.push(split.missingLeft ? 1 : 0)
    if (split.codes !== undefined) categories.set(local, split.codes)
  }
  return {
    count: order.length,
    left: Float64Array.from(lists.left),
    right: Float64Array.from(lists.right),
    feature: Float64Array.from(lists.feature),
    value: Float64Array.from(lists.value),
    missingLeft: Float64Array.from(lists.missing),
    ...(hits === undefined ? {} : { cover: Float64Array.from(order, node => hits[node]!) }),
    categories,
  }
}

/** A node that is reached twice: of a circle nothing can be made. */
function shared({ mode, yes, no }: TreeTable, root: number, tree: number): Error {
  const state = new Uint8Array(mode.length)
  const path = [root]
  while (path.length > 0) {
    const node = path.at(-1)!
    if (state[node] !== 0) {
      state[node] = 2
      path.pop()
      continue
    }
    state[node] = 1
    for (const next of mode[node] === 'LEAF' ? [] : [yes[node]!, no[node]!]) {
      if (!(next >= 0 && next < mode.length)) return damaged(`tree ${tree} has a child that is not there`)
      if (state[next] === 1) return damaged(`node ${next} of tree ${tree} leads to itself`)
      if (state[next] === 0) path.push(next)
    }
  }
  return unsupported(`tree ${tree}, of which several nodes have the same child`)
}

interface Split {
  readonly left: number
  readonly right: number
  readonly feature: number
  readonly value: number
  readonly missingLeft: boolean
  readonly codes?: Float64Array
}

/** The forest form goes left where `x < value`, or where x is in a set. */
function splitOf(table: TreeTable, node: number, { equals, precision }: Walk): Split {
  const [yes, no, feature, value] = [table.yes[node]!, table.no[node]!, table.feature[node]!, table.value[node]!]
  const missingYes = table.missingYes[node] === 1
  const mode = table.mode[node]!
  if (Number.isNaN(value)) throw unsupported('a threshold that is NaN')
  if (mode === 'BRANCH_EQ') return chainOfEquals(table, node, equals)
  if (mode === 'BRANCH_NEQ' || mode === 'BRANCH_MEMBER') {
    const isMember = mode === 'BRANCH_MEMBER'
    const codes = equals.codes(feature, isMember ? (table.members.get(node) ?? []) : [value])
    const at = equals.column(feature)
    // NaN differs from everything, so it is true without being told to be.
    if (!isMember) return { left: no, right: yes, feature: at, value: 0, missingLeft: false, codes }
    return { left: yes, right: no, feature: at, value: 0, missingLeft: missingYes, codes }
  }
  const isStrict = mode === 'BRANCH_LT' || mode === 'BRANCH_GTE'
  const isTrueLeft = mode === 'BRANCH_LT' || mode === 'BRANCH_LEQ'
  if (!isStrict && value === Number.POSITIVE_INFINITY) {
    // Every number is ≤ ∞, and none is < −∞.
    return {
      left: isTrueLeft ? no : yes,
      right: isTrueLeft ? yes : no,
      feature,
      value: -value,
      missingLeft: missingYes !== isTrueLeft,
    }
  }
  const cut = isStrict ? value : precision === 'float32' ? nextAbove32(value) : nextAbove64(value)
  return isTrueLeft
    ? { left: yes, right: no, feature, value: cut, missingLeft: missingYes }
    : { left: no, right: yes, feature, value: cut, missingLeft: !missingYes }
}

/**
 * Converters write membership of a set as a row of comparisons, each of which leads to the same child where it is true. ONNX
 * Runtime takes them for one, and NaN goes where the first sends it.
 */
function chainOfEquals(table: TreeTable, node: number, equals: Equals): Split {
  const { mode, feature, yes, no, value, missingYes } = table
  const values: number[] = []
  let last = node
  for (let at = node; values.length < mode.length; at = no[at]!) {
    if (mode[at] !== 'BRANCH_EQ' || feature[at] !== feature[node] || yes[at] !== yes[node]) break
    values.push(value[at]!)
    last = at
  }
  if (values.some(Number.isNaN)) throw unsupported('a threshold that is NaN')
  const codes = equals.codes(feature[node]!, values)
  const at = equals.column(feature[node]!)
  return { left: yes[node]!, right: no[last]!, feature: at, value: 0, missingLeft: missingYes[node] === 1, codes }
}

const SINGLE = new Float32Array(1)
const SINGLE_BITS = new Int32Array(SINGLE.buffer)
const DOUBLE = new Float64Array(1)
const DOUBLE_BITS = new BigInt64Array(DOUBLE.buffer)

function nextAbove32(value: number): number {
  SINGLE[0] = value
  if (SINGLE[0] === 0) return 2 ** -149
  SINGLE_BITS[0]! += SINGLE[0]! > 0 ? 1 : -1
  return SINGLE[0]!
}

function nextAbove64(value: number): number {
  if (value === 0) return Number.MIN_VALUE
  DOUBLE[0] = value
  DOUBLE_BITS[0]! += value > 0 ? 1n : -1n
  return DOUBLE[0]!
}
