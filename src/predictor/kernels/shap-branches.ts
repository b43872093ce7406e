/**
 * Trees as the quadrature kernel reads them.
 *
 * At each point t a way through the tree is worth the product, over its features, of z + (o − z) t (see
 * shap/tree-shap.ts). At a node whose sides hold the shares y and 1 − y of its rows let `goes` be 1 where the row goes left;
 * let z′ and o′ be of the decisions on the same feature further up (1 and 1 where there are none), f = z′ + (o′ − z′) t, and
 * s = t / f where o′ is 1, else 0. Then the product of the left side is that of the node times c = y + s (goes − y), that of
 * the right side the rest; the mean V of the leaves below, weighted so, is V_right + c (V_left − V_right); and the node gives
 * its feature product × (z′ / f²) × (goes − y) × (V_left − V_right), nothing where o′ is 0. So each node takes some ten
 * multiplications and additions a point and no division.
 *
 * A *twig* is a node with two leaves: half of all nodes, and simpler.
 */
import type { Quadrature } from '../../math/gauss-legendre.ts'
import type { Forest } from '../forest.ts'
import type { Arena } from './shap-arena.ts'
import { signed } from './shap-chunk-memory.ts'
import { type Columns, leftTest } from './shap-columns.ts'
import { frameSize, type ScalarTree } from './shap-plan.ts'

/** Bytes of a node's description. */
const NODE_BYTES = 48
/** Bytes of a number for four rows. */
const FOUR = 16

/** Addresses that the kernel is called with. */
export interface PlacedTree {
  readonly output: number
  /** What to write into the frames first: pairs of an address and a float32. */
  readonly starts: number
  readonly startsEnd: number
  readonly branches: number
  readonly twigs: number
  readonly end: number
  readonly points: number
}

/** What all trees share. */
export interface BranchLayout {
  readonly forest: Forest
  readonly columns: Columns
  readonly shares: Float64Array
  /** Bytes from one column of the rows to the next, and from the sums of one feature to those of the next. */
  readonly columnStride: number
  readonly sumStride: number
  /** Address of the frames: room for products and means by node, used by one tree after the other. */
  readonly frames: number
  /** Address of 16 bytes of ones. */
  readonly always: number
}

/** A decision on a feature, seen from below; the last of those on the way. */
interface Prior {
  readonly player: number
  readonly up: Prior | undefined
  /** Product of the shares so far. */
  readonly share: number
  /** Address of the mask of the rows that pass. */
  readonly mask: number
}

interface Node {
  readonly node: number
  readonly frame: number
  readonly way: Prior | undefined
}

export function placeTree(layout: BranchLayout, tree: ScalarTree, rule: Quadrature, arena: Arena): PlacedTree {
  const { forest, shares, frames } = layout
  const { feature, child } = forest
  const size = frameSize(tree.points)
  const queue: Node[] = [{ node: tree.root, frame: frames, way: undefined }]
  const branches: Node[] = []
  const twigs: Node[] = []
  const starts: [number, number][] = Array.from(rule.weights, (weight, point) => [frames + 32 + point * FOUR, weight])
  for (let index = 0; index < queue.length; index++) {
    const { node, frame, way } = queue[index]!
    if (feature[node]! < 0) {
      const means = frame + 32 + tree.points * FOUR
      for (let point = 0; point < tree.points; point++) starts.push([means + point * FOUR, tree.worth(node)])
      continue
    }
    const left = child[node]!
    const twig = feature[left]! < 0 && feature[left + 1]! < 0
    ;(twig ? twigs : branches).push(queue[index]!)
    if (twig) continue
    const player = layout.columns.player[feature[node]!]!
    const before = lastOf(player, way)?.share ?? 1
    for (const side of [0, 1]) {
      const share = before * shares[left + side]!
      const below = frames + queue.length * size
      queue.push({ node: left + side, frame: below, way: { player, up: way, share, mask: frame + side * FOUR } })
    }
  }
  const nodes = [...branches, ...twigs]
  const frameOf = new Map(queue.map(({ node, frame }) => [node, frame]))
  const terms = new Float32Array((nodes.length + 1) * 2 * tree.points)
  const records = new DataView(new ArrayBuffer(nodes.length * NODE_BYTES))
  const [termsAt, at, startsAt] = [arena.put(terms), arena.put(records), arena.put(encodeStarts(starts))]
  terms.set(termsOf(rule, 1))
  for (const [index, node] of nodes.entries()) {
    const prior = lastOf(layout.columns.player[feature[node.node]!]!, node.way)
    const place = prior === undefined ? 0 : (index + 1) * 2 * tree.points
    if (prior !== undefined) terms.set(termsOf(rule, prior.share), place)
    encodeNode(layout, tree, node, frameOf, termsAt + place * 4, records, index * NODE_BYTES)
  }
  return {
    output: tree.output,
    starts: startsAt,
    startsEnd: startsAt + starts.length * 8,
    branches: at,
    twigs: at + branches.length * NODE_BYTES,
    end: at + nodes.length * NODE_BYTES,
    points: tree.points,
  }
}

/** The last decision on the way that is on a feature of this player. */
function lastOf(player: number, way: Prior | undefined): Prior | undefined {
  let step = way
  while (step !== undefined && step.player !== player) step = step.up
  return step
}

/** By point: t / f, then z / f². */
function termsOf({ points }: Quadrature, share: number): Float32Array {
  const factors = points.map(t => t + (1 - t) * share)
  return Float32Array.of(...points.map((t, point) => t / factors[point]!), ...factors.map(f => share / (f * f)))
}

function encodeNode(
  { forest, columns, shares, columnStride, sumStride, always }: BranchLayout,
  { worth }: ScalarTree,
  { node, frame, way }: Node,
  frameOf: ReadonlyMap<number, number>,
  terms: number,
  out: DataView,
  at: number,
): void {
  const left = forest.child[node]!
  const player = columns.player[forest.feature[node]!]!
  const [leftShare, rightShare] = [shares[left]!, shares[left + 1]!]
  const test = leftTest(columns, node)
  const [low, width] = signed(test)
  out.setUint32(at, test.column * columnStride, true)
  out.setUint8(at + 4, low)
  out.setInt8(at + 5, width)
  out.setUint8(at + 6, test.mask)
  out.setUint32(at + 8, columns.place[player]! * sumStride, true)
  out.setUint32(at + 12, frame, true)
  out.setUint32(at + 16, frameOf.get(left) ?? 0, true)
  out.setUint32(at + 20, frameOf.get(left + 1) ?? 0, true)
  out.setUint32(at + 24, lastOf(player, way)?.mask ?? always, true)
  out.setUint32(at + 28, terms, true)
  if (frameOf.has(left)) {
    out.setFloat32(at + 32, leftShare, true)
    out.setFloat32(at + 36, rightShare, true)
  } else {
    // A twig: how far a row that goes left, or right, is above the mean of the two leaves.
    const mean = leftShare * worth(left) + rightShare * worth(left + 1)
    out.setFloat32(at + 32, worth(left) - mean, true)
    out.setFloat32(at + 36, worth(left + 1) - mean, true)
    out.setFloat32(at + 40, mean, true)
  }
}

function encodeStarts(starts: readonly (readonly [number, number])[]): Uint8Array {
  const out = new DataView(new ArrayBuffer(starts.length * 8))
  for (const [index, [address, value]] of starts.entries()) {
    out.setUint32(index * 8, address, true)
    out.setFloat32(index * 8 + 4, value, true)
  }
  return new Uint8Array(out.buffer)
}
