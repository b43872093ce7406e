/** WebAssembly, as far as kernels need it: TypeScript knows it only as a part of browsers. */

export interface KernelMemory {
  readonly buffer: ArrayBuffer
}

/** A compiled kernel. */
export type Kernel = object

interface WebAssemblyApi {
  readonly Memory: new (limits: { readonly initial: number; readonly maximum: number }) => KernelMemory
  readonly Module: new (bytes: Uint8Array) => Kernel
  readonly Instance: new (kernel: Kernel, imports: object) => { readonly exports: unknown }
}

const api = (globalThis as { readonly WebAssembly?: WebAssemblyApi }).WebAssembly
const compiled = new Map<string, Kernel | undefined>()
const PAGE = 1 << 16

/**
 * @param wasm a kernel's bytes in base64.
 * @returns `undefined` where it cannot be had: no WebAssembly, none with SIMD, or a page whose security policy forbids it.
 */
export function compileKernel(wasm: string): Kernel | undefined {
  if (!compiled.has(wasm)) compiled.set(wasm, compile(wasm))
  return compiled.get(wasm)
}

function compile(wasm: string): Kernel | undefined {
  if (api === undefined) return undefined
  try {
    return new api.Module(Uint8Array.from(atob(wasm), letter => letter.charCodeAt(0)))
  } catch {
    return undefined // the scalar path answers
  }
}

/** Memory of a fixed size, at least `bytes`. */
export function kernelMemory(bytes: number): KernelMemory {
  const pages = Math.ceil(bytes / PAGE)
  return new api!.Memory({ initial: pages, maximum: pages })
}

/** The functions of a kernel at work on a memory. */
export function startKernel<Functions>(kernel: Kernel, memory: KernelMemory): Functions {
  return new api!.Instance(kernel, { env: { memory } }).exports as Functions
}
