/** Sums of a block of rows on their way from a kernel's memory to the answer. */
import type { Arena } from './shap-arena.ts'
import type { Columns } from './shap-columns.ts'
import type { KernelMemory } from './web-assembly.ts'

/** Rows worked on at once: many, so that a table is fetched from memory for many; a multiple of 16. */
export const BLOCK = 512
const FLOAT = Float32Array.BYTES_PER_ELEMENT

/** Adds the contributions of rows `from` … `from + count` (at most `BLOCK`) to their places in `out`. */
export type AddBlock = (rows: Float64Array, from: number, count: number, out: Float64Array) => void

/** Shape of the answer: `out[(row × outputs + output) × features + feature]`. */
export interface Shape {
  readonly outputs: number
  readonly features: number
}

/** Room for the bytes and the sums of a block: one row after the other, or one column and one feature (of those that are used) after the other. */
export interface BlockRoom {
  readonly bytes: number
  readonly rowStride: number
  readonly columnStride: number
  readonly sums: number
  /** Numbers from one row's sums to the next's, and from one feature's to the next's. */
  readonly sumRowStride: number
  readonly sumFeatureStride: number
}

/** @param width bytes of a row, and @param slots sums of a row. */
export function roomByRow(width: number, slots: number, rows: number, arena: Arena): BlockRoom {
  return {
    bytes: arena.reserve(rows * width),
    rowStride: width,
    columnStride: 1,
    sums: arena.reserve(rows * slots * FLOAT),
    sumRowStride: slots,
    sumFeatureStride: 1,
  }
}

export function roomByColumn(columns: number, features: number, arena: Arena): BlockRoom {
  return {
    bytes: arena.reserve(BLOCK * columns),
    rowStride: 1,
    columnStride: BLOCK,
    sums: arena.reserve(BLOCK * features * FLOAT),
    sumRowStride: 1,
    sumFeatureStride: BLOCK,
  }
}

export interface BlockAccess {
  readonly quantise: (rows: Float64Array, from: number, count: number) => void
  readonly clear: (count: number) => void
  /** Adds the sums of `count` rows to those of `output`, of rows `from` on. */
  readonly flush: (from: number, count: number, output: number, out: Float64Array) => void
}

export function accessTo(room: BlockRoom, memory: KernelMemory, columns: Columns, shape: Shape): BlockAccess {
  const bytes = new Uint8Array(memory.buffer)
  const sums = new Float32Array(memory.buffer)
  const { rowStride, columnStride, sumRowStride, sumFeatureStride } = room
  const layout = { bytes, at: room.bytes, rowStride, columnStride }
  const first = room.sums / FLOAT
  const { outputs, features } = shape
  const { used } = columns
  return {
    quantise: (rows, from, count) => columns.quantise(rows, from, count, layout),
    clear(count) {
      if (sumRowStride > 1) sums.fill(0, first, first + count * sumRowStride)
      else for (let at = first; at < first + used.length * BLOCK; at += BLOCK) sums.fill(0, at, at + count)
    },
    flush(from, count, output, out) {
      for (let place = 0; place < used.length; place++) {
        let source = first + place * sumFeatureStride
        let target = (from * outputs + output) * features + used[place]!
        for (let row = 0; row < count; row++) {
          out[target]! += sums[source]!
          source += sumRowStride
          target += outputs * features
        }
      }
    },
  }
}
