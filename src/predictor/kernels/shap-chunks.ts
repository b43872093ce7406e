/**
 * A tree cut into chunks, each seen through at most eight yes-or-no tests, so that one byte of a row's answers says all that
 * the chunk's leaves can contribute (in the spirit of Yang 2021, "Fast TreeSHAP", version 2, which tabulates by path).
 *
 * A chunk is a subtree. Its tests are its own decisions, and for each column on the way to it whether the row passes all
 * decisions there: they come to one interval of the column's bytes, or one set of its bits.
 */
import type { Forest } from '../forest.ts'
import { type Columns, leftTest, type Test } from './shap-columns.ts'

/** The most tests of a chunk: the bits of a byte. */
export const TESTS_MAX = 8

/** Deeper trees go by quadrature: ways are looked at step by step. */
const PATH_MAX = 64

/** Bytes of a row of a table. */
const ROW_BYTES = 32

/** A leaf as its chunk sees it: for each feature on its path what must hold for the row to pass it there. */
export interface ChunkLeaf {
  readonly node: number
  readonly features: readonly LeafFeature[]
}

export interface LeafFeature {
  /** Or the player that it is a part of. */
  readonly feature: number
  /** The product of the cover shares at the decisions on this feature. */
  share: number
  /** Tests (as bits) that must be passed, and those that must not. */
  pass: number
  fail: number
}

export interface Chunk {
  readonly tests: readonly Test[]
  readonly leaves: readonly ChunkLeaf[]
}

/** One decision on the way to a node. */
interface Step {
  readonly node: number
  readonly left: boolean
}

/**
 * Cuts the tree below `root`; `undefined` where some leaf alone needs more than `TESTS_MAX` tests, or the tables together more
 * than `room` bytes.
 */
export function chunksOf(
  forest: Forest,
  columns: Columns,
  shares: Float64Array,
  root: number,
  room: number,
): Chunk[] | undefined {
  const { feature, child } = forest
  const chunks: Chunk[] = []
  let left = room
  const visit = (node: number, path: readonly Step[]): boolean => {
    if (path.length > PATH_MAX) return false
    const tests = passage(columns, path)
    if (tests.length > TESTS_MAX) return false
    const inner = innerNodes(forest, node, TESTS_MAX + 1)
    const bits = tests.length + inner.length
    if (bits <= TESTS_MAX) {
      if (bits > 0) chunks.push(chunk(forest, columns, shares, path, tests, inner))
      left -= ROW_BYTES << bits
      return left >= 0
    }
    if (feature[node]! < 0) return false
    const below = child[node]!
    return visit(below, [...path, { node, left: true }]) && visit(below + 1, [...path, { node, left: false }])
  }
  return visit(root, []) ? chunks : undefined
}

/** What a row's bytes must be to take the path. */
function passage(columns: Columns, path: readonly Step[]): Test[] {
  const bounds = new Map<number, { low: number; high: number; mask: number }>()
  for (const { node, left } of path) {
    const column = columns.column[node]!
    const cut = columns.cut[node]!
    const isBits = columns.isBits[column] === 1
    const bound = bounds.get(column) ?? { low: isBits ? 1 : 0, high: 256, mask: 255 }
    if (isBits) bound.mask &= left ? cut : ~cut
    else if (left) bound.high = Math.min(bound.high, cut)
    else bound.low = Math.max(bound.low, cut)
    bounds.set(column, bound)
  }
  return Array.from(bounds, ([column, { low, high, mask }]) => ({ column, mask, low, width: Math.max(0, high - low) }))
}

/** The inner nodes of a subtree, parents first; no more than `limit` of them. */
function innerNodes({ feature, child }: Forest, top: number, limit: number): number[] {
  const nodes = feature[top]! < 0 ? [] : [top]
  for (let index = 0; index < nodes.length && nodes.length < limit; index++) {
    const left = child[nodes[index]!]!
    for (const next of [left, left + 1]) if (feature[next]! >= 0) nodes.push(next)
  }
  return nodes
}

function chunk(
  forest: Forest,
  columns: Columns,
  shares: Float64Array,
  path: readonly Step[],
  passed: readonly Test[],
  inner: readonly number[],
): Chunk {
  const { feature, child } = forest
  const tests = [...passed, ...inner.map(node => leftTest(columns, node))]
  const bits = new Map(inner.map((node, index) => [node, 1 << (passed.length + index)]))
  const leaves: ChunkLeaf[] = []
  const visit = (node: number, steps: readonly Step[]): void => {
    if (feature[node]! >= 0) {
      const left = child[node]!
      visit(left, [...steps, { node, left: true }])
      visit(left + 1, [...steps, { node, left: false }])
      return
    }
    const found = new Map<number, LeafFeature>()
    for (const step of steps) {
      const of = columns.player[feature[step.node]!]!
      const known = found.get(of) ?? { feature: of, share: 1, pass: 0, fail: 0 }
      const bit = bits.get(step.node)
      known.share *= shares[child[step.node]! + (step.left ? 0 : 1)]!
      if (bit === undefined) known.pass |= 1 << passed.findIndex(test => test.column === columns.column[step.node]!)
      else if (step.left) known.pass |= bit
      else known.fail |= bit
      found.set(of, known)
    }
    leaves.push({ node, features: [...found.values()] })
  }
  const top = path.length === 0 ? inner[0]! : topOf(forest, path.at(-1)!)
  visit(top, path)
  return { tests, leaves }
}

function topOf({ child }: Forest, { node, left }: Step): number {
  return child[node]! + (left ? 0 : 1)
}
