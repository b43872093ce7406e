/**
 * The wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/), read and written by hand: what is
 * asked thousands of times a second is shaped for its message, and everything else goes through `proto-codec.ts`.
 */
import { Problem } from '../errors.ts'

export const VARINT = 0
export const FIXED64 = 1
export const DELIMITED = 2
const GROUP_START = 3
const GROUP_END = 4
export const FIXED32 = 5

const TWO_32 = 4_294_967_296
const VARINT_BYTES_MAX = 10
/** Groups within groups, and messages within messages: more is an attack on the stack. */
export const DEPTH_MAX = 100

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function malformedMessage(why: string): Problem {
  return new Problem('malformed', `Cannot read the message: ${why}`)
}

/** Reads a message field by field. Throws `malformed` where the bytes are none. */
export class ProtoReader {
  readonly bytes: Buffer
  at: number
  end: number

  constructor(bytes: Buffer, at = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  get isDone(): boolean {
    return this.at >= this.end
  }

  /** Number and wire type of the next field: `tag >>> 3` and `tag & 7`. */
  tag(): number {
    const tag = this.varint()
    if (tag < 8 || tag >= TWO_32) throw malformedMessage('a field has no number')
    return tag
  }

  /** Unsigned, exact up to 2^53. */
  varint(): number {
    const { bytes, at, end } = this
    const first = at < end ? bytes[at]! : 0x80
    if (first < 0x80) {
      this.at = at + 1
      return first
    }
    return this.#long(false)
  }

  /** As int32 and int64 are written: two's complement, 64 bits. Exact up to 2^53. */
  signed(): number {
    const { bytes, at, end } = this
    const first = at < end ? bytes[at]! : 0x80
    if (first < 0x80) {
      this.at = at + 1
      return first
    }
    return this.#long(true)
  }

  #long(isSigned: boolean): number {
    const { bytes, end } = this
    let { at } = this
    let low = 0
    let high = 0
    for (let read = 0; read < VARINT_BYTES_MAX; read++) {
      if (at >= end) throw malformedMessage('it ends within a number')
      const byte = bytes[at++]!
      const bits = byte & 0x7f
      if (read < 4) low |= bits << (7 * read)
      else if (read === 4) {
        low |= bits << 28
        high = bits >>> 4
      } else high |= bits << (7 * read - 32)
      if (byte < 0x80) {
        this.at = at
        return (isSigned ? high | 0 : high >>> 0) * TWO_32 + (low >>> 0)
      }
    }
    throw malformedMessage('a number is longer than ten bytes')
  }

  /** Where what is delimited ends; reading goes on at its first byte. */
  delimited(): number {
    const length = this.varint()
    const end = this.at + length
    if (end > this.end) throw malformedMessage('it ends within a field')
    return end
  }

  /** A reader of what is delimited here; this one goes on behind it. */
  within(): ProtoReader {
    const end = this.delimited()
    const inner = new ProtoReader(this.bytes, this.at, end)
    this.at = end
    return inner
  }

  /** A part of the same memory. */
  raw(): Buffer {
    const end = this.delimited()
    const part = this.bytes.subarray(this.at, end)
    this.at = end
    return part
  }

  text(): string {
    const end = this.delimited()
    const { bytes, at } = this
    this.at = end
    return textAt(bytes, at, end)
  }

  double(): number {
    const at = this.#fixed(8)
    return this.bytes.readDoubleLE(at)
  }

  float(): number {
    const at = this.#fixed(4)
    return this.bytes.readFloatLE(at)
  }

  #fixed(size: number): number {
    const { at } = this
    if (at + size > this.end) throw malformedMessage('it ends within a number')
    this.at = at + size
    return at
  }

  /** Passes over the value of a field that is not wanted. */
  skip(tag: number, depth = 0): void {
    switch (tag & 7) {
      case VARINT:
        this.varint()
        return
      case FIXED64:
        this.#fixed(8)
        return
      case DELIMITED:
        this.at = this.delimited()
        return
      case FIXED32:
        this.#fixed(4)
        return
      case GROUP_START:
        this.#skipGroup(tag, depth)
        return
      default:
        throw malformedMessage(`wire type ${tag & 7} is not known`)
    }
  }

  #skipGroup(start: number, depth: number): void {
    if (depth > DEPTH_MAX) throw malformedMessage('its groups are too deep')
    for (;;) {
      const tag = this.tag()
      if (tag === start - GROUP_START + GROUP_END) return
      this.skip(tag, depth + 1)
    }
  }
}

/** Short names and ids, nearly always; a decoder of texts costs a call out of JavaScript. */
const SHORT = 32

function textAt(bytes: Buffer, at: number, end: number): string {
  if (end - at <= SHORT) {
    let byte = at
    while (byte < end && bytes[byte]! < 0x80) byte++
    if (byte === end) return bytes.toString('latin1', at, end)
  }
  try {
    return UTF8.decode(bytes.subarray(at, end))
  } catch {
    throw malformedMessage('a text is not UTF-8')
  }
}

/** Writes a message field by field, one after the other; `take` ends it. Used again and again, never by two at once. */
export class ProtoWriter {
  #bytes: Buffer = Buffer.allocUnsafe(4_096)
  #at = 0

  /** What was written, in memory of its own; the next message begins. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(this.#at)
    this.#bytes.copy(taken, 0, 0, this.#at)
    this.#at = 0
    return taken
  }

  /** Gives up what was written. */
  clear(): void {
    this.#at = 0
  }

  /** Of a field's number and wire type. */
  tag(number: number, wire: number): void {
    this.varint(number * 8 + wire)
  }

  /** Whole, between -2^63 and 2^64; exact up to 2^53. */
  varint(value: number): void {
    this.#room(VARINT_BYTES_MAX)
    if (value >= 0 && value < 0x80) {
      this.#bytes[this.#at++] = value
      return
    }
    let low = (value % TWO_32) >>> 0
    let high = Math.floor(value / TWO_32) >>> 0
    while (high > 0 || low > 0x7f) {
      this.#bytes[this.#at++] = (low & 0x7f) | 0x80
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    this.#bytes[this.#at++] = low
  }

  double(value: number): void {
    this.#room(8)
    this.#at = this.#bytes.writeDoubleLE(value, this.#at)
  }

  float(value: number): void {
    this.#room(4)
    this.#at = this.#bytes.writeFloatLE(value, this.#at)
  }

  /** Two's complement, little-endian, eight bytes; exact up to 2^53. */
  fixed64(value: number): void {
    this.#room(8)
    this.#at = this.#bytes.writeUInt32LE((value % TWO_32) >>> 0, this.#at)
    this.#at = this.#bytes.writeInt32LE(Math.floor(value / TWO_32) | 0, this.#at)
  }

  /** As `fixed64`, of a number told in halves: the upper and the lower 32 bits. */
  fixed64Of(upper: number, lower: number): void {
    this.fixed32(lower)
    this.fixed32(upper)
  }

  /** From 0 up to, and without, 2^32, little-endian, four bytes. */
  fixed32(value: number): void {
    this.#room(4)
    this.#at = this.#bytes.writeUInt32LE(value, this.#at)
  }

  /** A text with its length before it in four bytes. */
  text32(value: string): void {
    const bytes = Buffer.from(value)
    this.#room(4)
    this.#at = this.#bytes.writeUInt32LE(bytes.length, this.#at)
    this.append(bytes)
  }

  /** With its length before it. */
  text(value: string): void {
    if (value.length <= SHORT && this.#shortText(value)) return
    const start = this.begin()
    this.#room(value.length * 3)
    this.#at += this.#bytes.write(value, this.#at)
    this.end(start)
  }

  /** False, and nothing written, where it is not of ASCII alone: writing so few bytes here spares a call out of JavaScript. */
  #shortText(value: string): boolean {
    const { length } = value
    this.#room(length + 1)
    const bytes = this.#bytes
    const from = this.#at + 1
    for (let at = 0; at < length; at++) {
      const code = value.charCodeAt(at)
      if (code >= 0x80) return false
      bytes[from + at] = code
    }
    bytes[from - 1] = length
    this.#at = from + length
    return true
  }

  /** Bytes told as hexadecimal digits in lower case, an even number of them, with their length before them: at most 127 bytes. */
  hex(digits: string): void {
    const length = digits.length >> 1
    this.#room(length + 1)
    const bytes = this.#bytes
    bytes[this.#at++] = length
    for (let at = 0; at < length; at++)
      bytes[this.#at++] = (nibble(digits.charCodeAt(2 * at)) << 4) | nibble(digits.charCodeAt(2 * at + 1))
  }

  /** With its length before it. */
  raw(value: Uint8Array): void {
    this.varint(value.length)
    this.append(value)
  }

  /** As it is. */
  append(value: Uint8Array): void {
    this.#room(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  /** Begins what is delimited: its length is put before it by `end`, which is handed what this returns. */
  begin(): number {
    this.#room(1)
    return ++this.#at
  }

  end(start: number): void {
    const length = this.#at - start
    if (length < 0x80) {
      this.#bytes[start - 1] = length
      return
    }
    // One byte was kept for the length, and it needs more: what was written moves on.
    const more = lengthBytes(length) - 1
    this.#room(more)
    this.#bytes.copyWithin(start + more, start, this.#at)
    const to = this.#at + more
    this.#at = start - 1
    this.varint(length)
    this.#at = to
  }

  #room(size: number): void {
    if (this.#at + size <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + size))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}

function nibble(code: number): number {
  return code < 0x3a ? code - 0x30 : code - 0x57
}

function lengthBytes(length: number): number {
  let bytes = 1
  for (let rest = length; rest > 0x7f; rest = Math.floor(rest / 128)) bytes++
  return bytes
}
