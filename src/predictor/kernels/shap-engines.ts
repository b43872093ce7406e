/** The kernels at work: each engine places what it needs in the arena, then, with the memory, adds blocks of rows. */
import type { Quadrature } from '../../math/gauss-legendre.ts'
import type { Forest } from '../forest.ts'
import type { Arena } from './shap-arena.ts'
import { type AddBlock, accessTo, BLOCK, roomByColumn, roomByRow, type Shape } from './shap-block.ts'
import { type BranchLayout, placeTree } from './shap-branches.ts'
import {
  CHUNK_BYTES,
  encodeChunks,
  encodeFarColumns,
  encodePairSlots,
  encodePairs,
  encodeTests,
  PAIR_BYTES,
  type PlacedChunk,
  placeTables,
  STRETCH_MAX,
  type Stretch,
  TESTS_BYTES,
} from './shap-chunk-memory.ts'
import type { Columns } from './shap-columns.ts'
import type { ShapKernels } from './shap-kernels.ts'
import { frameBytes, type ScalarTree, type TabledTree } from './shap-plan.ts'
import { SLOTS } from './shap-tables.ts'
import type { KernelMemory } from './web-assembly.ts'

/** What engines share: the forest, its columns, and quadratures by number of features on a path. */
export interface Setting {
  readonly forest: Forest
  readonly columns: Columns
  readonly shares: Float64Array
  readonly shape: Shape
  readonly rules: (features: number) => Quadrature
  readonly kernels: ShapKernels
}

/** Ready once there is memory. */
export type Placed = (memory: KernelMemory) => AddBlock

/** Columns that a row may have where it is held in registers. */
const REGISTER_COLUMNS = 64
/** Pairs of chunks whose tables stay in the second-level cache while a block of rows is worked on: 128 kB. */
const PAIRS_AT_ONCE = 16
/** Pairs whose table rows the single-row kernel finds ahead. */
const PAIRS_AHEAD = 32
/** Chunks whose patterns are read at once. */
const CHUNKS_AT_ONCE = 64

/** 16 columns each. */
function vectorsOf(columns: Columns): number {
  return columns.count <= 16 ? 1 : columns.count <= 32 ? 2 : 4
}

/** The engine for tables that suits a forest. */
export function tableEngine({ columns }: Setting): typeof directEngine {
  if (columns.used.length > SLOTS) return scatteredEngine
  return columns.count <= REGISTER_COLUMNS ? directEngine : farEngine
}

/** At most 8 features, in few columns. */
function directEngine({ columns, shape, rules, kernels }: Setting, trees: readonly TabledTree[], arena: Arena): Placed {
  const vectors = vectorsOf(columns)
  const room = roomByRow(vectors * 16, SLOTS, BLOCK, arena)
  const masked = Math.max(0, ...columns.isBits)
  const { chunks, stretches } = placeTables(trees, columns.place, true, rules, arena)
  const pairs = arena.put(encodePairs(chunks))
  return memory => {
    const { addDirect } = kernels.direct(memory)
    const { quantise, clear, flush } = accessTo(room, memory, columns, shape)
    return (rows, from, count, out) => {
      quantise(rows, from, count)
      for (const stretch of stretches) {
        clear(count)
        const end = stretch.to / 2
        const step = count === 1 ? STRETCH_MAX : PAIRS_AT_ONCE
        for (let pair = stretch.from / 2; pair < end; pair += step) {
          const last = Math.min(end, pair + step)
          addDirect(room.bytes, vectors, masked, count, pairs + pair * PAIR_BYTES, pairs + last * PAIR_BYTES, room.sums)
        }
        flush(from, count, stretch.output, out)
      }
    }
  }
}

/** At most 8 features, in any number of columns. */
function farEngine({ columns, shape, rules, kernels }: Setting, trees: readonly TabledTree[], arena: Arena): Placed {
  const alone = roomByRow(columns.count, SLOTS, 1, arena)
  const bytes = arena.reserve(BLOCK * columns.count)
  const sums = arena.reserve(BLOCK * SLOTS * 4)
  const room = { bytes, rowStride: 1, columnStride: BLOCK, sums, sumRowStride: SLOTS, sumFeatureStride: 1 }
  const { chunks, stretches } = placeTables(trees, columns.place, true, rules, arena)
  const pairs = arena.put(encodePairs(chunks))
  const far = arena.put(encodeFarColumns(chunks))
  const tests = arena.put(encodeTests(chunks, BLOCK))
  const tables = arena.put(encodeChunks(chunks, 0))
  const patterns = arena.reserve(CHUNKS_AT_ONCE * BLOCK)
  return memory => {
    const { addFar } = kernels.direct(memory)
    const { readPatterns, addTogether } = kernels.scattered(memory)
    const one = accessTo(alone, memory, columns, shape)
    const many = accessTo(room, memory, columns, shape)
    return (rows, from, count, out) => {
      const { quantise, clear, flush } = count === 1 ? one : many
      const padded = Math.ceil(count / 16) * 16
      quantise(rows, from, count)
      for (const { output, from: first, to } of stretches) {
        clear(count)
        if (count === 1) {
          const at = pairs + (first / 2) * PAIR_BYTES
          addFar(alone.bytes, at, pairs + (to / 2) * PAIR_BYTES, far + first * 16, alone.sums)
        }
        for (let chunk = first; chunk < to && count > 1; chunk += CHUNKS_AT_ONCE) {
          const last = Math.min(to, chunk + CHUNKS_AT_ONCE)
          readPatterns(bytes, padded, BLOCK, tests + chunk * TESTS_BYTES, tests + last * TESTS_BYTES, patterns)
          addTogether(patterns, count, BLOCK, tables + chunk * CHUNK_BYTES, tables + last * CHUNK_BYTES, sums)
        }
        flush(from, count, output, out)
      }
    }
  }
}

/** Any number of features and columns. */
function scatteredEngine(setting: Setting, trees: readonly TabledTree[], arena: Arena): Placed {
  const { columns, shape, rules, kernels } = setting
  const room = roomByColumn(columns.count, columns.used.length, arena)
  const { chunks, stretches } = placeTables(trees, columns.place, false, rules, arena)
  const tests = arena.put(encodeTests(chunks, BLOCK))
  const tables = arena.put(encodeChunks(chunks, BLOCK * 4))
  const patterns = arena.reserve(CHUNKS_AT_ONCE * BLOCK)
  const one = singleEngine(setting, chunks, stretches, arena)
  return memory => {
    const { readPatterns, addScattered } = kernels.scattered(memory)
    const { quantise, clear, flush } = accessTo(room, memory, columns, shape)
    const addOne = one(memory)
    return (rows, from, count, out) => {
      if (count === 1) {
        addOne(rows, from, count, out)
        return
      }
      const padded = Math.ceil(count / 16) * 16
      quantise(rows, from, count)
      for (const { output, from: first, to } of stretches) {
        clear(padded)
        for (let chunk = first; chunk < to; chunk += CHUNKS_AT_ONCE) {
          const last = Math.min(to, chunk + CHUNKS_AT_ONCE)
          readPatterns(room.bytes, padded, BLOCK, tests + chunk * TESTS_BYTES, tests + last * TESTS_BYTES, patterns)
          addScattered(patterns, padded, BLOCK, tables + chunk * CHUNK_BYTES, tables + last * CHUNK_BYTES, room.sums)
        }
        flush(from, count, output, out)
      }
    }
  }
}

/** One row alone, by the same tables. Two sums a feature: one for each chunk of a pair, so that neither waits for the other. */
function singleEngine(
  { columns, shape, kernels }: Setting,
  chunks: readonly PlacedChunk[],
  stretches: readonly Stretch[],
  arena: Arena,
): Placed {
  const vectors = columns.count <= REGISTER_COLUMNS ? vectorsOf(columns) : 0
  // Slots that a chunk has not are added to sums that nobody reads.
  const slots = Math.ceil((columns.used.length + SLOTS) / 4) * 4
  const room = roomByRow(Math.max(64, columns.count), slots, 2, arena)
  const pairs = arena.put(encodePairs(chunks))
  const places = arena.put(encodePairSlots(chunks, columns.used.length))
  const found = arena.reserve(PAIRS_AHEAD * 8)
  const far = vectors === 0 ? arena.put(encodeFarColumns(chunks)) : 0
  return memory => {
    const { addOne } = kernels.direct(memory)
    const { quantise, clear, flush } = accessTo(room, memory, columns, shape)
    return (rows, from, _count, out) => {
      quantise(rows, from, 1)
      for (const stretch of stretches) {
        clear(2)
        const pair = stretch.from / 2
        const end = pairs + (stretch.to / 2) * PAIR_BYTES
        addOne(
          room.bytes,
          vectors,
          pairs + pair * PAIR_BYTES,
          end,
          places + pair * 32,
          room.sums,
          slots * 4,
          found,
          far + pair * 32,
        )
        flush(from, 1, stretch.output, out)
      }
    }
  }
}

export function quadratureEngine(setting: Setting, trees: readonly ScalarTree[], arena: Arena): Placed {
  const { columns, shape, rules, kernels } = setting
  const room = roomByColumn(columns.count, columns.used.length, arena)
  const frames = arena.reserve(trees.reduce((most, tree) => Math.max(most, frameBytes(tree)), 0))
  const always = arena.put(new Int32Array(4).fill(-1))
  const layout: BranchLayout = { ...setting, columnStride: BLOCK, sumStride: BLOCK * 4, frames, always }
  const placed = trees.map(tree => placeTree(layout, tree, rules(2 * tree.points), arena))
  return memory => {
    const { begin, addByQuadrature } = kernels.quadrature(memory)
    const { quantise, clear, flush } = accessTo(room, memory, columns, shape)
    return (rows, from, count, out) => {
      const padded = Math.ceil(count / 4) * 4
      quantise(rows, from, count)
      clear(padded)
      let nodes = 0
      for (const [index, { output, starts, startsEnd, branches, twigs, end, points }] of placed.entries()) {
        begin(starts, startsEnd)
        addByQuadrature(room.bytes, padded, branches, twigs, end, points, room.sums)
        nodes += trees[index]!.inner
        if (placed[index + 1]?.output === output && nodes < NODES_IN_FLOAT32) continue
        nodes = 0
        flush(from, count, output, out)
        clear(padded)
      }
    }
  }
}

/** Nodes summed in float32 before the sums move to float64: some 30 trees of depth 6. */
const NODES_IN_FLOAT32 = 2000
