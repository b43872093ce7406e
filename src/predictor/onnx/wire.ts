/**
 * Protocol Buffers as they lie in the bytes (protobuf.dev/programming-guides/encoding): fields of a message one after the
 * other. Nothing is allocated before the bytes that fill it were seen to be there.
 */
import { Problem } from '../../errors.ts'

/** Part of the file that is one message, or one text, or an array of packed numbers. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** One field of a message: a whole number, 4 or 8 bytes, or a span. */
export interface Field {
  readonly number: number
  readonly wire: 'whole' | 'four' | 'eight' | 'span'
  /** Of a `whole`: two's complement, exact below 2^53. Of others: 0. */
  readonly value: number
  /** Where its bytes are. */
  readonly span: Span
}

const WIRES: Readonly<Record<number, Field['wire']>> = { 0: 'whole', 1: 'eight', 2: 'span', 5: 'four' }

export class WireReader {
  readonly bytes: Uint8Array
  readonly #view: DataView
  readonly #texts = new TextDecoder('utf-8')
  #at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get all(): Span {
    return { start: 0, end: this.bytes.length }
  }

  *fields({ start, end }: Span): Generator<Field> {
    let at = start
    while (at < end) {
      this.#at = at
      const key = this.#whole(end)
      const number = Math.floor(key / 8)
      const wire = WIRES[key % 8]
      if (wire === undefined || number < 1 || number > 0x1fffffff) throw damaged(`a field that is none, at byte ${at}`)
      const value = wire === 'whole' ? this.#whole(end) : 0
      const length = wire === 'four' ? 4 : wire === 'eight' ? 8 : wire === 'span' ? this.#whole(end) : 0
      const from = this.#at
      if (!(length >= 0 && length <= end - from)) {
        throw damaged(`field ${number} at byte ${at} has ${length} bytes, and ${end - from} are left`)
      }
      at = from + length
      yield { number, wire, value, span: { start: from, end: at } }
    }
  }

  text({ wire, span }: Field): string {
    if (wire !== 'span') throw damaged(`a text at byte ${span.start} is none`)
    return this.#texts.decode(this.bytes.subarray(span.start, span.end))
  }

  float({ wire, span }: Field): number {
    if (wire !== 'four') throw damaged(`a float at byte ${span.start} is none`)
    return this.#view.getFloat32(span.start, true)
  }

  message({ wire, span }: Field): Span {
    if (wire !== 'span') throw damaged(`a message at byte ${span.start} is none`)
    return span
  }

  whole({ wire, value, span }: Field): number {
    if (wire !== 'whole') throw damaged(`a whole number at byte ${span.start} is none`)
    return value
  }

  /** Adds a number, or all of a packed array, to `into`. */
  wholes(field: Field, into: number[]): void {
    if (field.wire === 'whole') into.push(field.value)
    else {
      const { start, end } = this.message(field)
      this.#at = start
      while (this.#at < end) into.push(this.#whole(end))
    }
  }

  floats(field: Field, into: number[]): void {
    const { start, end } = field.span
    if (field.wire !== 'four' && (field.wire !== 'span' || (end - start) % 4 !== 0)) {
      throw damaged(`the floats at byte ${start} are none`)
    }
    for (let at = start; at < end; at += 4) into.push(this.#view.getFloat32(at, true))
  }

  doubles(field: Field, into: number[]): void {
    const { start, end } = field.span
    if (field.wire !== 'eight' && (field.wire !== 'span' || (end - start) % 8 !== 0)) {
      throw damaged(`the doubles at byte ${start} are none`)
    }
    for (let at = start; at < end; at += 8) into.push(this.#view.getFloat64(at, true))
  }

  /** Seven bits a byte, the lowest first, at most ten bytes; 64 bits in two's complement. */
  #whole(end: number): number {
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= end) throw damaged(`a number at byte ${this.#at} is cut off`)
      const byte = this.bytes[this.#at++]!
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high |= bits >>> 4
      } else if (shift < 63) high |= bits << (shift - 32)
      else high |= (bits & 1) << 31
      if (byte < 0x80) return (high | 0) * 0x1_0000_0000 + (low >>> 0)
    }
    throw damaged(`a number before byte ${this.#at} has more than ten bytes`)
  }
}

export function damaged(detail: string): Problem {
  return new Problem('invalid', `Cannot load the ONNX model: ${detail}`)
}
