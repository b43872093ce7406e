/** One way of computing a forest's sums in WebAssembly, at work on a memory of its own. */
import type { Forest } from '../forest.ts'
import type { Columns } from './predict-columns.ts'
import { DENSE_DEPTH_MAX, denseBytes, denseTrees } from './predict-dense-trees.ts'
import { type PredictKernels, predictKernels } from './predict-kernels.ts'
import { quantiserBytes, quantiserOf } from './predict-quantiser.ts'
import { addsOf, ROWS, type Room, roomOf } from './predict-room.ts'
import type { TreeShape } from './predict-shapes.ts'
import { SPARSE_LEAVES_MAX, sparseBytes, sparseTrees } from './predict-sparse-trees.ts'
import { WALK_COLUMNS_MAX, walkBytes, walkTrees } from './predict-walk-trees.ts'
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
  const own = { dense: denseBytes, sparse: sparseBytes, walk: () => 0 }[kind]
  const trees = shapes.reduce((sum, shape) => sum + own(shape, worth) + walkBytes(shape, worth), 0)
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
  const quantiser = quantiserOf(room)
  const run = runnerOf(kind, room, shapes)
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
    bytes: arena.size,
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
      quantiser.quantise(kernels, 1)
      if (base.length === 1) {
        out[from] = run.sum(kernels, base[0]!)
        return
      }
      for (let output = 0; output < base.length; output++) sums[output * ROWS] = base[output]!
      run.one(kernels)
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
  one(kernels: PredictKernels): void
  /** In a forest of one output: the sum of the row, from `base` on. */
  sum(kernels: PredictKernels, base: number): number
}

function runnerOf(kind: EngineKind, room: Room, shapes: readonly TreeShape[]): Runner {
  const { arena, forest, columnsAt } = room
  const addsBytes = addsOf(forest) * 8
  const double = Number(room.size === 8)
  const scratch = arena.reserve(8 * ROWS)
  const walk = walkTrees(room, shapes)
  const { at, end, adds } = walk.one
  const alone: Omit<Runner, 'block'> = {
    one: k => k.predictOne(at, end, adds, addsBytes, double),
    sum: (k, base) =>
      double === 1 ? k.sumOneDouble(at, end, walk.apart, base) : k.sumOneSingle(at, end, walk.apart, base),
  }
  if (kind === 'dense') {
    const trees = denseTrees(room, shapes)
    return { ...alone, block: k => k.predictDense(trees.at, trees.end, trees.adds, addsBytes, scratch, double) }
  }
  if (kind === 'sparse') {
    const trees = sparseTrees(room, shapes)
    return { ...alone, block: k => k.predictSparse(trees.at, trees.end, trees.adds, addsBytes, double) }
  }
  return { ...alone, block: k => k.predictWalk(walk.at, walk.end, walk.adds, addsBytes, columnsAt, scratch, double) }
}
