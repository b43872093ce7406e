/**
 * Reads JSON (RFC 8259) from bytes, forward only, value by value. Model files may be larger than the longest string a
 * JavaScript engine can hold, and are mostly numbers: so no string of the whole is ever made, arrays of numbers land in
 * typed arrays, and what is not asked for is skipped. Also takes the literals `NaN`, `Infinity` and `-Infinity`, which
 * XGBoost and Python write.
 */
import { Problem } from '../errors.ts'

const DEPTH_MAX = 64
const STRING_BYTES_MAX = 1 << 20
const MEMBERS_MAX = 10_000
/** Of one array: 128 MB. A file of digits and commas would otherwise need eight times its size. */
const NUMBERS_MAX = 1 << 24
/** 10^0 … 10^22 are exact in a double, which makes one multiplication or division correctly rounded (Clinger 1990). */
const POWERS: readonly number[] = Array.from({ length: 23 }, (_, power) => Number(`1e${power}`))
const EXACT_DIGITS = 15

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const COMMA = 0x2c
const COLON = 0x3a
const MINUS = 0x2d
const PLUS = 0x2b
const POINT = 0x2e
const ZERO = 0x30

const decoder = new TextDecoder('utf-8', { fatal: true })

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'true' | 'false' | 'null'

/** A cursor over one document. Each method reads one value and leaves the cursor behind it; all throw `invalid`. */
export class JsonReader {
  readonly #bytes: Uint8Array
  readonly #what: string
  #at = 0
  #depth = 0
  #scratch = new Float64Array(1024)

  readonly #depthMax: number

  /**
   * @param what names the document in errors, e.g. `the XGBoost model`.
   * @param depthMax how deep values may be nested. Whoever raises it pays with stack.
   */
  constructor(bytes: Uint8Array, what: string, depthMax: number = DEPTH_MAX) {
    this.#bytes = bytes
    this.#what = what
    this.#depthMax = depthMax
    if (bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) this.#at = 3
  }

  /** What comes next. */
  kind(): JsonKind {
    const byte = this.#next()
    if (byte === OPEN_OBJECT) return 'object'
    if (byte === OPEN_ARRAY) return 'array'
    if (byte === QUOTE) return 'string'
    if (byte === 0x74) return 'true'
    if (byte === 0x66) return 'false'
    if (byte === 0x6e) return 'null'
    if (isDigit(byte) || byte === MINUS || byte === 0x4e || byte === 0x49) return 'number'
    return this.#fail('a value')
  }

  /** `member` must read the value of each key. A key that comes twice is refused: two readers could choose differently. */
  object(member: (key: string) => void): void {
    this.#open(OPEN_OBJECT, 'an object')
    const seen = new Set<string>()
    if (this.#next() !== CLOSE_OBJECT) {
      for (;;) {
        if (this.#next() !== QUOTE) this.#fail('a key')
        const key = this.string()
        if (seen.has(key)) throw this.#problem(`the key ${JSON.stringify(key)} comes twice in one object`)
        if (seen.size === MEMBERS_MAX) throw this.#problem(`an object has more than ${MEMBERS_MAX} members`)
        seen.add(key)
        this.#expect(COLON, 'a colon')
        member(key)
        if (this.#next() === CLOSE_OBJECT) break
        this.#expect(COMMA, 'a comma or }')
      }
    }
    this.#close()
  }

  /** `item` must read each element. */
  array(item: (index: number) => void): void {
    this.#open(OPEN_ARRAY, 'an array')
    if (this.#next() !== CLOSE_ARRAY) {
      for (let index = 0; ; index++) {
        item(index)
        if (this.#next() === CLOSE_ARRAY) break
        this.#expect(COMMA, 'a comma or ]')
      }
    }
    this.#close()
  }

  /** An array of numbers (`true` and `false` count as 1 and 0). The result is overwritten by the next call. */
  numbers(): Float64Array {
    this.#open(OPEN_ARRAY, 'an array of numbers')
    let count = 0
    if (this.#next() !== CLOSE_ARRAY) {
      for (;;) {
        if (count === this.#scratch.length) this.#grow(count)
        this.#scratch[count++] = this.#numberOrBoolean()
        const byte = this.#next()
        if (byte === CLOSE_ARRAY) break
        if (byte !== COMMA) this.#fail('a comma or ]')
        this.#at++
      }
    }
    this.#close()
    return this.#scratch.subarray(0, count)
  }

  number(): number {
    const byte = this.#next()
    if (byte === 0x4e) return this.#literal('NaN', Number.NaN)
    if (byte === 0x49) return this.#literal('Infinity', Number.POSITIVE_INFINITY)
    if (byte === MINUS && this.#bytes[this.#at + 1] === 0x49)
      return this.#literal('-Infinity', Number.NEGATIVE_INFINITY)
    return this.#decimal()
  }

  string(): string {
    if (this.#next() !== QUOTE) this.#fail('a string')
    const start = this.#at
    const escaped = this.#passString()
    if (this.#at - start > STRING_BYTES_MAX) throw this.#problem(`a string has more than ${STRING_BYTES_MAX} bytes`)
    try {
      const text = decoder.decode(this.#bytes.subarray(start, this.#at))
      return escaped ? (JSON.parse(text) as string) : text.slice(1, -1)
    } catch {
      throw this.#problem(`the string at byte ${start} is not valid UTF-8 or has a wrong escape`)
    }
  }

  /** Reads past one value of any kind. */
  skip(): void {
    switch (this.kind()) {
      case 'object':
        this.#skipInside(CLOSE_OBJECT)
        break
      case 'array':
        this.#skipInside(CLOSE_ARRAY)
        break
      case 'string':
        this.#passString()
        break
      case 'number':
        this.number()
        break
      case 'true':
        this.#literal('true', 0)
        break
      case 'false':
        this.#literal('false', 0)
        break
      default:
        this.#literal('null', 0)
    }
  }

  /** Nothing but white space may follow. */
  end(): void {
    this.#space()
    if (this.#at < this.#bytes.length) this.#fail('the end')
  }

  #skipInside(close: number): void {
    this.#open(this.#next(), 'a value')
    if (this.#next() !== close) {
      for (;;) {
        if (close === CLOSE_OBJECT) {
          if (this.#next() !== QUOTE) this.#fail('a key')
          this.#passString()
          this.#expect(COLON, 'a colon')
        }
        this.skip()
        if (this.#next() === close) break
        this.#expect(COMMA, 'a comma or the end of the value')
      }
    }
    this.#close()
  }

  #open(byte: number, wanted: string): void {
    if (this.#next() !== byte) this.#fail(wanted)
    if (++this.#depth > this.#depthMax) throw this.#problem(`it is nested more than ${this.#depthMax} deep`)
    this.#at++
  }

  #close(): void {
    this.#depth--
    this.#at++
  }

  #expect(byte: number, wanted: string): void {
    if (this.#next() !== byte) this.#fail(wanted)
    this.#at++
  }

  #space(): void {
    const bytes = this.#bytes
    let at = this.#at
    for (; at < bytes.length; at++) {
      const byte = bytes[at]!
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break
    }
    this.#at = at
  }

  /** The first byte of what comes next, not consumed; −1 at the end. */
  #next(): number {
    const byte = this.#bytes[this.#at] ?? -1
    if (byte > 0x20) return byte
    this.#space()
    return this.#bytes[this.#at] ?? -1
  }

  #literal(text: string, value: number): number {
    for (let index = 0; index < text.length; index++) {
      if (this.#bytes[this.#at + index] !== text.charCodeAt(index)) this.#fail(text)
    }
    this.#at += text.length
    return value
  }

  #numberOrBoolean(): number {
    const byte = this.#next()
    if (byte === 0x74) return this.#literal('true', 1)
    if (byte === 0x66) return this.#literal('false', 0)
    return this.number()
  }

  /** Leaves the cursor behind the closing quote; tells whether there was an escape. */
  #passString(): boolean {
    const bytes = this.#bytes
    let escaped = false
    for (let at = this.#at + 1; at < bytes.length; at++) {
      const byte = bytes[at]!
      if (byte === QUOTE) {
        this.#at = at + 1
        return escaped
      }
      if (byte === BACKSLASH) {
        escaped = true
        at++
      } else if (byte < 0x20) {
        this.#at = at
        this.#fail('a string without control characters')
      }
    }
    this.#at = bytes.length
    return this.#fail('the end of a string')
  }

  #decimal(): number {
    const bytes = this.#bytes
    const start = this.#at
    let at = start
    const negative = bytes[at] === MINUS
    if (negative) at++
    let mantissa = 0
    let digits = 0
    let scale = 0
    const first = at
    for (let byte = bytes[at]!; isDigit(byte); byte = bytes[++at]!) {
      mantissa = mantissa * 10 + (byte - ZERO)
      if (mantissa > 0) digits++
    }
    if (at === first || (bytes[first] === ZERO && at > first + 1)) this.#failAt(first, 'a number')
    if (bytes[at] === POINT) {
      const point = ++at
      for (let byte = bytes[at]!; isDigit(byte); byte = bytes[++at]!) {
        mantissa = mantissa * 10 + (byte - ZERO)
        if (mantissa > 0) digits++
      }
      if (at === point) this.#failAt(at, 'a digit after the point')
      scale = point - at
    }
    this.#at = at
    scale += this.#exponent()
    at = this.#at
    if (digits > EXACT_DIGITS || scale > 22 || scale < -22) return Number(this.#latin(start, at))
    const value = scale < 0 ? mantissa / POWERS[-scale]! : mantissa * POWERS[scale]!
    return negative ? -value : value
  }

  /** The power of ten after a mantissa; 0 where there is none. */
  #exponent(): number {
    const bytes = this.#bytes
    let at = this.#at
    if (bytes[at] !== 0x45 && bytes[at] !== 0x65) return 0
    const sign = bytes[++at]
    if (sign === MINUS || sign === PLUS) at++
    const power = at
    let exponent = 0
    for (let byte = bytes[at]!; isDigit(byte); byte = bytes[++at]!) {
      if (exponent < 100_000) exponent = exponent * 10 + (byte - ZERO)
    }
    if (at === power) this.#failAt(at, 'a digit of the exponent')
    this.#at = at
    return sign === MINUS ? -exponent : exponent
  }

  #latin(from: number, to: number): string {
    return decoder.decode(this.#bytes.subarray(from, to))
  }

  #grow(count: number): void {
    if (count === NUMBERS_MAX) throw this.#problem(`an array has more than ${NUMBERS_MAX} numbers`)
    const larger = new Float64Array(this.#scratch.length * 2)
    larger.set(this.#scratch)
    this.#scratch = larger
  }

  #failAt(at: number, wanted: string): never {
    this.#at = at
    return this.#fail(wanted)
  }

  #fail(wanted: string): never {
    const byte = this.#bytes[this.#at]
    const found = byte === undefined ? `the end at byte ${this.#at}` : `${printable(byte)} at byte ${this.#at}`
    throw this.#problem(`found ${found}, wanted ${wanted}`)
  }

  #problem(detail: string): Problem {
    return new Problem('invalid', `Cannot read ${this.#what}: ${detail}`)
  }
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= 0x39
}

function printable(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `0x${byte.toString(16).padStart(2, '0')}`
}
