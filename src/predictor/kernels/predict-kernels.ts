/** The functions of the prediction kernels. Arguments that are addresses or sizes are in bytes; `count` and `rows` are rows. */
import { wasm as categoriesWasm } from './predict-categories-wasm.ts'
import { wasm as denseWasm } from './predict-dense-wasm.ts'
import { wasm as quantiseWasm } from './predict-quantise-wasm.ts'
import { wasm as sevensWasm } from './predict-sevens-wasm.ts'
import { wasm as sparseWasm } from './predict-sparse-wasm.ts'
import { wasm as walkWasm } from './predict-walk-wasm.ts'
import { compileKernel, type KernelMemory, startKernel } from './web-assembly.ts'

type Quantise = (
  rows: number,
  width: number,
  count: number,
  axes: number,
  end: number,
  ranks: number,
  zeros: number,
  zeroMax: number,
) => void

interface QuantiseKernel {
  readonly quantiseSingle: Quantise
  readonly quantiseDouble: Quantise
  quantiseOneSingle(rows: number, axes: number, end: number, into: number, zeroMax: number): void
  quantiseOneDouble(rows: number, axes: number, end: number, into: number, zeroMax: number): void
}

interface CategoriesKernel {
  classify(rows: number, width: number, count: number, features: number, end: number, single: number): void
  lookUp(count: number, sets: number, end: number): void
  gather(from: number, end: number, into: number): void
}

interface DenseKernel {
  predictDense(trees: number, end: number, adds: number, addsBytes: number, scratch: number, double: number): void
}

interface SparseKernel {
  predictSparse(trees: number, end: number, adds: number, addsBytes: number, double: number): void
}

interface WalkKernel {
  predictWalk(
    trees: number,
    end: number,
    adds: number,
    addsBytes: number,
    columns: number,
    scratch: number,
    double: number,
  ): void
  predictOne(trees: number, end: number, adds: number, addsBytes: number, double: number): void
}

type Sevens = (trees: number, end: number, row: number, vectors: number, ways: number, sum: number) => number

interface SevensKernel {
  readonly sevensSingle: Sevens
  readonly sevensDouble: Sevens
}

export type PredictKernels = SevensKernel & QuantiseKernel & CategoriesKernel & DenseKernel & SparseKernel & WalkKernel

const KERNELS = [quantiseWasm, categoriesWasm, denseWasm, sparseWasm, walkWasm, sevensWasm]

/** All functions at work on a memory. `undefined` where WebAssembly with SIMD, or the memory, is not to be had. */
export function predictKernels(memory: () => KernelMemory): PredictKernels | undefined {
  const kernels = KERNELS.map(compileKernel)
  try {
    const room = memory()
    const functions = kernels.map(kernel => (kernel === undefined ? undefined : startKernel<object>(kernel, room)))
    return functions.includes(undefined) ? undefined : (Object.assign({}, ...functions) as PredictKernels)
  } catch {
    return undefined // no memory of this size
  }
}
