/** One way of computing a forest's sums in WebAssembly, at work on a memory of its own. */
import type { Forest } from '../forest.ts'
import type { Columns } from './predict-columns.ts'
import { DENSE_DEPTH_MAX, denseBytes, denseTrees } from './predict-dense-trees.ts'
import { type PredictKernels, predictKernels } from './predict-kernels.ts'
import { type Quantiser, quantiserBytes, quantiserOf } from './predict-quantiser.ts'
import { addsOf, ROWS, type Room, roomOf } from './predict-room.ts'
import { SEVENS_BYTES_MAX, SEVENS_SLOTS_MAX, sevensBytes, sevenTrees } from './predict-seven-trees.ts'
import type { TreeShape } from './predict-shapes.ts'
import { type Slots, slotsOf } from './predict-slots.ts'
import { SPARSE_LEAVES_MAX, sparseBytes, sparseTrees } from './predict-sparse-trees.ts'
import { WALK_COLUMNS_MAX, type WalkTrees, walkBytes, walkTrees } from './predict-walk-trees.ts'
import { Arena } from './shap-arena.ts'
import type { KernelMemory } from './web-assembly.ts'

/** Dense: whole trees of depth 6 or less. Sparse: trees of at most 256 leaves. Walk: any trees. */
export type EngineKind = 'dense' | 'sparse' | 'walk'

export interface PredictEngine {
  readonly kind: EngineKind
  readonly bytes: number
  /** Writes the sums of at most 64 rows, from row `from` on, to the same rows of `out`. */
  block(rows: Float64Array, from: number, count: number, out: Float64Array): void
  /** Those of a single row. */
  one(rows: Float64Array, from: number, out: Float64Array): void
}

export function suits(kind: EngineKind, shapes: readonly TreeShape[], columns: Columns): boolean {
  if (kind === 'dense') return shapes.every(({ depth }) => depth <= DENSE_DEPTH_MAX)
  return (
    columns.count <= WALK_COLUMNS_MAX && (kind === 'walk' || shapes.every(({ leaves }) => leaves <= SPARSE_LEAVES_MAX))
  )
}

/** Bytes that an engine takes, about. */
export function engineBytes(kind: EngineKind, forest: Forest, shapes: readonly TreeShape[], columns: Columns): number {
  const size = forest.precision === 'float32' ? 4 : 8
  const worth = size * addsOf(forest)
  const own = { dense: denseBytes, sparse: sparseBytes, walk: walkBytes }[kind]
  const alone =
    slotsForSevens(forest, columns, shapes) !== undefined ? sevensBytes : kind === 'walk' ? () => 0 : walkBytes
  const trees = shapes.reduce((sum, shape) => sum + own(shape, worth) + alone(shape, worth), 0)
  return trees + quantiserBytes(columns, forest.features.length, size) + forest.base.length * ROWS * size
}

/** Single rows are walked, whatever computes blocks. `undefined` where WebAssembly is not to be had. */
export function startEngine(
  kind: EngineKind,
  forest: Forest,
  shapes: readonly TreeShape[],
  columns: Columns,
): PredictEngine | undefined {
  const arena = new Arena()
  const room = roomOf(forest, columns, arena)
  const slots = slotsForSevens(forest, columns, shapes)
  const quantiser = quantiserOf(room, slots)
  const run = runnerOf(kind, room, shapes, slots, quantiser)
  let memory: KernelMemory | undefined
  const kernels = predictKernels(() => {
    memory = arena.memory()
    return memory
  })
  if (kernels === undefined || memory === undefined) return undefined
  const width = forest.features.length
  const given = new Float64Array(memory.buffer, quantiser.rowsAt, ROWS * width)
  const sums = sumsIn(memory, room)
  const { base } = forest
  return {
    kind,
    bytes: memory.buffer.byteLength,
    block(rows, from, count, out) {
      given.set(rows.subarray(from * width, (from + count) * width))
      for (let output = 0; output < base.length; output++) sums.fill(base[output]!, output * ROWS, (output + 1) * ROWS)
      quantiser.quantise(kernels, count)
      run.block(kernels)
      let at = from * base.length
      for (let row = 0; row < count; row++) {
        for (let output = 0; output < base.length; output++) out[at++] = sums[output * ROWS + row]!
      }
    },
    one(rows, from, out) {
      for (let feature = 0; feature < width; feature++) given[feature] = rows[from * width + feature]!
      for (let output = 0; output < base.length; output++) sums[output * ROWS] = base[output]!
      run.one(kernels, sums)
      for (let output = 0; output < base.length; output++) out[from * base.length + output] = sums[output * ROWS]!
    },
  }
}

function sumsIn({ buffer }: KernelMemory, { sumsAt, size, forest }: Room): Float32Array | Float64Array {
  const length = forest.base.length * ROWS
  return size === 4 ? new Float32Array(buffer, sumsAt, length) : new Float64Array(buffer, sumsAt, length)
}

interface Runner {
  block(kernels: PredictKernels): void
  /** Adds a single row, which stands where rows are put, to the first of the sums of each output. */
  readonly one: Alone
}

/** Forests of one output and few columns walk a single row by blocks of nodes; others, `undefined`, node by node. */
function slotsForSevens(
  { base, precision }: Forest,
  columns: Columns,
  shapes: readonly TreeShape[],
): Slots | undefined {
  if (base.length !== 1 || columns.count > 2 * SEVENS_SLOTS_MAX) return undefined
  const bytes = shapes.reduce((sum, shape) => sum + sevensBytes(shape, precision === 'float32' ? 4 : 8), 0)
  const slots = slotsOf(columns)
  return slots.count <= SEVENS_SLOTS_MAX && bytes <= SEVENS_BYTES_MAX ? slots : undefined
}

function runnerOf(
  kind: EngineKind,
  room: Room,
  shapes: readonly TreeShape[],
  slots: Slots | undefined,
  quantiser: Quantiser,
): Runner {
  const { arena, forest, columnsAt } = room
  const addsBytes = addsOf(forest) * 8
  const double = Number(room.size === 8)
  const scratch = arena.reserve(8 * ROWS)
  const walk = kind === 'walk' || slots === undefined ? walkTrees(room, shapes) : undefined
  const one = slots === undefined ? byNodes(room, walk!, quantiser) : bySevens(room, shapes, slots, quantiser)
  if (kind === 'dense') {
    const trees = denseTrees(room, shapes)
    return { one, block: k => k.predictDense(trees.at, trees.end, trees.adds, addsBytes, scratch, double) }
  }
  if (kind === 'sparse') {
    const trees = sparseTrees(room, shapes)
    return { one, block: k => k.predictSparse(trees.at, trees.end, trees.adds, addsBytes, double) }
  }
  const { at, end, adds } = walk!
  return { one, block: k => k.predictWalk(at, end, adds, addsBytes, columnsAt, scratch, double) }
}

type Alone = (kernels: PredictKernels, sums: Float32Array | Float64Array) => void

function bySevens(room: Room, shapes: readonly TreeShape[], slots: Slots, quantiser: Quantiser): Alone {
  const { at, end, row, vectors, ways } = sevenTrees(room, shapes, slots)
  const single = room.size === 4
  return (kernels, sums) => {
    quantiser.quantiseOne(kernels, row)
    const sum = single ? kernels.sevensSingle : kernels.sevensDouble
    sums[0] = sum(at, end, row, vectors, ways, sums[0]!)
  }
}

function byNodes(room: Room, { one }: WalkTrees, quantiser: Quantiser): Alone {
  const addsBytes = addsOf(room.forest) * 8
  const double = Number(room.size === 8)
  return kernels => {
    quantiser.quantise(kernels, 1)
    kernels.predictOne(one.at, one.end, one.adds, addsBytes, double)
  }
}
