/** Which trees of a forest are explained by tables, and which by quadrature. */
import type { Forest } from '../forest.ts'
import { type ForestTree, leafWorth, mostFeaturesOnPath, treesOf } from '../shap/forest-trees.ts'
import { type Chunk, chunksOf } from './shap-chunks.ts'
import type { Columns } from './shap-columns.ts'
import { tableLength } from './shap-tables.ts'

/** A tree that adds one number to one output: of a tree with vector leaves, each output is one. */
export interface ScalarTree {
  readonly root: number
  readonly output: number
  readonly inner: number
  /** Gauss–Legendre points that integrate its paths exactly. */
  readonly points: number
  readonly worth: (leaf: number) => number
}

export interface TabledTree extends ScalarTree {
  readonly chunks: readonly Chunk[]
}

export interface Plan {
  /** Both by ascending output. */
  readonly tabled: readonly TabledTree[]
  readonly walked: readonly ScalarTree[]
}

/** Bytes of a node and its terms in the memory of the quadrature kernel. */
export function walkedBytes({ inner, points }: ScalarTree): number {
  return inner * (64 + 16 * points)
}

/** Bytes of a node's frame: for four rows, whether they pass left, right; products by point; means by point. */
export function frameSize(points: number): number {
  return 16 * (2 + 2 * points)
}

/** Bytes of the frames of a tree. */
export function frameBytes({ inner, points }: ScalarTree): number {
  return (2 * inner + 1) * frameSize(points)
}

/**
 * Tables for the trees where a byte of table saves most, until the budget is spent; quadrature for the rest. `undefined`
 * where not even the nodes fit the budget.
 */
export function planOf(forest: Forest, columns: Columns, shares: Float64Array, budget: number): Plan | undefined {
  const trees = treesOf(forest).flatMap(tree => scalarTrees(forest, tree))
  const candidates = new Map<number, { readonly chunks: readonly Chunk[]; readonly bytes: number }>()
  const frames = trees.reduce((most, tree) => Math.max(most, frameBytes(tree)), 0)
  let spent = trees.reduce((sum, tree) => sum + walkedBytes(tree), frames)
  if (spent > budget) return undefined
  // What is looked at is bounded too: a forest of a million leaves is not worth a million chunks that find no room.
  let offered = 0
  for (const { root } of trees) {
    if (candidates.has(root) || offered > 2 * budget) continue
    const chunks = chunksOf(forest, columns, shares, root, budget)
    if (chunks === undefined) continue
    const bytes = tableBytes(chunks)
    offered += bytes
    candidates.set(root, { chunks, bytes })
  }
  const wanted = trees.flatMap(tree => {
    const tables = candidates.get(tree.root)
    return tables === undefined ? [] : [{ tree, ...tables, price: tables.bytes / tree.inner }]
  })
  wanted.sort((one, other) => one.price - other.price)
  const taken = new Map<ScalarTree, readonly Chunk[]>()
  for (const { tree, chunks, bytes } of wanted) {
    const more = bytes - walkedBytes(tree)
    if (spent + more > budget) continue
    spent += more
    taken.set(tree, chunks)
  }
  trees.sort((one, other) => one.output - other.output)
  return {
    tabled: trees.flatMap(tree => (taken.has(tree) ? [{ ...tree, chunks: taken.get(tree)! }] : [])),
    walked: trees.filter(tree => !taken.has(tree)),
  }
}

/** Bytes of the tables of some chunks, with what describes each. */
function tableBytes(chunks: readonly Chunk[]): number {
  return chunks.reduce((sum, chunk) => sum + tableLength(chunk) * Float32Array.BYTES_PER_ELEMENT + 192, 0)
}

/** A tree that is a leaf contributes nothing. */
function scalarTrees(forest: Forest, tree: ForestTree): ScalarTree[] {
  const inner = innerCount(forest, tree.root)
  if (inner === 0) return []
  const points = Math.max(1, Math.ceil(mostFeaturesOnPath(forest, tree.root) / 2))
  return Array.from({ length: tree.outputs }, (_, offset) => ({
    root: tree.root,
    output: tree.output + offset,
    inner,
    points,
    worth: leaf => leafWorth(forest, tree, leaf, offset),
  }))
}

function innerCount({ feature, child }: Forest, root: number): number {
  const stack = [root]
  let count = 0
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (feature[node]! < 0) continue
    count++
    stack.push(child[node]!, child[node]! + 1)
  }
  return count
}
