/** Rows of a Parquet file, a range at a time. */
import { type FileHandle, open } from 'node:fs/promises'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetRead, parquetSchema } from 'hyparquet'
import { Problem } from '../../errors.ts'
import { readNamed } from './json-rows.ts'
import { type ExtraColumn, type ParsedRows, RowsBuilder, type Scorer } from './parsed-rows.ts'

/** Whoever reads a file of another compression is told its name by the library. */
export const COMPRESSORS = {
  GZIP: (input: Uint8Array): Uint8Array => gunzipSync(input),
  BROTLI: (input: Uint8Array): Uint8Array => brotliDecompressSync(input),
  ZSTD: (input: Uint8Array): Uint8Array => zstdDecompressSync(input),
}

export interface ParquetFile {
  readonly buffer: AsyncBuffer
  readonly metadata: FileMetaData
  /** Flat columns; nested ones are left out. */
  readonly columns: readonly string[]
  readonly nested: readonly string[]
  readonly rows: number
  close(): Promise<void>
}

/** Throws `not_found`, or `invalid` for what is no Parquet file. */
export async function openParquet(path: string): Promise<ParquetFile> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    const found = error.code === 'ENOENT' ? 'there is no such file' : error.message
    throw new Problem('not_found', `Cannot read ${path}: ${found}`, { cause: error })
  })
  try {
    const buffer = await asyncBuffer(file)
    const metadata = await parquetMetadataAsync(buffer)
    const { children } = parquetSchema(metadata)
    const isFlat = (child: (typeof children)[number]): boolean => child.children.length === 0
    return {
      buffer,
      metadata,
      columns: children.filter(isFlat).map(({ element }) => element.name),
      nested: children.filter(child => !isFlat(child)).map(({ element }) => element.name),
      rows: Number(metadata.num_rows),
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    if (error instanceof Problem) throw error
    throw new Problem('invalid', `Cannot read ${path}: it is no whole Parquet file (${(error as Error).message})`, {
      cause: error,
    })
  }
}

async function asyncBuffer(file: FileHandle): Promise<AsyncBuffer> {
  const { size } = await file.stat()
  return {
    byteLength: size,
    async slice(start, end = size): Promise<ArrayBuffer> {
      const from = start < 0 ? size + start : start
      const bytes = new Uint8Array(end - from)
      for (let at = 0; at < bytes.length; ) {
        const { bytesRead } = await file.read(bytes, at, bytes.length - at, from + at)
        if (bytesRead === 0) throw new Problem('invalid', 'Cannot read the Parquet file: it ends too early')
        at += bytesRead
      }
      return bytes.buffer
    },
  }
}

/** @param extras names of columns that are kept beside the features. */
export async function parquetRows(
  { buffer, metadata }: ParquetFile,
  from: number,
  to: number,
  scorer: Scorer,
  extras: readonly string[],
): Promise<ParsedRows> {
  const { inputs, width } = scorer.signature
  const names = inputs.map(({ name }) => name)
  const columns = [...new Set([...names, ...extras])]
  const found = new Map(columns.map(name => [name, new Array<unknown>(to - from)]))
  const options = { file: buffer, metadata, columns, rowStart: from, rowEnd: to, compressors: COMPRESSORS }
  await parquetRead({
    ...options,
    onChunk({ columnName, columnData, rowStart }) {
      const values = found.get(columnName)!
      const first = Math.max(from, rowStart)
      const last = Math.min(to, rowStart + columnData.length)
      for (let row = first; row < last; row++) values[row - from] = columnData[row - rowStart]
    },
  })
  const rows = new RowsBuilder(width, to - from)
  const kept = extras.map(name => ({ name, given: found.get(name)!, values: [] as unknown[] }))
  for (let row = 0; row < to - from; row++) {
    const named = Object.fromEntries(names.map(name => [name, plain(found.get(name)![row])]))
    const reason = readNamed(named, inputs, scorer, rows)
    if (reason === undefined) {
      rows.add(from + row + 1, 0, 0)
      for (const { given, values } of kept) values.push(given[row] ?? null)
    } else rows.fault({ line: from + row + 1, reason, row: JSON.stringify(named) })
  }
  return rows.finish(kept.map(({ name, values }): ExtraColumn => ({ name, values })))
}

/** As JSON would have it: what is missing is null, and whole numbers of 64 bits are numbers. */
function plain(value: unknown): unknown {
  if (value === undefined || (typeof value === 'number' && Number.isNaN(value))) return null
  return typeof value === 'bigint' ? Number(value) : value
}
