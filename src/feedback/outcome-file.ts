/** A file of outcomes on this machine, as lines of CSV. */
import { createReadStream, existsSync } from 'node:fs'
import type { DuckDBResult } from '@duckdb/node-api'
import { Problem } from '../errors.ts'
import type { Duck } from '../ledger/duck.ts'
import { identifier, literal } from '../ledger/sql-text.ts'
import { csvLines, delimiterOf } from './csv-lines.ts'

export interface FileLine {
  /** Of the file, the header being 1; of Parquet, the row plus 1. */
  readonly line: number
  /** As CSV; empty where it cannot be read. */
  readonly text: string
  /** Why it cannot be sent. */
  readonly fault?: string
}

export interface OutcomeFile {
  readonly header: string
  readonly delimiter: string
  /** Rows, in order. */
  readonly lines: AsyncIterable<FileLine>
}

const DUCK = { memory: '512MB', threads: 1 } as const

/** Throws `usage` for another kind of file, `not_found`, `invalid` for one without a header. */
export async function openOutcomeFile(path: string): Promise<OutcomeFile> {
  const isParquet = /\.parquet$/i.test(path)
  if (!isParquet && !/\.csv$/i.test(path)) {
    throw new Problem('usage', `Cannot use ${path} as input: its name must end in .csv or .parquet`)
  }
  if (!existsSync(path)) throw new Problem('not_found', `Cannot read ${path}: there is no such file`)
  return isParquet ? openParquet(path) : openCsv(path)
}

async function openCsv(path: string): Promise<OutcomeFile> {
  const lines = csvLines(createReadStream(path))
  const first = await lines.next()
  if (first.done === true) throw new Problem('invalid', `Cannot read ${path}: it is empty, wanted a header and rows`)
  const header = first.value.text
  if (header === undefined) throw new Problem('invalid', `Cannot read ${path}: the header ${first.value.fault}`)
  const rest = async function* (): AsyncGenerator<FileLine, void, undefined> {
    for await (const { line, text = '', fault } of lines) yield { line, text, ...(fault !== undefined && { fault }) }
  }
  return { header, delimiter: delimiterOf(header), lines: rest() }
}

async function openParquet(path: string): Promise<OutcomeFile> {
  const { openDuck } = await import('../ledger/duck.ts') // a command that reads CSV does without
  const duck = await openDuck(DUCK)
  // Nobody else uses this engine: its connection may outlive the call that made it.
  const connection = await duck.use(async made => made)
  const source = `read_parquet(${literal(path)})`
  try {
    const columns = (await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${source}`)).getRows()
    const selected = columns.map(([name, type]) => cellExpression(String(name), String(type)))
    const rows = await connection.stream(`SELECT ${selected.join(', ')} FROM ${source}`)
    const header = columns.map(([name]) => csvCell(String(name))).join(',')
    return { header, delimiter: ',', lines: parquetLines(duck, rows) }
  } catch (error) {
    duck.close()
    throw new Problem('invalid', `Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Moments as numbers, which no zone can be misread in. */
function cellExpression(name: string, type: string): string {
  return type.startsWith('TIMESTAMP') ? `epoch_ms(${identifier(name)})::VARCHAR` : `${identifier(name)}::VARCHAR`
}

async function* parquetLines(duck: Pick<Duck, 'close'>, rows: DuckDBResult): AsyncGenerator<FileLine, void, undefined> {
  let line = 1
  try {
    for (;;) {
      const chunk = await rows.fetchChunk()
      if (chunk === null || chunk.rowCount === 0) return
      for (const cells of chunk.getRows()) {
        yield { line: ++line, text: cells.map(cell => csvCell(typeof cell === 'string' ? cell : '')).join(',') }
      }
    }
  } finally {
    duck.close()
  }
}

/** Quoted where CSV wants it. A line break would end the row: it becomes a space. */
function csvCell(text: string): string {
  const plain = text.replaceAll(/[\r\n]+/g, ' ')
  return /[",;\t]/.test(plain) || plain.trim() !== plain ? `"${plain.replaceAll('"', '""')}"` : plain
}
