/** Chunks and their tables as the kernels read them. */
import type { Quadrature } from '../../math/gauss-legendre.ts'
import type { Arena } from './shap-arena.ts'
import { type Chunk, TESTS_MAX } from './shap-chunks.ts'
import type { Test } from './shap-columns.ts'
import type { TabledTree } from './shap-plan.ts'
import { fillTable, SLOTS, slotsOf, tableLength } from './shap-tables.ts'

/** A chunk, the address of its table, and the place of each slot's feature among the sums. */
export interface PlacedChunk {
  readonly tests: readonly Test[]
  readonly table: number
  readonly slots: readonly number[]
}

/** A stretch of what a kernel works on that adds to one output, short enough to be summed in float32. */
export interface Stretch {
  readonly output: number
  readonly from: number
  readonly to: number
}

/** Chunks summed in float32 before the sums move to float64: some 30 trees of depth 6. */
export const STRETCH_MAX = 512

/** Bytes of the description of a pair of chunks (`shap-direct` reads it). */
export const PAIR_BYTES = 80
/** Bytes of the tests of a chunk, and of what is known of its table (`shap-scattered` reads them). */
export const TESTS_BYTES = 64
export const CHUNK_BYTES = 48

/**
 * @param place by feature, where its sum is among the sums.
 * @param direct whether slot i of every table is the feature at place i.
 */
export function placeTables(
  trees: readonly TabledTree[],
  place: Int32Array,
  direct: boolean,
  rules: (features: number) => Quadrature,
  arena: Arena,
): { readonly chunks: PlacedChunk[]; readonly stretches: Stretch[] } {
  const chunks: PlacedChunk[] = []
  const stretches: Stretch[] = []
  const nothing = arena.reserve(SLOTS * Float32Array.BYTES_PER_ELEMENT)
  let from = 0
  const close = (output: number): void => {
    if (chunks.length === from) return
    if (chunks.length % 2 === 1) chunks.push({ tests: [], table: nothing, slots: [] })
    stretches.push({ output, from, to: chunks.length })
    from = chunks.length
  }
  for (const [index, tree] of trees.entries()) {
    for (const chunk of tree.chunks) chunks.push(placeTable(chunk, tree, place, direct, rules, arena))
    const next = trees[index + 1]
    if (next?.output !== tree.output || chunks.length - from >= STRETCH_MAX) close(tree.output)
  }
  return { chunks, stretches }
}

function placeTable(
  chunk: Chunk,
  { worth }: TabledTree,
  place: Int32Array,
  direct: boolean,
  rules: (features: number) => Quadrature,
  arena: Arena,
): PlacedChunk {
  const slots = slotsOf(chunk)
  const table = new Float32Array(tableLength(chunk))
  fillTable(chunk, worth, direct ? feature => place[feature]! : feature => slots.indexOf(feature), rules, table)
  return { tests: chunk.tests, table: arena.put(table), slots: slots.map(feature => place[feature]!) }
}

/**
 * A byte b passes where ((b and mask) − low) mod 256 < width. The processor compares signed bytes with one instruction and unsigned
 * ones with three, so both sides are moved by 128. The tests that a chunk has not are never passed.
 */
export function signed({ low, width }: Test): readonly [number, number] {
  return [low + 128, width - 128]
}

/** By pair: 16 columns (where they are below 64), 16 lows, 16 widths, 16 masks (bytes), the addresses of two tables. */
export function encodePairs(chunks: readonly PlacedChunk[]): Uint8Array {
  const out = new DataView(new ArrayBuffer((chunks.length / 2) * PAIR_BYTES))
  for (const [index, { tests, table }] of chunks.entries()) {
    const pair = (index >> 1) * PAIR_BYTES
    const half = index % 2
    for (let bit = 0; bit < TESTS_MAX; bit++) {
      const test = tests[bit] ?? NEVER
      const [low, width] = signed(test)
      out.setUint8(pair + half * TESTS_MAX + bit, test.column)
      out.setUint8(pair + 16 + half * TESTS_MAX + bit, low)
      out.setInt8(pair + 32 + half * TESTS_MAX + bit, width)
      out.setUint8(pair + 48 + half * TESTS_MAX + bit, test.mask)
    }
    out.setUint32(pair + 64 + half * 4, table, true)
  }
  return new Uint8Array(out.buffer)
}

const NEVER: Test = { column: 0, mask: 0, low: 0, width: 0 }

/** By pair: where the sums of each slot's feature are, from the start of the sums, as 16 numbers of 16 bits. */
export function encodePairSlots(chunks: readonly PlacedChunk[], places: number): Uint16Array {
  return Uint16Array.from(
    chunks.flatMap(({ slots }) => Array.from({ length: SLOTS }, (_, slot) => (slots[slot] ?? places + slot) * 4)),
  )
}

/** By pair: its 16 columns, as numbers of 16 bits. */
export function encodeFarColumns(chunks: readonly PlacedChunk[]): Uint16Array {
  return Uint16Array.from(
    chunks.flatMap(({ tests }) => Array.from({ length: TESTS_MAX }, (_, bit) => tests[bit]?.column ?? 0)),
  )
}

/** By chunk: 8 tests of 8 bytes: where the column is (from the start of the bytes), low, width, mask. */
export function encodeTests(chunks: readonly PlacedChunk[], columnStride: number): Uint8Array {
  const out = new DataView(new ArrayBuffer(chunks.length * TESTS_BYTES))
  for (const [index, { tests }] of chunks.entries()) {
    for (let bit = 0; bit < TESTS_MAX; bit++) {
      const test = tests[bit] ?? NEVER
      const [low, width] = signed(test)
      const at = index * TESTS_BYTES + bit * 8
      out.setUint32(at, test.column * columnStride, true)
      out.setUint8(at + 4, low)
      out.setInt8(at + 5, width)
      out.setUint8(at + 6, test.mask)
    }
  }
  return new Uint8Array(out.buffer)
}

/** By chunk: the address of its table, the number of slots, where the sums of each slot's feature are. */
export function encodeChunks(chunks: readonly PlacedChunk[], sumStride: number): Uint8Array {
  const out = new DataView(new ArrayBuffer(chunks.length * CHUNK_BYTES))
  for (const [index, { table, slots }] of chunks.entries()) {
    const at = index * CHUNK_BYTES
    out.setUint32(at, table, true)
    out.setUint32(at + 4, slots.length, true)
    for (const [slot, place] of slots.entries()) out.setUint32(at + 8 + slot * 4, place * sumStride, true)
  }
  return new Uint8Array(out.buffer)
}
