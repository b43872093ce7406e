/**
 * Reads a CSV file (RFC 4180) as typed columns. Streams: only the columns asked for are kept, numbers in eight bytes a cell,
 * texts in four and a dictionary.
 *
 * Takes UTF-8 with or without a byte order mark, LF or CRLF, quoted cells, and commas, semicolons or tabs between
 * cells (told from the header); gzip is recognised by its first bytes. The first line is the header. A cell that is empty or
 * one of `MISSING` is missing. Empty lines are skipped.
 */
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { CsvError, type Options, Parser } from 'csv-parse'
import { Problem } from '../errors.ts'
import { type Column, ColumnBuilder, NumbersBuilder } from './column.ts'

const COLUMNS_MAX = 10_000
const HEADER_BYTES_MAX = 1 << 20
const RECORD_CHARACTERS_MAX = 1 << 22

export interface CsvLimits {
  /** After unpacking. */
  readonly bytesMax: number
  /** Rows times kept columns. */
  readonly cellsMax: number
}

export const CSV_LIMITS: CsvLimits = { bytesMax: 2 ** 34, cellsMax: 2 ** 27 }

export interface CsvReading {
  /** Names the file in errors, e.g. `the reference data`. */
  readonly what: string
  /** Which columns to keep, once the header is known; all by default. May throw what is wrong with the header. */
  readonly keep?: (header: readonly string[]) => readonly string[]
  /** Columns whose cells are texts even where they look like numbers. */
  readonly texts?: ReadonlySet<string>
  /** Columns whose cells become numbers in a way of their own; NaN is missing. */
  readonly numbers?: ReadonlyMap<string, (cell: string) => number>
  readonly limits?: CsvLimits
}

export interface CsvTable {
  /** All names, in the order of the file. */
  readonly header: readonly string[]
  readonly rows: number
  /** The columns kept, by name. */
  readonly columns: ReadonlyMap<string, Column>
}

/** Throws `invalid` naming the line, `too_large`, or what `keep` throws. */
export async function readCsv(source: AsyncIterable<Uint8Array>, reading: CsvReading): Promise<CsvTable> {
  const rows = new RowsReader(reading)
  let parser: Parser | undefined
  let head = ''
  for await (const text of decoded(source, reading)) {
    if (parser !== undefined) {
      await write(parser, text, reading.what)
      continue
    }
    head += text
    if (!/[\r\n]/.test(head)) {
      if (head.length > HEADER_BYTES_MAX) throw invalid(reading.what, `line 1 is longer than ${HEADER_BYTES_MAX} bytes`)
      continue
    }
    parser = rows.parser(head)
    await write(parser, head, reading.what)
  }
  if (head === '') throw invalid(reading.what, 'it is empty, wanted a header and rows')
  if (parser === undefined) {
    parser = rows.parser(head)
    await write(parser, head, reading.what)
  }
  await end(parser, reading.what)
  return rows.table()
}

/** What is done with each record. */
class RowsReader {
  readonly #reading: CsvReading
  readonly #limits: CsvLimits
  #header: readonly string[] | undefined
  #builders: { readonly at: number; readonly builder: ColumnBuilder | NumbersBuilder }[] = []
  #rows = 0

  constructor(reading: CsvReading) {
    this.#reading = reading
    this.#limits = reading.limits ?? CSV_LIMITS
  }

  parser(head: string): Parser {
    const options: Options = {
      delimiter: delimiterOf(head),
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: RECORD_CHARACTERS_MAX,
      on_record: (record: unknown, { lines }) => {
        this.#record(record as readonly string[], lines)
        return null // nothing waits in the parser: it is driven by our own loop
      },
    }
    const parser = new Parser(options)
    parser.on('error', () => {}) // told through the callback of the write that met it; unheard, it would end the process
    return parser
  }

  table(): CsvTable {
    if (this.#header === undefined || this.#rows === 0) throw invalid(this.#reading.what, 'it has a header but no rows')
    const columns = new Map(this.#builders.map(({ builder }) => [builder.name, builder.finish()]))
    return { header: this.#header, rows: this.#rows, columns }
  }

  #record(record: readonly string[], line: number): void {
    if (this.#header === undefined) {
      this.#begin(record)
      return
    }
    const wanted = this.#header.length
    if (record.length !== wanted) {
      throw invalid(this.#reading.what, `line ${line} has ${record.length} cells, wanted ${wanted} as in the header`)
    }
    if (++this.#rows * this.#builders.length > this.#limits.cellsMax) {
      throw new Problem(
        'too_large',
        `Cannot read ${this.#reading.what}: it has more than ${this.#limits.cellsMax} cells`,
      )
    }
    for (const { at, builder } of this.#builders) builder.add(record[at]!, line)
  }

  #begin(record: readonly string[]): void {
    const { what, keep, texts, numbers } = this.#reading
    const header = record.map(name => name.trim())
    if (header.length > COLUMNS_MAX)
      throw invalid(what, `it has ${header.length} columns, wanted at most ${COLUMNS_MAX}`)
    const empty = header.indexOf('')
    if (empty >= 0) {
      const hint = empty === 0 ? ' (written by pandas? then say index=False in to_csv)' : ''
      throw invalid(what, `column ${empty + 1} has no name${hint}`)
    }
    const twice = header.find((name, at) => header.indexOf(name) !== at)
    if (twice !== undefined) throw invalid(what, `two columns are named ${JSON.stringify(twice)}`)
    this.#header = header
    const kept = keep === undefined ? header : keep(header)
    this.#builders = kept.map(name => {
      const read = numbers?.get(name)
      const builder = read === undefined ? new ColumnBuilder(name, texts?.has(name)) : new NumbersBuilder(name, read)
      return { at: header.indexOf(name), builder }
    })
  }
}

/** The bytes as text: unpacked, without a byte order mark, refused where they are not UTF-8. */
async function* decoded(source: AsyncIterable<Uint8Array>, { what, limits }: CsvReading): AsyncGenerator<string> {
  const bytesMax = (limits ?? CSV_LIMITS).bytesMax
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
    } catch {
      throw invalid(what, 'it is not UTF-8 (saved by a spreadsheet? then choose "CSV UTF-8")')
    }
  }
  let bytes = 0
  for await (const chunk of unpacked(source, what)) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new Problem('too_large', `Cannot read ${what}: it has more than ${bytesMax} bytes`)
    const text = decode(chunk)
    if (text.includes('\0')) throw invalid(what, 'it has bytes of value 0, wanted a text file')
    if (text !== '') yield text
  }
  decode()
}

async function* unpacked(source: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]()
  const first = await firstBytes(chunks)
  const rest = (async function* (): AsyncGenerator<Uint8Array> {
    yield first
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
  })()
  if (first[0] !== 0x1f || first[1] !== 0x8b) return yield* rest
  const input = Readable.from(rest)
  const gunzip = createGunzip()
  input.on('error', error => gunzip.destroy(error))
  try {
    for await (const chunk of input.pipe(gunzip)) yield chunk as Uint8Array
  } catch (error) {
    if (error instanceof Problem || !isZlib(error)) throw error
    throw invalid(what, `it starts like gzip, but cannot be unpacked (${error.message})`)
  }
}

/** At least two bytes, where there are as many: enough to recognise gzip. */
async function firstBytes(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let first = new Uint8Array(0)
  while (first.length < 2) {
    const next = await chunks.next()
    if (next.done === true) break
    first = first.length === 0 ? new Uint8Array(next.value) : Uint8Array.from([...first, ...next.value])
  }
  return first
}

function isZlib(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
}

/** Commas, unless the header has none outside quotes and has semicolons or tabs. */
function delimiterOf(head: string): string {
  const line = (/^[^\r\n]*/.exec(head)?.[0] ?? '').replaceAll(/"[^"]*"/g, '')
  return [',', ';', '\t'].find(delimiter => line.includes(delimiter)) ?? ','
}

function write(parser: Parser, text: string, what: string): Promise<void> {
  return settled(parser, what, done => parser.write(text, done))
}

function end(parser: Parser, what: string): Promise<void> {
  return settled(parser, what, done => {
    parser.on('end', done)
    parser.resume()
    parser.end()
  })
}

function settled(parser: Parser, what: string, act: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(error instanceof CsvError ? fromParser(error, what) : error)
    parser.once('error', fail)
    act(error => {
      parser.removeListener('error', fail)
      if (error === undefined || error === null) resolve()
      else fail(error)
    })
  })
}

function fromParser(error: CsvError, what: string): Problem {
  const line = typeof error['lines'] === 'number' ? `line ${error['lines']}: ` : ''
  if (error.code === 'CSV_QUOTE_NOT_CLOSED') return invalid(what, `${line}a quote is opened and never closed`)
  if (error.code === 'CSV_MAX_RECORD_SIZE')
    return invalid(what, `${line}a row has more than ${RECORD_CHARACTERS_MAX} characters`)
  return invalid(what, `${line}${error.message.replace(/ at line \d+.*$/, '')}`)
}

function invalid(what: string, detail: string): Problem {
  return new Problem('invalid', `Cannot read ${what}: ${detail}`)
}
