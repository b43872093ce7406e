/** Trees as `predict-walk.as` takes them: 8 bytes a node, a tree's nodes breadth first. */
import type { Forest } from '../forest.ts'
import { addsOf, addTo, outputsOf, ROWS, type Room, type TreeList, worthOf, worths } from './predict-room.ts'
import type { TreeShape } from './predict-shapes.ts'

const NODE = 8
/** Columns must begin within 24 bits. */
export const WALK_COLUMNS_MAX: number = (1 << 24) / ROWS
/** Trees walked at once for a single row. */
const TOGETHER = 8
const ALWAYS_LEFT = 127

export interface WalkTrees extends TreeList {
  /** The same trees for single rows: filled up to a multiple of 8, the depth of 8 trees at each. */
  readonly one: TreeList
}

export function walkTrees(room: Room, shapes: readonly TreeShape[]): WalkTrees {
  const { arena, forest, columns } = room
  const each = addsOf(forest)
  const filled = Math.ceil(shapes.length / TOGETHER) * TOGETHER
  const size = shapes.reduce((sum, { nodes }) => sum + nodes, 1)
  const nodes = new Uint32Array(size * 2)
  const nodesAt = arena.put(nodes)
  const tables = Array.from({ length: each }, () => worths(room, size))
  const tablesAt = tables.map(table => arena.put(table))
  const trees = new Uint32Array(filled * 2)
  const adds = new Uint32Array(filled * each * 2)
  const leaf = (place: number): void => void nodes.set([ALWAYS_LEFT, nodesAt + place * NODE], place * 2)
  let start = 0
  for (const [tree, { depth }] of shapes.entries()) {
    const order = breadthFirst(forest, forest.roots[tree]!)
    const outputs = outputsOf(forest, tree)
    trees.set([nodesAt + start * NODE, depth], tree * 2)
    for (const [index, output] of outputs.entries()) {
      addTo(room, adds, tree * each + index, tablesAt[index]! + start * room.size, output)
    }
    let next = 1
    for (const [place, node] of order.entries()) {
      if (forest.feature[node]! < 0) {
        leaf(start + place)
        for (const [index, output] of outputs.entries()) {
          tables[index]![start + place] = worthOf(forest, tree, node, output)
        }
      } else {
        const packed = (columns.column[node]! * ROWS * 256 + (columns.cut[node]! & 255)) >>> 0
        nodes.set([packed, nodesAt + (start + next) * NODE], (start + place) * 2)
        next += 2
      }
    }
    start += order.length
  }
  leaf(start) // what is filled up with adds −0, which changes nothing
  for (const table of tables) table[start] = -0
  for (let tree = shapes.length; tree < filled; tree++) {
    trees.set([nodesAt + start * NODE, 0], tree * 2)
    for (let index = 0; index < each; index++)
      addTo(room, adds, tree * each + index, tablesAt[index]! + start * room.size, 0)
  }
  const at = arena.put(trees)
  const addsAt = arena.put(adds)
  const even = evenDepths(trees)
  const oneAt = arena.put(even)
  const one = { at: oneAt, end: oneAt + even.byteLength, adds: addsAt }
  return { at, end: at + shapes.length * 8, adds: addsAt, one }
}

/** Bytes a tree takes. */
export function walkBytes({ nodes }: TreeShape, worthBytes: number): number {
  return nodes * (NODE + worthBytes) + 32
}

function evenDepths(trees: Uint32Array): Uint32Array {
  const even = trees.slice()
  for (let first = 0; first < even.length; first += TOGETHER * 2) {
    const depths = Array.from({ length: TOGETHER }, (_, tree) => even[first + tree * 2 + 1]!)
    for (let tree = 0; tree < TOGETHER; tree++) even[first + tree * 2 + 1] = Math.max(...depths)
  }
  return even
}

/** The nodes of a tree; the two children of the i-th inner node are the next two. */
function breadthFirst({ feature, child }: Forest, root: number): number[] {
  const order = [root]
  for (const node of order) {
    if (feature[node]! >= 0) order.push(child[node]!, child[node]! + 1)
  }
  return order
}
