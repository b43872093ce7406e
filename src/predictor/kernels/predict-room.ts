/** What the layouts of trees share: where columns and sums stand in a kernel's memory, and what leaves are worth. */
import type { Forest } from '../forest.ts'
import type { Columns } from './predict-columns.ts'
import type { Arena } from './shap-arena.ts'

/** Rows worked on at once: a column is as many bytes, the sums of an output as many numbers. */
export const ROWS = 64

export interface Room {
  readonly arena: Arena
  readonly forest: Forest
  readonly columns: Columns
  readonly columnsAt: number
  readonly sumsAt: number
  /** Bytes of a sum, and of what a leaf is worth: 4 or 8. */
  readonly size: 4 | 8
}

/** Trees as a kernel takes them. */
export interface TreeList {
  readonly at: number
  readonly end: number
  readonly adds: number
}

export function roomOf(forest: Forest, columns: Columns, arena: Arena): Room {
  const size = forest.precision === 'float32' ? 4 : 8
  const columnsAt = arena.reserve(
    // first: kernels know the address
    Math.max(columns.count, 1) * ROWS,
  )
  const sumsAt = arena.reserve(forest.base.length * ROWS * size)
  return { arena, forest, columns, columnsAt, sumsAt, size }
}

/** Outputs that a tree adds to: one, or all. */
export function outputsOf({ groups, base }: Forest, tree: number): number[] {
  return groups === undefined ? Array.from(base, (_, output) => output) : [groups[tree]!]
}

/** Sums that each tree adds to. */
export function addsOf({ groups, base }: Forest): number {
  return groups === undefined ? base.length : 1
}

/** As the scalar path has it: what a leaf adds to an output. */
export function worthOf(
  { value, child, weights, leafVectors }: Forest,
  tree: number,
  leaf: number,
  output: number,
): number {
  const worth = leafVectors === undefined ? value[leaf]! : leafVectors[child[leaf]! + output]!
  return weights === undefined ? worth : worth * weights[tree]!
}

/** Numbers in the precision of the sums. */
export function worths({ size }: Room, length: number): Float32Array | Float64Array {
  return size === 4 ? new Float32Array(length) : new Float64Array(length)
}

/** The pair of addresses by which a kernel adds a table to the sums of an output. */
export function addTo(room: Room, adds: Uint32Array, place: number, table: number, output: number): void {
  adds[place * 2] = table
  adds[place * 2 + 1] = room.sumsAt + output * ROWS * room.size
}

export function columnAt({ columns, columnsAt }: Room, node: number): number {
  return columnsAt + columns.column[node]! * ROWS
}
