/** Rows of a data file, read one by one and made into what a model's door takes. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { CsvError, parse } from 'csv-parse'
import { type FieldProblem, Problem } from '../../src/errors.ts'
import type { Feature, Signature } from '../../src/registry/signature.ts'

export type RowFormat = 'csv' | 'jsonl'

/** A row as it stands in its file. */
export interface SourceRow {
  readonly line: number
  /** Cells in the order of the header (CSV), or the line as it is (JSON Lines). */
  readonly cells: readonly string[]
}

export interface RowSource {
  readonly format: RowFormat
  /** Names of the columns; empty for JSON Lines. */
  readonly header: readonly string[]
  readonly rows: AsyncIterable<SourceRow>
}

/** A row ready to be sent, or why it cannot be. */
export type Prepared = { readonly json: string } | { readonly fault: string }

const ROW_CHARACTERS_MAX = 1 << 20

export function formatOf(path: string, what: string): RowFormat {
  if (/\.csv$/i.test(path)) return 'csv'
  if (/\.(jsonl|ndjson)$/i.test(path)) return 'jsonl'
  throw new Problem('usage', `Cannot use ${path} as ${what}: its name must end in .csv or .jsonl`)
}

export async function openRows(path: string): Promise<RowSource> {
  return formatOf(path, 'input') === 'csv' ? openCsv(path) : { format: 'jsonl', header: [], rows: jsonRows(path) }
}

async function openCsv(path: string): Promise<RowSource> {
  const rows = csvRows(path)
  const first = await rows.next()
  if (first.done === true) throw new Problem('invalid', `Cannot read ${path}: it is empty, wanted a header and rows`)
  return { format: 'csv', header: first.value.cells.map(name => name.trim()), rows }
}

async function* csvRows(path: string): AsyncGenerator<SourceRow, undefined> {
  const source = createReadStream(path)
  const parser = parse({
    bom: true,
    info: true,
    relax_column_count: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    skip_empty_lines: true,
    max_record_size: ROW_CHARACTERS_MAX,
  })
  source.on('error', error => parser.destroy(error))
  try {
    for await (const { record, info } of source.pipe(parser) as AsyncIterable<{
      record: string[]
      info: { lines: number }
    }>) {
      yield { line: info.lines, cells: record }
    }
  } catch (error) {
    throw readProblem(path, error)
  } finally {
    source.destroy()
  }
}

async function* jsonRows(path: string): AsyncGenerator<SourceRow, undefined> {
  const input = createReadStream(path, 'utf8')
  const failed = new Promise<never>((_, reject) => input.once('error', reject))
  failed.catch(() => {})
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  let line = 0
  try {
    const iterator = lines[Symbol.asyncIterator]()
    while (true) {
      const next = await Promise.race([iterator.next(), failed])
      if (next.done === true) return
      line++
      const text = line === 1 ? next.value.replace(/^\ufeff/, '') : next.value
      if (text.trim() !== '') yield { line, cells: [text] }
    }
  } catch (error) {
    throw readProblem(path, error)
  } finally {
    lines.close()
    input.destroy()
  }
}

function readProblem(path: string, error: unknown): Error {
  if (error instanceof CsvError)
    return new Problem('invalid', `Cannot read ${path}: ${error.message}`, { cause: error })
  const code = (error as NodeJS.ErrnoException).code
  if (code === undefined) return error as Error
  const found = code === 'ENOENT' ? 'there is no such file' : (error as Error).message
  return new Problem('not_found', `Cannot read ${path}: ${found}`, { cause: error })
}

/**
 * How the rows of a source become JSON objects of the model's features. Columns of a CSV that are no features stay in the file
 * and are not sent.
 *
 * @throws Problem `invalid` where a feature has no column, naming both sides.
 */
export function preparerOf(source: RowSource, signature: Signature): (row: SourceRow) => Prepared {
  if (source.format === 'jsonl') return row => prepareJson(row.cells[0]!)
  const { header } = source
  const missing = signature.inputs.filter(({ name }) => !header.includes(name))
  if (missing.length > 0) throw missingColumns(header, missing)
  const columns = signature.inputs.map(feature => ({ feature, at: header.indexOf(feature.name) }))
  return ({ cells }) => {
    if (cells.length !== header.length) {
      return { fault: `has ${cells.length} cells, wanted ${header.length} as in the header` }
    }
    const members = columns.map(({ feature, at }) => `${JSON.stringify(feature.name)}:${cellJson(feature, cells[at]!)}`)
    return { json: `{${members.join(',')}}` }
  }
}

function missingColumns(header: readonly string[], missing: readonly Feature[]): Problem {
  const fields: FieldProblem[] = missing.map(({ name }) => ({ field: name, problem: 'has no column' }))
  const names = missing.map(({ name }) => name).join(', ')
  const found = header.length === 0 ? 'none' : header.join(', ')
  return new Problem('invalid', `Cannot predict: the model wants columns ${names}; the file has ${found}`, { fields })
}

function prepareJson(text: string): Prepared {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? { json: text } : { fault: 'is no JSON object' }
  } catch {
    return { fault: 'is not JSON' }
  }
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const MISSING = new Set(['', 'na', 'nan', 'null', 'none'])

/** A cell as JSON. What does not fit the type is sent as text, so that the server names it as what it is. */
function cellJson({ type }: Feature, cell: string): string {
  const text = cell.trim()
  if (MISSING.has(text.toLowerCase())) return 'null'
  if (type === 'string') return JSON.stringify(text)
  const lower = text.toLowerCase()
  if ((type === 'boolean' || type === 'numeric') && (lower === 'true' || lower === 'false')) return lower
  const number = NUMBER.test(text) ? Number(text) : Number.NaN
  return Number.isFinite(number) ? JSON.stringify(number) : JSON.stringify(text)
}
