/** Trees as `predict-sevens.as` takes them: blocks of three levels. */
import type { Forest } from '../forest.ts'
import { type Room, worthOf, worths } from './predict-room.ts'
import type { TreeShape } from './predict-shapes.ts'
import type { Slots } from './predict-slots.ts'

/** A row's bytes stay in four registers. */
export const SEVENS_SLOTS_MAX = 64
/** Trees that need more are walked node by node: what lies outside the processor's cache is no faster. */
export const SEVENS_BYTES_MAX: number = 4 << 20
const BLOCK = 32
const WAYS = 8
const LEVELS = 3
const ALWAYS_LEFT = 127

export interface SevenTrees {
  readonly at: number
  readonly end: number
  readonly ways: number
  /** Room for the row's bytes. */
  readonly row: number
  readonly vectors: 1 | 2 | 4
}

/** Of a forest of one output. */
export function sevenTrees(room: Room, shapes: readonly TreeShape[], slots: Slots): SevenTrees {
  const { arena, forest } = room
  const trees = new Uint32Array(shapes.length * 2)
  for (const [tree, { depth }] of shapes.entries()) {
    const steps = Math.max(0, Math.ceil(depth / LEVELS) - 1)
    trees.set([putBlocks(room, slots, tree, blocksOf(forest, forest.roots[tree]!, steps)), steps], tree * 2)
  }
  const at = arena.put(trees)
  const vectors = slots.count <= 16 && !slots.less.includes(1) ? 1 : slots.count <= 32 ? 2 : 4
  return { at, end: at + trees.byteLength, ways: arena.put(waysOut()), row: arena.reserve(SEVENS_SLOTS_MAX), vectors }
}

/** Bytes a tree takes, about. */
export function sevensBytes({ thirds, lastThird }: TreeShape, worthBytes: number): number {
  return (BLOCK + worthBytes) * (1 + WAYS * (thirds - lastThird)) + WAYS * worthBytes * lastThird + 136
}

interface Block {
  /** Breadth first; −1 where there is none. */
  readonly nodes: readonly number[]
  /** Place of its first successor. */
  readonly first: number
  /** Nodes that are the leaves at its ways out; only the first where it stands for a leaf itself. */
  readonly leaves: readonly number[]
}

function putBlocks(room: Room, { slot: slotOf, less }: Slots, tree: number, blocks: readonly Block[]): number {
  const { arena, columns, forest } = room
  const bytes = new Uint8Array(blocks.length * BLOCK)
  const view = new DataView(bytes.buffer)
  const at = arena.put(bytes)
  const worth = blocks.flatMap(({ leaves }) => leaves.map(leaf => worthOf(forest, tree, leaf, 0)))
  const table = worths(room, worth.length)
  table.set(worth)
  let worthAt = arena.put(table)
  for (const [place, { nodes, first, leaves }] of blocks.entries()) {
    const from = place * BLOCK
    for (let slot = 0; slot < WAYS; slot++) {
      const node = nodes[slot] ?? -1
      view.setInt8(from + WAYS + slot, ALWAYS_LEFT)
      if (node < 0) continue
      const column = columns.column[node]!
      view.setUint8(from + slot, slotOf[column]!)
      view.setInt8(from + WAYS + slot, columns.cut[node]! - less[column]!)
      view.setUint8(from + 2 * WAYS + slot, less[column]!)
    }
    view.setUint32(from + 24, at + first * BLOCK, true)
    view.setUint32(from + 28, worthAt, true)
    worthAt += leaves.length * room.size
  }
  return at
}

/** Breadth first, the 8 successors of a block side by side, until `steps` blocks stand above. Where no row comes, the block is that of the leaf above. */
function blocksOf({ feature, child }: Forest, root: number, steps: number): Block[] {
  const tops = [{ top: root, above: 0 }]
  const blocks: Block[] = []
  for (const { top, above } of tops) {
    if (feature[top]! < 0) {
      blocks.push({ nodes: [], first: blocks.length, leaves: [top] })
      continue
    }
    const nodes: number[] = []
    let level = [top]
    for (let depth = 0; depth < LEVELS; depth++) {
      for (const node of level) nodes.push(feature[node]! < 0 ? -1 : node)
      level = level.flatMap(node => (feature[node]! < 0 ? [node, node] : [child[node]!, child[node]! + 1]))
    }
    const isLast = above === steps
    blocks.push({ nodes, first: isLast ? 0 : tops.length, leaves: isLast ? level : [] })
    if (!isLast) for (const node of level) tops.push({ top: node, above: above + 1 })
  }
  return blocks
}

/** By the answers of 7 nodes, breadth first, a bit each: where they lead. */
function waysOut(): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, answers) => {
    let node = 0
    for (let level = 0; level < LEVELS; level++) node = node * 2 + 1 + ((answers >> node) & 1)
    return node - (WAYS - 1)
  })
}
