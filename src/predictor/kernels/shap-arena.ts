/** The memory of kernels, laid out before it exists: each piece gets its address at once, the bytes are copied at the end. */
import { type KernelMemory, kernelMemory } from './web-assembly.ts'

/** Pieces start at multiples of a cache line. */
const LINE = 64

export class Arena {
  readonly #pieces: { readonly at: number; readonly bytes: Uint8Array }[] = []
  #size = LINE

  get size(): number {
    return this.#size
  }

  /** @returns the address of a copy of `array`, which may still be written to until `memory` is called. */
  put(array: ArrayBufferView): number {
    const at = this.reserve(array.byteLength)
    this.#pieces.push({ at, bytes: new Uint8Array(array.buffer, array.byteOffset, array.byteLength) })
    return at
  }

  /** @returns the address of room that starts as zeros. */
  reserve(bytes: number): number {
    const at = this.#size
    this.#size = Math.ceil((at + bytes) / LINE) * LINE
    return at
  }

  memory(): KernelMemory {
    const memory = kernelMemory(this.#size)
    const bytes = new Uint8Array(memory.buffer)
    for (const piece of this.#pieces) bytes.set(piece.bytes, piece.at)
    return memory
  }
}
