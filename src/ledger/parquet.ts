/** Tables of records to Parquet files, and back to the records' canonical texts. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBType,
  TIMESTAMP_MS,
  UUID,
  VARCHAR,
} from '@duckdb/node-api'
import { assembler, type Fragments, type Table } from './columns.ts'
import { eachChunk } from './duck.ts'
import { type Column, type ColumnType, POSITION, SQL_TYPES } from './schema.ts'
import { identifier, literal } from './sql-text.ts'
import { readFragments, readNumbers, VECTOR_ROWS, writeCells } from './vectors.ts'

/**
 * Rows in a row group, the smallest part that a filter can leave out: few enough that finding one record reads little,
 * enough that compression loses little against the usual 122,880.
 */
const ROW_GROUP_ROWS = 20_480

let tables = 0

/** Writes a table to a new file, in its order. The file is not flushed to the device. */
export async function writeParquet(connection: DuckDBConnection, table: Table, path: string): Promise<void> {
  const name = `table_${tables++}`
  const columns = table.columns.map(column => `${identifier(column.name)} ${SQL_TYPES[column.type]}`)
  await connection.run(`CREATE TABLE ${name} (${columns.join(', ')})`)
  try {
    const appender = await connection.createAppender(name)
    const types = table.columns.map(({ type }) => DUCKDB_TYPES[type])
    for (let from = 0; from < table.rows; from += VECTOR_ROWS) {
      const rows = Math.min(VECTOR_ROWS, table.rows - from)
      const part = DuckDBDataChunk.create(types, rows)
      for (const [index, column] of table.columns.entries()) writeCells(part.chunk, index, column, from, rows)
      appender.appendDataChunk(part)
      await nextTurn()
    }
    appender.closeSync()
    const options = `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_ROWS}`
    await connection.run(`COPY ${name} TO ${literal(path)} (${options})`)
  } finally {
    await connection.run(`DROP TABLE ${name}`)
  }
}

const DUCKDB_TYPES: Readonly<Record<ColumnType, DuckDBType>> = {
  text: VARCHAR,
  json: VARCHAR,
  number: DOUBLE,
  integer: BIGINT,
  boolean: BOOLEAN,
  uuid: UUID,
  time: TIMESTAMP_MS,
}

/** A file of records, as a manifest describes it. */
export interface RecordFile {
  readonly path: string
  readonly kind?: string
  readonly model?: string
  /** All but `position`. */
  readonly columns: readonly Column[]
}

export interface Lines {
  readonly rows: number
  position(row: number): number
  /** The canonical text. */
  text(row: number): string
  /** By column of the file. */
  readonly cells: readonly Fragments[]
}

/**
 * The FROM clause of files. Where they lie says kind, model and date, which the columns must not repeat.
 *
 * @param isUnion of columns that not all of them have.
 */
export function parquetSource(paths: readonly string[], isUnion = false): string {
  const union = isUnion ? ', union_by_name = true' : ''
  return `read_parquet([${paths.map(literal).join(', ')}], hive_partitioning = false${union})`
}

/**
 * The records of a file, in parts that are only valid while `each` runs.
 *
 * @param where SQL after WHERE, `''` for all rows.
 */
export async function readParquet(
  connection: DuckDBConnection,
  file: RecordFile,
  where: string,
  each: (lines: Lines) => Promise<boolean | undefined> | boolean | undefined,
): Promise<void> {
  const assemble = assembler(file.kind, file.model, file.columns)
  const selected = file.columns.map(({ name, type }) =>
    type === 'time' ? `epoch_ms(${identifier(name)})` : identifier(name),
  )
  const filter = where === '' ? '' : ` WHERE ${where}`
  const sql = `SELECT ${[POSITION, ...selected].join(', ')} FROM ${parquetSource([file.path])}${filter}`
  await eachChunk(connection, sql, (chunk, rows) => {
    const position = readNumbers(chunk, 0, rows)
    const cells = file.columns.map(({ type }, index) => readFragments(chunk, index + 1, type, rows))
    return each({ rows, position, text: row => assemble(cells, row), cells })
  })
}
