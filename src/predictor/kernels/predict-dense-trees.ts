/** Trees of depth 6 or less as `predict-dense.as` takes them: filled up with nodes at which every row goes left. */
import { addsOf, addTo, columnAt, outputsOf, type Room, type TreeList, worthOf, worths } from './predict-room.ts'
import type { TreeShape } from './predict-shapes.ts'

export const DENSE_DEPTH_MAX = 6
const BLOCK = 40
const BLOCK_DEPTH = 3
/** No byte is greater. */
const ALWAYS_LEFT = 127

export function denseTrees(room: Room, shapes: readonly TreeShape[]): TreeList {
  const { arena, forest } = room
  const each = addsOf(forest)
  const trees = new Uint32Array(shapes.length * 2)
  const adds = new Uint32Array(shapes.length * each * 2)
  for (const [tree, { depth }] of shapes.entries()) {
    const levels = levelsOf(depth)
    const { blocks, leaves } = blocksOf(room, forest.roots[tree]!, levels)
    trees[tree * 2] = arena.put(blocks)
    trees[tree * 2 + 1] = levels
    for (const [index, output] of outputsOf(forest, tree).entries()) {
      const table = worths(room, leaves.length)
      for (const [place, leaf] of leaves.entries()) if (leaf >= 0) table[place] = worthOf(forest, tree, leaf, output)
      addTo(room, adds, tree * each + index, arena.put(table), output)
    }
  }
  const at = arena.put(trees)
  return { at, end: at + trees.byteLength, adds: arena.put(adds) }
}

/** Levels above the blocks that hold the leaves. */
function levelsOf(depth: number): number {
  return Math.max(0, depth - BLOCK_DEPTH)
}

/** Bytes a tree takes. */
export function denseBytes({ depth }: TreeShape, worthBytes: number): number {
  return (BLOCK + worthBytes * 8) * (1 << levelsOf(depth)) + BLOCK + 192
}

/** `leaves`: by place, the node that is the leaf there; −1 where no row comes. */
function blocksOf(room: Room, root: number, levels: number): { blocks: Uint8Array; leaves: Int32Array } {
  const { forest, columns } = room
  const count = 1 << levels
  const blocks = new Uint8Array((count + 1) * BLOCK)
  const view = new DataView(blocks.buffer)
  for (let block = 0; block <= count; block++) {
    for (let node = 0; node < 7; node++) {
      view.setUint32(block * BLOCK + node * 4, room.columnsAt, true)
      view.setInt8(block * BLOCK + 32 + node, ALWAYS_LEFT)
    }
  }
  const leaves = new Int32Array(count * 8).fill(-1)
  /** `place` counts the nodes of a level of the whole tree. */
  const fill = (node: number, level: number, place: number): void => {
    if (level === levels + BLOCK_DEPTH) {
      leaves[place] = node
      return
    }
    if (forest.feature[node]! < 0) {
      fill(node, level + 1, place * 2)
      return
    }
    const inTop = level < levels
    const depth = inTop ? level : level - levels
    const block = inTop ? count : place >> depth
    const slot = (1 << depth) - 1 + (place & ((1 << depth) - 1))
    view.setUint32(block * BLOCK + slot * 4, columnAt(room, node), true)
    view.setInt8(block * BLOCK + 32 + slot, columns.cut[node]!)
    fill(forest.child[node]!, level + 1, place * 2)
    fill(forest.child[node]! + 1, level + 1, place * 2 + 1)
  }
  fill(root, 0, 0)
  return { blocks, leaves }
}
