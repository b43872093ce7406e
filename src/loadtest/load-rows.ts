/** The bodies that a load test sends, read from a file. */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import type { Column } from '../data/column.ts'
import { readCsv } from '../data/csv.ts'
import { Problem } from '../errors.ts'
import type { Signature } from '../registry/signature.ts'
import { fileFormat } from '../serving/batch/file-format.ts'
import { COMPRESSORS, openParquet } from '../serving/batch/parquet-rows.ts'

/** Read from a file at most: they are kept in memory, and sent again and again. */
export const ROWS_MAX = 100_000

/**
 * One JSON text for each row. With a signature, columns that are no features are left out, and one that is missing is told;
 * without one, rows of JSON are sent as they stand, and the cells of a CSV file are numbers, booleans or texts by how they
 * look. Throws `not_found`, `invalid`, or `usage` for a file whose kind its name does not say.
 */
export async function readBodies(path: string, signature: Signature | undefined): Promise<readonly string[]> {
  const bodies = await readAs(path, signature)
  if (bodies.length === 0) throw new Problem('invalid', `Cannot read ${path}: it has no rows`)
  return bodies
}

async function readAs(path: string, signature: Signature | undefined): Promise<readonly string[]> {
  if (/\.json$/i.test(path)) return fromJson(path, signature)
  const { kind, gzip } = fileFormat(path, 'rows')
  if (kind === 'csv') return fromCsv(path, signature)
  return kind === 'jsonl' ? fromLines(path, gzip, signature) : fromParquet(path, signature)
}

async function fromJson(path: string, signature: Signature | undefined): Promise<string[]> {
  const value = parsed(await readFile(path, 'utf8').catch(unreadable(path)), path)
  const rows: unknown[] = Array.isArray(value) ? value : [value]
  return rows.slice(0, ROWS_MAX).map(row => bodyOf(row, path, signature))
}

async function fromLines(path: string, gzip: boolean, signature: Signature | undefined): Promise<string[]> {
  const file = createReadStream(path)
  const bodies: string[] = []
  try {
    const failed = new Promise<never>((_, reject) => file.once('error', reject))
    const text = gzip ? file.pipe(createGunzip()) : file
    const lines = createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY })
    const unpacked = new Promise<never>((_, reject) => text.once('error', reject))
    await Promise.race([failed, unpacked, collect(lines, path, signature, bodies)])
  } catch (error) {
    unreadable(path)(error)
  } finally {
    file.destroy()
  }
  return bodies
}

async function collect(
  lines: AsyncIterable<string>,
  path: string,
  signature: Signature | undefined,
  bodies: string[],
): Promise<void> {
  let number = 0
  for await (const line of lines) {
    number++
    if (line.trim() === '') continue
    // Without a signature a line is sent as it is; it must be JSON all the same, or the server's refusals are measured.
    const value = parsed(line, `line ${number} of ${path}`)
    bodies.push(signature === undefined ? line.trim() : bodyOf(value, `line ${number} of ${path}`, signature))
    if (bodies.length === ROWS_MAX) return
  }
}

async function fromCsv(path: string, signature: Signature | undefined): Promise<string[]> {
  const texts = new Set(signature?.inputs.filter(({ type }) => type === 'string').map(({ name }) => name))
  const source = createReadStream(path)
  const table = await readCsv(source, {
    what: path,
    texts,
    keep: header => featuresIn(header, path, signature) ?? header,
  }).catch(unreadable(path))
  const columns = [...table.columns.values()]
  return Array.from({ length: Math.min(table.rows, ROWS_MAX) }, (_, row) =>
    JSON.stringify(Object.fromEntries(columns.map(column => [column.name, cellOf(column, row)]))),
  )
}

function cellOf(column: Column, row: number): number | boolean | string | null {
  if (column.kind === 'text') {
    const { text, line } = column.example
    throw new Problem(
      'invalid',
      `Cannot use column ${column.name}: line ${line} is ${JSON.stringify(text)}, and too many other texts follow`,
    )
  }
  if (column.kind === 'string') return column.texts[column.codes[row]!] ?? null
  const value = column.values[row]!
  if (Number.isNaN(value)) return null
  return column.kind === 'boolean' ? value === 1 : value
}

async function fromParquet(path: string, signature: Signature | undefined): Promise<string[]> {
  const file = await openParquet(path)
  try {
    const { buffer, metadata, rows } = file
    const columns = [...(featuresIn(file.columns, path, signature) ?? file.columns)]
    const range = { rowStart: 0, rowEnd: Math.min(rows, ROWS_MAX) }
    const found = await parquetReadObjects({ file: buffer, metadata, columns, ...range, compressors: COMPRESSORS })
    return found.map(row => JSON.stringify(row, asJson))
  } finally {
    await file.close()
  }
}

/** Whole numbers of 64 bits are numbers; NaN becomes null by itself. */
function asJson(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

/** The features among the columns, all of which must be there. */
function featuresIn(
  columns: readonly string[],
  path: string,
  signature: Signature | undefined,
): readonly string[] | undefined {
  const names = signature?.inputs.map(({ name }) => name)
  const missing = names?.filter(name => !columns.includes(name)) ?? []
  if (missing.length === 0) return names
  throw new Problem(
    'invalid',
    `Cannot read ${path}: it has no column ${missing.join(', ')}, wanted every feature of the model`,
  )
}

/** A row as the model's door takes it: its features, if it is known which these are. */
function bodyOf(value: unknown, where: string, signature: Signature | undefined): string {
  if (signature === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) {
    return JSON.stringify(value)
  }
  const row = value as Readonly<Record<string, unknown>>
  const names = featuresIn(Object.keys(row), where, signature)!
  return JSON.stringify(Object.fromEntries(names.map(name => [name, row[name]])))
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Problem('invalid', `Cannot read ${where}: it is not JSON (${(error as Error).message})`, { cause: error })
  }
}

function unreadable(path: string): (error: unknown) => never {
  return error => {
    if (error instanceof Problem) throw error
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT')
      throw new Problem('not_found', `Cannot read ${path}: there is no such file`, { cause: error })
    throw new Problem('invalid', `Cannot read ${path}: ${message}`, { cause: error })
  }
}
