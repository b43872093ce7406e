/**
 * A flat column of doubles as one Parquet page, out of a typed array and without an object a value: nearly all columns of a scored
 * file are such, and a writer for any data spends most of its time on them.
 *
 * Source: Apache Parquet format, "Data Pages" (version 2), "Run Length Encoding / Bit-Packing Hybrid" and "Plain".
 */
import type { ColumnChunk, CompressionCodec } from 'hyparquet'
import type { ByteWriter } from 'hyparquet-writer'
import { writePageHeader } from 'hyparquet-writer/src/datapage.js'

const BYTES = 8

interface Codec {
  readonly codec: CompressionCodec
  readonly compress: (bytes: Uint8Array) => Uint8Array
}

/** @param numbers NaN stands for a missing value; there is none where the column is not `nullable`. */
export function writeDoubles(
  writer: ByteWriter,
  { name, nullable, numbers }: { readonly name: string; readonly nullable: boolean; readonly numbers: Float64Array },
  { codec, compress }: Codec,
): ColumnChunk {
  const from = writer.offset
  const { present, levels } = nullable ? withoutMissing(numbers) : { present: numbers, levels: new Uint8Array(0) }
  const plain = littleEndian(present)
  const packed = compress(plain)
  writePageHeader(writer, {
    type: 'DATA_PAGE_V2',
    uncompressed_page_size: levels.length + plain.length,
    compressed_page_size: levels.length + packed.length,
    data_page_header_v2: {
      num_values: numbers.length,
      num_nulls: numbers.length - present.length,
      num_rows: numbers.length,
      encoding: 'PLAIN',
      definition_levels_byte_length: levels.length,
      repetition_levels_byte_length: 0,
      is_compressed: true,
    },
  })
  const headerBytes = writer.offset - from
  writer.appendBytes(levels)
  writer.appendBytes(packed)
  return {
    file_offset: BigInt(from),
    meta_data: {
      type: 'DOUBLE',
      encodings: ['PLAIN', ...(nullable ? (['RLE'] as const) : [])],
      path_in_schema: [name],
      codec,
      num_values: BigInt(numbers.length),
      total_uncompressed_size: BigInt(headerBytes + levels.length + plain.length),
      total_compressed_size: BigInt(writer.offset - from),
      data_page_offset: BigInt(from),
    },
  }
}

/** The numbers that are there, and a bit for each row that says whether it has one: definition levels, bit-packed. */
function withoutMissing(numbers: Float64Array): { present: Float64Array; levels: Uint8Array } {
  const rows = numbers.length
  const present = new Float64Array(rows)
  const groups = Math.ceil(rows / 8)
  const header = varint((groups << 1) | 1)
  const levels = new Uint8Array(header.length + groups)
  levels.set(header)
  let count = 0
  for (let group = 0, row = 0; group < groups; group++) {
    let bits = 0
    for (const end = Math.min(rows, row + 8), first = row; row < end; row++) {
      const number = numbers[row]!
      // Written always, counted where it is a number: a branch less that cannot be foreseen.
      present[count] = number
      const isThere = Number.isNaN(number) ? 0 : 1
      count += isThere
      bits |= isThere << (row - first)
    }
    levels[header.length + group] = bits
  }
  return { present: present.subarray(0, count), levels }
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return [...bytes, rest]
}

const IS_LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

function littleEndian(numbers: Float64Array): Uint8Array {
  if (IS_LITTLE) return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)
  const view = new DataView(new ArrayBuffer(numbers.length * BYTES))
  for (let at = 0; at < numbers.length; at++) view.setFloat64(at * BYTES, numbers[at]!, true)
  return new Uint8Array(view.buffer)
}
