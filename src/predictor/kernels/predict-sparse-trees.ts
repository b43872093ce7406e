/** Trees of at most 256 leaves as `predict-sparse.as` takes them: a list of nodes, children before parents. */
import { addsOf, addTo, columnAt, outputsOf, ROWS, type Room, type TreeList, worthOf, worths } from './predict-room.ts'
import type { TreeShape } from './predict-shapes.ts'

export const SPARSE_LEAVES_MAX = 256
const NODE = 20

export function sparseTrees(room: Room, shapes: readonly TreeShape[]): TreeList {
  const { arena, forest } = room
  const each = addsOf(forest)
  const numbers = arena.put(leafNumbers(shapes))
  const slots = arena.reserve(ROWS * (1 + shapes.reduce((most, { depth }) => Math.max(most, depth), 0)))
  const trees = new Uint32Array(shapes.length * 3)
  const adds = new Uint32Array(shapes.length * each * 2)
  for (const tree of shapes.keys()) {
    const { nodes, leaves, result } = listOf(room, forest.roots[tree]!, numbers, slots)
    const at = arena.put(nodes)
    trees.set([at, at + nodes.byteLength, result], tree * 3)
    for (const [index, output] of outputsOf(forest, tree).entries()) {
      const table = worths(room, leaves.length)
      for (const [number, leaf] of leaves.entries()) table[number] = worthOf(forest, tree, leaf, output)
      addTo(room, adds, tree * each + index, arena.put(table), output)
    }
  }
  const at = arena.put(trees)
  return { at, end: at + trees.byteLength, adds: arena.put(adds) }
}

/** Bytes a tree takes. */
export function sparseBytes({ leaves }: TreeShape, worthBytes: number): number {
  return (NODE + worthBytes) * leaves + 192
}

/** Each number 64 times. */
function leafNumbers(shapes: readonly TreeShape[]): Uint8Array {
  const most = shapes.reduce((found, { leaves }) => Math.max(found, leaves), 1)
  return Uint8Array.from({ length: most * ROWS }, (_, index) => Math.floor(index / ROWS))
}

interface NodeList {
  readonly nodes: Uint32Array
  /** From left to right. */
  readonly leaves: readonly number[]
  /** Where the number of the leaf is found. */
  readonly result: number
}

function listOf(room: Room, root: number, numbers: number, slots: number): NodeList {
  const { forest, columns } = room
  const nodes: number[] = []
  const leaves: number[] = []
  /** Everything below `slot` is taken. Depth is less than 256. */
  const list = (node: number, slot: number): number => {
    if (forest.feature[node]! < 0) return numbers + (leaves.push(node) - 1) * ROWS
    const left = list(forest.child[node]!, slot)
    const right = list(forest.child[node]! + 1, left >= slots ? slot + 1 : slot)
    const into = slots + slot * ROWS
    nodes.push(columnAt(room, node), left, right, into, columns.cut[node]! & 255)
    return into
  }
  const result = list(root, 0)
  return { nodes: Uint32Array.from(nodes), leaves, result }
}
