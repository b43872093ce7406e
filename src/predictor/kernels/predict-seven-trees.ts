/** Trees as `predict-sevens.as` takes them: blocks of three levels. */
import type { Forest } from '../forest.ts'
import { type Room, worthOf } from './predict-room.ts'
import type { TreeShape } from './predict-shapes.ts'

/** A row's bytes stay in four registers. */
export const SEVENS_COLUMNS_MAX = 64
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
export function sevenTrees(room: Room, shapes: readonly TreeShape[]): SevenTrees {
  const { arena, forest, columns } = room
  const trees = new Uint32Array(shapes.length * 2)
  for (const [tree, { depth }] of shapes.entries()) {
    const blocks = blocksOf(forest, forest.roots[tree]!)
    const bytes = new Uint8Array(blocks.length * BLOCK)
    const at = arena.put(bytes)
    trees.set([at, Math.ceil(depth / LEVELS)], tree * 2)
    const view = new DataView(bytes.buffer)
    for (const [place, { nodes, first, leaf }] of blocks.entries()) {
      for (let slot = 0; slot < WAYS; slot++) {
        const node = nodes[slot] ?? -1
        view.setUint8(place * BLOCK + slot, node < 0 ? 0 : columns.column[node]!)
        view.setInt8(place * BLOCK + WAYS + slot, node < 0 ? ALWAYS_LEFT : columns.cut[node]!)
      }
      view.setUint32(place * BLOCK + 16, at + (leaf < 0 ? first : place) * BLOCK, true)
      view.setFloat64(place * BLOCK + 24, leaf < 0 ? 0 : worthOf(forest, tree, leaf, 0), true)
    }
  }
  const at = arena.put(trees)
  const vectors = columns.count <= 16 ? 1 : columns.count <= 32 ? 2 : 4
  return { at, end: at + trees.byteLength, ways: arena.put(waysOut()), row: arena.reserve(SEVENS_COLUMNS_MAX), vectors }
}

/** Bytes a tree takes. */
export function sevensBytes({ thirds }: TreeShape): number {
  return BLOCK * (1 + WAYS * thirds) + 72
}

interface Block {
  /** Breadth first; −1 where there is none. */
  readonly nodes: readonly number[]
  /** Place of its first successor. */
  readonly first: number
  /** The node, where it is a leaf; else −1. */
  readonly leaf: number
}

/** Breadth first, the 8 successors of a block side by side. Where no row comes, the block is that of the leaf above. */
function blocksOf({ feature, child }: Forest, root: number): Block[] {
  const tops = [root]
  const blocks: Block[] = []
  for (const top of tops) {
    if (feature[top]! < 0) {
      blocks.push({ nodes: [], first: 0, leaf: top })
      continue
    }
    const first = tops.length
    const nodes: number[] = []
    let level = [top]
    for (let depth = 0; depth < LEVELS; depth++) {
      for (const node of level) nodes.push(feature[node]! < 0 ? -1 : node)
      level = level.flatMap(node => (feature[node]! < 0 ? [node, node] : [child[node]!, child[node]! + 1]))
    }
    tops.push(...level)
    blocks.push({ nodes, first, leaf: -1 })
  }
  return blocks
}

/** By the answers of 7 nodes, breadth first, a bit each: where they lead, times the size of a block. */
function waysOut(): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, answers) => {
    let node = 0
    for (let level = 0; level < LEVELS; level++) node = node * 2 + 1 + ((answers >> node) & 1)
    return (node - (WAYS - 1)) * BLOCK
  })
}
