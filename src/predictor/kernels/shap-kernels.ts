/** The functions of the explanation kernels. Arguments that are addresses or sizes are in bytes, but `rows`, `points`. */
import { wasm as directWasm } from './shap-direct-wasm.ts'
import { wasm as quadratureWasm } from './shap-quadrature-wasm.ts'
import { wasm as scatteredWasm } from './shap-scattered-wasm.ts'
import { compileKernel, type KernelMemory, startKernel } from './web-assembly.ts'

export interface DirectKernel {
  addDirect(
    bytes: number,
    vectors: number,
    masked: number,
    rows: number,
    pairs: number,
    end: number,
    sums: number,
  ): void
  addFar(bytes: number, pairs: number, end: number, columns: number, sums: number): void
  addOne(
    bytes: number,
    vectors: number,
    pairs: number,
    end: number,
    places: number,
    sums: number,
    apart: number,
    found: number,
    columns: number,
  ): void
}

export interface ScatteredKernel {
  readPatterns(bytes: number, rows: number, stride: number, tests: number, end: number, patterns: number): void
  addScattered(patterns: number, rows: number, stride: number, chunks: number, end: number, sums: number): void
  addTogether(patterns: number, rows: number, stride: number, chunks: number, end: number, sums: number): void
}

export interface QuadratureKernel {
  begin(starts: number, end: number): void
  addByQuadrature(
    bytes: number,
    rows: number,
    branches: number,
    twigs: number,
    end: number,
    points: number,
    sums: number,
  ): void
}

export interface ShapKernels {
  readonly direct: (memory: KernelMemory) => DirectKernel
  readonly scattered: (memory: KernelMemory) => ScatteredKernel
  readonly quadrature: (memory: KernelMemory) => QuadratureKernel
}

/** `undefined` where WebAssembly with SIMD is not to be had. */
export function shapKernels(): ShapKernels | undefined {
  const direct = compileKernel(directWasm)
  const scattered = compileKernel(scatteredWasm)
  const quadrature = compileKernel(quadratureWasm)
  if (direct === undefined || scattered === undefined || quadrature === undefined) return undefined
  return {
    direct: memory => startKernel<DirectKernel>(direct, memory),
    scattered: memory => startKernel<ScatteredKernel>(scattered, memory),
    quadrature: memory => startKernel<QuadratureKernel>(quadrature, memory),
  }
}
