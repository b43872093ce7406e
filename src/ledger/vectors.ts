/**
 * DuckDB's vectors, read and written in bulk through the engine's C interface (`@duckdb/node-bindings`): a value at a time
 * through the object interface costs several times as much, and its texts end at a NUL.
 *
 * Layouts after DuckDB's C API: a validity bit a row (set: not null); 8 bytes a DOUBLE or BIGINT; 1 byte a BOOLEAN; 16 bytes
 * a UUID, little-endian with its highest bit flipped; 16 bytes a text (length, then 12 bytes of it, or 4 bytes and a pointer).
 */
import duckdb from '@duckdb/node-bindings'
import { canonical, quote } from './canonical.ts'
import type { Cell, FilledColumn, Fragments } from './columns.ts'
import type { ColumnType } from './schema.ts'

/** Rows in the largest vector. */
export const VECTOR_ROWS: number = duckdb.vector_size()

const TEXT_BYTES = 16
const TEXT_INLINE_MAX = 12
const UUID_BYTES = 16
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function bytesOf(vector: duckdb.Vector, length: number): Buffer {
  const bytes = duckdb.vector_get_data(vector, length)
  return Buffer.from(bytes.buffer, bytes.byteOffset, length)
}

type IsNull = (row: number) => boolean

function nulls(vector: duckdb.Vector, rows: number): IsNull | undefined {
  const bits = duckdb.vector_get_validity(vector, Math.ceil(rows / 64) * 8) as Uint8Array | null | undefined
  if (bits === null || bits === undefined) return undefined
  return row => ((bits[row >> 3]! >> (row & 7)) & 1) === 0
}

/** Canonical JSON of the values of a column of a chunk; `''` for null. Times come as whole milliseconds (BIGINT). */
export function readFragments(chunk: duckdb.DataChunk, index: number, type: ColumnType, rows: number): Fragments {
  const vector = duckdb.data_chunk_get_vector(chunk, index)
  const isNull = nulls(vector, rows)
  const read = READERS[type](vector, rows, isNull)
  return isNull === undefined ? read : row => (isNull(row) ? '' : read(row))
}

const READERS: Readonly<
  Record<ColumnType, (vector: duckdb.Vector, rows: number, isNull: IsNull | undefined) => Fragments>
> = {
  number: (vector, rows) => {
    const bytes = bytesOf(vector, rows * 8)
    const numbers = new Float64Array(bytes.buffer, bytes.byteOffset, rows)
    return row => `${numbers[row]}`
  },
  integer: readIntegers,
  time: readIntegers,
  boolean: (vector, rows) => {
    const bytes = bytesOf(vector, rows)
    return row => (bytes[row] === 0 ? 'false' : 'true')
  },
  uuid: (vector, rows) => {
    const bytes = bytesOf(vector, rows * UUID_BYTES)
    return row => `"${uuidAt(bytes, row * UUID_BYTES)}"`
  },
  text: (vector, rows, isNull) => cachedTexts(vector, rows, isNull, quote),
  json: (vector, rows, isNull) => cachedTexts(vector, rows, isNull, jsonOrText),
}

/** What was changed into something that is no JSON shows as a text: it must not pass for members beside it. */
function jsonOrText(text: string): string {
  try {
    return canonical(JSON.parse(text))
  } catch {
    return quote(text)
  }
}

function readIntegers(vector: duckdb.Vector, rows: number): Fragments {
  const number = integersOf(vector, rows)
  return row => `${number(row)}`
}

/** The values of a BIGINT column without nulls, as numbers. */
export function readNumbers(chunk: duckdb.DataChunk, index: number, rows: number): (row: number) => number {
  return integersOf(duckdb.data_chunk_get_vector(chunk, index), rows)
}

/** The values of a DOUBLE column, NaN where there is none; valid as long as the chunk. */
export function readDoubles(chunk: duckdb.DataChunk, index: number, rows: number): Float64Array {
  const vector = duckdb.data_chunk_get_vector(chunk, index)
  const isNull = nulls(vector, rows)
  const bytes = bytesOf(vector, rows * 8)
  const values = new Float64Array(bytes.buffer, bytes.byteOffset, rows)
  return isNull === undefined ? values : values.map((value, row) => (isNull(row) ? Number.NaN : value))
}

function integersOf(vector: duckdb.Vector, rows: number): (row: number) => number {
  const bytes = bytesOf(vector, rows * 8)
  const low = new Uint32Array(bytes.buffer, bytes.byteOffset, rows * 2)
  const high = new Int32Array(bytes.buffer, bytes.byteOffset, rows * 2)
  return row => high[row * 2 + 1]! * 2 ** 32 + low[row * 2]!
}

function uuidAt(bytes: Buffer, at: number): string {
  const hex = (from: number): string => HEX[bytes[at + from]!]!
  const first = HEX[bytes[at + 15]! ^ 0x80]!
  return (
    `${first}${hex(14)}${hex(13)}${hex(12)}-${hex(11)}${hex(10)}-${hex(9)}${hex(8)}-${hex(7)}${hex(6)}-` +
    `${hex(5)}${hex(4)}${hex(3)}${hex(2)}${hex(1)}${hex(0)}`
  )
}

/** So many different texts of a chunk are remembered; a column with more of them repeats itself too rarely to look. */
const REMEMBERED_MAX = 64

/**
 * Texts, decoded once for each place in memory: columns of few different values come with one place each. A place is told
 * by the 16 bytes of the text's header, which hold all of a short text and length, beginning and address of a long one.
 */
function cachedTexts(
  vector: duckdb.Vector,
  rows: number,
  isNull: IsNull | undefined,
  convert: (text: string) => string,
): Fragments {
  const bytes = bytesOf(vector, rows * TEXT_BYTES)
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, rows * 4)
  const longText = longTexts(bytes, words, rows, isNull)
  const textAt = (row: number): string => {
    const length = words[row * 4]!
    const at = row * TEXT_BYTES + 4
    if (length <= TEXT_INLINE_MAX) return bytes.toString('utf8', at, at + length)
    return longText(row)
  }
  const remembered = new Map<number, { readonly row: number; readonly text: string }>()
  let last = -1
  let lastText = ''
  const same = (a: number, b: number): boolean =>
    words[a * 4 + 2] === words[b * 4 + 2] &&
    words[a * 4 + 3] === words[b * 4 + 3] &&
    words[a * 4 + 1] === words[b * 4 + 1] &&
    words[a * 4] === words[b * 4]
  return row => {
    if (last >= 0 && same(row, last)) return lastText
    const key = words[row * 4 + 2]! ^ words[row * 4 + 1]!
    const known = remembered.get(key)
    const text = known !== undefined && same(row, known.row) ? known.text : convert(textAt(row))
    if (known === undefined && remembered.size < REMEMBERED_MAX) remembered.set(key, { row, text })
    last = row
    lastText = text
    return text
  }
}

/** Texts of a vector lie behind each other, in a page of the file with four bytes for a length in between. */
const GAP_BYTES_MAX = 8

/**
 * Reads the long texts of a vector. Looking through an address costs ten times as much as reading a text, so that texts
 * which lie behind each other are looked at as one: from the first one's address to the last one's end, all of it memory
 * that can be read, because between two of its texts lie a few bytes at most.
 */
function longTexts(
  bytes: Buffer,
  words: Uint32Array,
  rows: number,
  isNull: IsNull | undefined,
): (row: number) => string {
  const address = (row: number): number => words[row * 4 + 3]! * 2 ** 32 + words[row * 4 + 2]!
  const isLong = (row: number): boolean => words[row * 4]! > TEXT_INLINE_MAX && isNull?.(row) !== true
  let first = 0
  let next = 0
  let start = 0
  let memory = bytes
  const look = (row: number): void => {
    first = row
    start = address(row)
    let end = start + words[row * 4]!
    const follows = (other: number): boolean => address(other) >= end && address(other) <= end + GAP_BYTES_MAX
    for (next = row + 1; next < rows && isLong(next) && follows(next); next++) {
      end = address(next) + words[next * 4]!
    }
    const pointer = bytes.byteOffset + row * TEXT_BYTES + 8
    const found = duckdb.get_data_from_pointer(bytes.buffer as ArrayBuffer, pointer, end - start)
    memory = Buffer.from(found.buffer, found.byteOffset, end - start)
  }
  return row => {
    if (!(row >= first && row < next)) look(row)
    const at = address(row) - start
    return memory.toString('utf8', at, at + words[row * 4]!)
  }
}

type CellOf = (row: number) => Cell

/** Writes rows `from` to `from + rows` of a column into a column of a chunk that has room for them. */
export function writeCells(
  chunk: duckdb.DataChunk,
  index: number,
  column: FilledColumn,
  from: number,
  rows: number,
): void {
  const vector = duckdb.data_chunk_get_vector(chunk, index)
  const cell: CellOf = row => column.values[from + row] ?? null
  WRITERS[column.type](vector, cell, rows)
  writeNulls(vector, cell, rows)
}

const WRITERS: Readonly<Record<ColumnType, (vector: duckdb.Vector, cell: CellOf, rows: number) => void>> = {
  text: writeTexts,
  json: writeTexts,
  number: (vector, cell, rows) =>
    copy(
      vector,
      Float64Array.from({ length: rows }, (_, row) => (cell(row) as number | null) ?? 0),
    ),
  boolean: (vector, cell, rows) =>
    copy(
      vector,
      Uint8Array.from({ length: rows }, (_, row) => (cell(row) === true ? 1 : 0)),
    ),
  uuid: writeUuids,
  integer: writeIntegers,
  time: writeIntegers,
}

function writeIntegers(vector: duckdb.Vector, cell: CellOf, rows: number): void {
  copy(
    vector,
    BigInt64Array.from({ length: rows }, (_, row) => BigInt((cell(row) as number | null) ?? 0)),
  )
}

function copy(vector: duckdb.Vector, values: Float64Array | Uint8Array | BigInt64Array): void {
  duckdb.copy_data_to_vector(vector, 0, values.buffer as ArrayBuffer, values.byteOffset, values.byteLength)
}

function writeNulls(vector: duckdb.Vector, cell: CellOf, rows: number): void {
  const bits = new Uint8Array(Math.ceil(rows / 64) * 8).fill(0xff)
  let any = false
  for (let row = 0; row < rows; row++) {
    if (cell(row) !== null) continue
    bits[row >> 3]! &= ~(1 << (row & 7))
    any = true
  }
  if (!any) return
  duckdb.vector_ensure_validity_writable(vector)
  duckdb.copy_data_to_vector_validity(vector, 0, bits.buffer, 0, bits.byteLength)
}

function writeTexts(vector: duckdb.Vector, cell: CellOf, rows: number): void {
  for (let row = 0; row < rows; row++) {
    const text = cell(row)
    if (typeof text !== 'string') continue
    if (text.includes('\0')) duckdb.vector_assign_string_element_len(vector, row, Buffer.from(text))
    else duckdb.vector_assign_string_element(vector, row, text) // its end is a NUL: cheaper, where the text has none
  }
}

function writeUuids(vector: duckdb.Vector, cell: CellOf, rows: number): void {
  const bytes = Buffer.alloc(rows * UUID_BYTES)
  for (let row = 0; row < rows; row++) {
    const text = cell(row)
    if (typeof text !== 'string') continue
    const at = row * UUID_BYTES
    bytes.write(text.replaceAll('-', ''), at, 'hex')
    bytes.subarray(at, at + UUID_BYTES).reverse()
    bytes[at + 15]! ^= 0x80
  }
  copy(vector, bytes)
}
