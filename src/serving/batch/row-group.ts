/**
 * Row groups of Parquet: each made by a thread as a file of its own in memory, then moved to its place in the one file that
 * all go to, whose footer names them.
 */
import { constants, zstdCompressSync } from 'node:zlib'
import type { ColumnChunk, RowGroup, SchemaElement } from 'hyparquet'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import { writeDoubles } from './double-column.ts'
import type { Column } from './scored-rows.ts'

/** `PAR1`, with which every Parquet file begins. */
export const MAGIC_BYTES = 4

/** Zstandard at its fastest: native, where the writer's own Snappy is JavaScript and takes three times as long. */
const FASTEST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const CODEC = 'ZSTD'
const compress = (input: Uint8Array): Uint8Array => zstdCompressSync(input, FASTEST)

export interface MadeGroup {
  readonly bytes: Uint8Array
  /** Its offsets count from the first of `bytes`. */
  readonly group: RowGroup
}

export interface GroupedFile {
  readonly schema: SchemaElement[]
  /** Elements of extra columns, as the file has them that they come from; others are texts. */
  readonly extras: Readonly<Record<string, SchemaElement>>
}

export function schemaOf(columns: readonly Omit<Column, 'values'>[], extras: GroupedFile['extras']): SchemaElement[] {
  const elements = columns.map(({ name, type, nullable }): SchemaElement => {
    const repetition_type = nullable ? 'OPTIONAL' : 'REQUIRED'
    if (type === 'number') return { name, type: 'DOUBLE', repetition_type }
    if (type === 'boolean') return { name, type: 'BOOLEAN', repetition_type }
    const known = type === 'extra' ? extras[name] : undefined
    if (known !== undefined) return { ...known, name, repetition_type: 'OPTIONAL' }
    return { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type }
  })
  return [{ name: 'root', num_children: elements.length }, ...elements]
}

export function makeGroup(schema: SchemaElement[], columns: readonly Column[], rows: number): MadeGroup {
  const writer = new ByteWriter(1 << 20)
  const others = columns.filter(({ type }) => type !== 'number')
  const chunks = new Map(
    chunksOf(writer, schema, others, rows).map(chunk => [chunk.meta_data!.path_in_schema[0]!, chunk]),
  )
  for (const { name, nullable, values } of columns.filter(({ type }) => type === 'number')) {
    const numbers = values as Float64Array
    chunks.set(name, writeDoubles(writer, { name, nullable, numbers }, { codec: CODEC, compress }))
  }
  const all = columns.map(({ name }) => chunks.get(name)!)
  const total_byte_size = all.reduce((sum, { meta_data: meta }) => sum + meta!.total_uncompressed_size, 0n)
  const total_compressed_size = all.reduce((sum, { meta_data: meta }) => sum + meta!.total_compressed_size, 0n)
  const group = { columns: all, total_byte_size, num_rows: BigInt(rows), total_compressed_size }
  return { bytes: writer.getBytes().slice(MAGIC_BYTES), group: movedBy(group, -MAGIC_BYTES) }
}

/** The columns that are not numbers, written by the library. */
function chunksOf(
  writer: ByteWriter,
  schema: SchemaElement[],
  columns: readonly Column[],
  rows: number,
): readonly ColumnChunk[] {
  const file = new ParquetWriter({ writer, schema, codec: CODEC, compressors: { [CODEC]: compress } })
  if (columns.length === 0) return []
  // Bounds and places of pages cost time for columns that hardly anybody will select by.
  const columnData = columns.map(({ name, values }) => ({
    name,
    data: values as unknown[],
    offsetIndex: false,
    statistics: false,
  }))
  // Pages of any size: a block's columns are no larger than one.
  void file.write({ columnData, rowGroupSize: rows, pageSize: 0 })
  return file.row_groups[0]!.columns
}

/** The group as it is named where its bytes begin `by` further on. */
export function movedBy(group: RowGroup, by: number): RowGroup {
  const offset = BigInt(by)
  const columns = group.columns.map((chunk): ColumnChunk => {
    const { meta_data: meta, ...rest } = chunk
    if (meta === undefined) return chunk
    const { data_page_offset, dictionary_page_offset, ...others } = meta
    const moved = {
      ...others,
      data_page_offset: data_page_offset + offset,
      ...(dictionary_page_offset === undefined ? {} : { dictionary_page_offset: dictionary_page_offset + offset }),
    }
    return { ...rest, file_offset: chunk.file_offset === 0n ? 0n : chunk.file_offset + offset, meta_data: moved }
  })
  const { file_offset, ...rest } = group
  return { ...rest, columns, ...(file_offset === undefined ? {} : { file_offset: file_offset + offset }) }
}

/** What ends the file: the footer that names all groups. */
export function footerOf(
  schema: SchemaElement[],
  groups: readonly RowGroup[],
  facts: Readonly<Record<string, string>>,
): Uint8Array {
  const writer = new ByteWriter()
  const kvMetadata = Object.entries(facts).map(([key, value]) => ({ key, value }))
  const file = new ParquetWriter({ writer, schema, kvMetadata, createdBy: 'bellwether' })
  for (const group of groups) {
    file.row_groups.push(group)
    file.num_rows += group.num_rows
  }
  void file.finish()
  return writer.getBytes().slice(MAGIC_BYTES)
}
