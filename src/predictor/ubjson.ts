/**
 * Reads Universal Binary JSON (ubjson.org, draft 12, as XGBoost writes it: big-endian, arrays of numbers with one type and
 * count for all) from bytes, forward only: the same methods as `JsonReader`, so that a loader need not know which it has.
 */
import { Problem } from '../errors.ts'
import type { JsonKind, JsonReader } from './json-bytes.ts'

/** What both readers can do. */
export type DocumentReader = Pick<
  JsonReader,
  'kind' | 'object' | 'array' | 'numbers' | 'number' | 'string' | 'skip' | 'end'
>

const DEPTH_MAX = 64
const STRING_BYTES_MAX = 1 << 20
const MEMBERS_MAX = 10_000
const NUMBERS_MAX = 1 << 24

const NO_OP = 0x4e
const NULL = 0x5a
const TRUE = 0x54
const FALSE = 0x46
const STRING = 0x53
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const TYPE = 0x24
const COUNT = 0x23

interface NumberType {
  readonly bytes: number
  readonly read: (view: DataView, at: number) => number
}

const NUMBER_TYPES: ReadonlyMap<number, NumberType> = new Map([
  [0x69, { bytes: 1, read: (view, at) => view.getInt8(at) }], // i
  [0x55, { bytes: 1, read: (view, at) => view.getUint8(at) }], // U
  [0x49, { bytes: 2, read: (view, at) => view.getInt16(at) }], // I
  [0x6c, { bytes: 4, read: (view, at) => view.getInt32(at) }], // l
  [0x4c, { bytes: 8, read: (view, at) => Number(view.getBigInt64(at)) }], // L
  [0x64, { bytes: 4, read: (view, at) => view.getFloat32(at) }], // d
  [0x44, { bytes: 8, read: (view, at) => view.getFloat64(at) }], // D
] satisfies [number, NumberType][])

const INTEGERS: ReadonlySet<number> = new Set([0x69, 0x55, 0x49, 0x6c, 0x4c])

const decoder = new TextDecoder('utf-8', { fatal: true })

/** What stands before the elements of an array or the members of an object. */
interface Container {
  /** Of every element, where they have one in common; they come without markers then. */
  readonly type?: number
  /** Absent: until the closing bracket. */
  readonly count?: number
}

/** A cursor over one document. Each method reads one value and leaves the cursor behind it; all throw `invalid`. */
export class UbjsonReader implements DocumentReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #what: string
  #at = 0
  #depth = 0
  /** Marker of the next value, where its array has said it for all. */
  #given: number | undefined

  /** @param what names the document in errors, e.g. `the XGBoost model`. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#what = what
  }

  kind(): JsonKind {
    const marker = this.#peek()
    if (marker === OPEN_OBJECT) return 'object'
    if (marker === OPEN_ARRAY) return 'array'
    if (marker === STRING) return 'string'
    if (marker === TRUE) return 'true'
    if (marker === FALSE) return 'false'
    if (marker === NULL) return 'null'
    if (NUMBER_TYPES.has(marker)) return 'number'
    return this.#fail('a value')
  }

  object(member: (key: string) => void): void {
    this.#open(OPEN_OBJECT, 'an object')
    const { type, count } = this.#container()
    if (type !== undefined) throw this.#problem('an object whose members have one type is not supported')
    const seen = new Set<string>()
    while (count === undefined ? this.#peek() !== CLOSE_OBJECT : seen.size < count) {
      const key = this.#text()
      if (seen.has(key)) throw this.#problem(`the key ${JSON.stringify(key)} comes twice in one object`)
      if (seen.size === MEMBERS_MAX) throw this.#problem(`an object has more than ${MEMBERS_MAX} members`)
      seen.add(key)
      member(key)
    }
    this.#close(count)
  }

  array(item: (index: number) => void): void {
    this.#open(OPEN_ARRAY, 'an array')
    const { type, count } = this.#container()
    for (let index = 0; count === undefined ? this.#peek() !== CLOSE_ARRAY : index < count; index++) {
      this.#given = type
      item(index)
    }
    this.#given = undefined
    this.#close(count)
  }

  /** As `JsonReader.numbers`, but the result is new each time. */
  numbers(): Float64Array {
    this.#open(OPEN_ARRAY, 'an array of numbers')
    const { type, count } = this.#container()
    if ((count ?? 0) > NUMBERS_MAX) throw this.#problem(`an array has more than ${NUMBERS_MAX} numbers`)
    if (type !== undefined && count !== undefined) {
      const { bytes, read } = NUMBER_TYPES.get(type) ?? this.#fail('an array of numbers')
      const numbers = new Float64Array(count)
      for (let index = 0; index < count; index++) numbers[index] = read(this.#view, this.#at + index * bytes)
      this.#at += count * bytes
      this.#depth--
      return numbers
    }
    const numbers: number[] = []
    while (count === undefined ? this.#peek() !== CLOSE_ARRAY : numbers.length < count) {
      if (numbers.length === NUMBERS_MAX) throw this.#problem(`an array has more than ${NUMBERS_MAX} numbers`)
      const marker = this.#peek()
      if (marker === TRUE || marker === FALSE) this.#at++
      numbers.push(marker === TRUE ? 1 : marker === FALSE ? 0 : this.number())
    }
    this.#close(count)
    return Float64Array.from(numbers)
  }

  number(): number {
    const type = NUMBER_TYPES.get(this.#peek()) ?? this.#fail('a number')
    this.#take()
    return this.#read(type)
  }

  string(): string {
    if (this.#peek() !== STRING) this.#fail('a string')
    this.#take()
    return this.#text()
  }

  skip(): void {
    const kind = this.kind()
    if (kind === 'object') this.object(() => this.skip())
    else if (kind === 'string') this.string()
    else if (kind === 'number') this.number()
    else if (kind === 'array') this.#skipArray()
    else this.#take()
  }

  /** Nothing may follow. */
  end(): void {
    while (this.#bytes[this.#at] === NO_OP) this.#at++
    if (this.#at < this.#bytes.length) this.#fail('the end')
  }

  /** Numbers of one type are passed over, not read. */
  #skipArray(): void {
    const start = this.#at
    this.#open(OPEN_ARRAY, 'an array')
    const { type, count } = this.#container()
    if (type !== undefined && count !== undefined) {
      this.#at += count * NUMBER_TYPES.get(type)!.bytes
      this.#depth--
      return
    }
    this.#at = start
    this.#depth--
    this.array(() => this.skip())
  }

  #open(marker: number, wanted: string): void {
    if (this.#peek() !== marker) this.#fail(wanted)
    if (++this.#depth > DEPTH_MAX) throw this.#problem(`it is nested more than ${DEPTH_MAX} deep`)
    this.#take()
  }

  #close(count: number | undefined): void {
    this.#depth--
    if (count === undefined) this.#at++
  }

  /** A count is believed only where the bytes left could hold as many elements. */
  #container(): Container {
    let type: number | undefined
    if (this.#bytes[this.#at] === TYPE) {
      type = this.#bytes[this.#at + 1] ?? -1
      if (!NUMBER_TYPES.has(type)) this.#fail('numbers, where elements have one type')
      this.#at += 2
      if (this.#bytes[this.#at] !== COUNT) this.#fail('a count')
    }
    if (this.#bytes[this.#at] !== COUNT) return {}
    this.#at++
    const count = this.#length()
    const least = type === undefined ? 1 : NUMBER_TYPES.get(type)!.bytes
    if (count * least > this.#bytes.length - this.#at) {
      throw this.#problem(`it says that ${count} elements follow byte ${this.#at}, and ends before`)
    }
    return type === undefined ? { count } : { type, count }
  }

  #length(): number {
    const marker = this.#bytes[this.#at] ?? -1
    if (!INTEGERS.has(marker)) this.#fail('a length')
    this.#at++
    const length = this.#read(NUMBER_TYPES.get(marker)!)
    if (!(length >= 0 && length <= this.#bytes.length))
      throw this.#problem(`it says the length ${length} at byte ${this.#at}`)
    return length
  }

  #read({ bytes, read }: NumberType): number {
    if (this.#at + bytes > this.#bytes.length) {
      this.#at = this.#bytes.length
      this.#fail('a number')
    }
    const value = read(this.#view, this.#at)
    this.#at += bytes
    return value
  }

  #text(): string {
    this.#peek()
    const length = this.#length()
    const start = this.#at
    if (length > STRING_BYTES_MAX) throw this.#problem(`a string has more than ${STRING_BYTES_MAX} bytes`)
    if (start + length > this.#bytes.length) throw this.#problem(`the string at byte ${start} is cut off`)
    this.#at += length
    try {
      return decoder.decode(this.#bytes.subarray(start, this.#at))
    } catch {
      throw this.#problem(`the string at byte ${start} is not valid UTF-8`)
    }
  }

  /** Marker of the next value, not consumed; −1 at the end. */
  #peek(): number {
    if (this.#given !== undefined) return this.#given
    while (this.#bytes[this.#at] === NO_OP) this.#at++
    return this.#bytes[this.#at] ?? -1
  }

  #take(): void {
    if (this.#given === undefined) this.#at++
    else this.#given = undefined
  }

  #fail(wanted: string): never {
    const byte = this.#bytes[this.#at]
    const found = byte === undefined ? 'the end' : `0x${byte.toString(16).padStart(2, '0')}`
    throw this.#problem(`found ${found} at byte ${this.#at}, wanted ${wanted}`)
  }

  #problem(detail: string): Problem {
    return new Problem('invalid', `Cannot read ${this.#what}: ${detail}`)
  }
}
