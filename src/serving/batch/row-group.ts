/**
 * Row groups of Parquet: each made by a thread as a file of its own in memory, then moved to its place in the one file that
 * all go to, whose footer names them.
 */
import { constants, zstdCompressSync } from 'node:zlib'
import type { ColumnChunk, RowGroup, SchemaElement } from 'hyparquet'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { Column } from './scored-rows.ts'

/** `PAR1`, with which every Parquet file begins. */
export const MAGIC_BYTES = 4

/** Zstandard at its fastest: native, where the writer's own Snappy is JavaScript and takes three times as long. */
const FASTEST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const CODEC = {
  codec: 'ZSTD',
  compressors: { ZSTD: (input: Uint8Array): Uint8Array => zstdCompressSync(input, FASTEST) },
} as const

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
  const file = new ParquetWriter({ writer, schema, ...CODEC })
  const columnData = columns.map(({ name, type, values }) => ({
    name,
    data: values as unknown[],
    offsetIndex: false,
    // A third of the time would go into dictionaries and bounds of columns that hardly anybody will select by.
    statistics: false,
    ...(type === 'number' ? { encoding: 'PLAIN' as const } : {}),
  }))
  // Pages of any size: a block's columns are no larger than one.
  void file.write({ columnData, rowGroupSize: rows, pageSize: 0 })
  const [group] = file.row_groups
  return { bytes: writer.getBytes().slice(MAGIC_BYTES), group: movedBy(group!, -MAGIC_BYTES) }
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
