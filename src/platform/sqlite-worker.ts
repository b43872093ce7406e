/**
 * The thread that owns a SQLite connection. SQLite answers synchronously and a commit waits for the disk; here nobody
 * else waits with it.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { SqlValue } from './parameters.ts'
import type { SqliteAnswer, SqliteRequest } from './sqlite-protocol.ts'

const STATEMENTS_MAX = 512
const BUSY_TIMEOUT_MS = 5_000
const DDL = /^\s*(create|alter|drop|reindex|vacuum|pragma|attach|detach)\b/i

interface Prepared {
  readonly statement: StatementSync
  readonly columns: readonly string[]
}

const port = parentPort!
const { file } = workerData as { file: string }
const prepared = new Map<string, Prepared>()
let database: DatabaseSync | undefined

function open(): DatabaseSync {
  const opened = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true })
  try {
    // WAL: readers of the file (a backup, a person) do not block the writer. FULL: a commit survives loss of power.
    // What is deleted is overwritten: a subject's key that was destroyed must not lie on in free pages.
    opened.exec(
      'pragma journal_mode = wal; pragma synchronous = full; pragma trusted_schema = off; pragma secure_delete = on',
    )
    return opened
  } catch (error) {
    opened.close()
    throw error
  }
}

function prepare(sql: string): Prepared {
  const statement = (database as DatabaseSync).prepare(sql)
  // Without this, a value beyond 2^53 is refused only while it is read, and one just below it by nobody.
  statement.setReadBigInts(true)
  statement.setReturnArrays(true)
  return { statement, columns: statement.columns().map(column => column.name) }
}

/** A statement from the cache, the one used last at its end, so that the first is the one to drop. */
function cached(sql: string): Prepared {
  const found = prepared.get(sql)
  if (found !== undefined) {
    prepared.delete(sql)
    prepared.set(sql, found)
    return found
  }
  if (DDL.test(sql)) {
    // The columns of cached statements may be about to change.
    prepared.clear()
    return prepare(sql)
  }
  const made = prepare(sql)
  if (prepared.size >= STATEMENTS_MAX) prepared.delete(prepared.keys().next().value as string)
  prepared.set(sql, made)
  return made
}

function run(sql: string, parameters: readonly SqlValue[]): Omit<SqliteAnswer, 'id'> {
  const { statement, columns } = cached(sql)
  if (columns.length === 0) {
    const { changes, lastInsertRowid } = statement.run(...parameters)
    return { changes: BigInt(changes), insertId: BigInt(lastInsertRowid) }
  }
  return { columns, rows: (statement.all(...parameters) as unknown as SqlValue[][]).map(plain) }
}

/** A statement for each row, all or none; in a transaction, the rows before one that fails are left to its rollback. */
function many(sql: string, columns: NonNullable<SqliteRequest['columns']>): Omit<SqliteAnswer, 'id'> {
  const { statement } = cached(sql)
  const isAlone = !database!.isTransaction
  if (isAlone) database!.exec('begin immediate')
  try {
    const row: SqlValue[] = new Array(columns.length)
    const rows = columns[0]?.length ?? 0
    let changes = 0
    for (let at = 0; at < rows; at++) {
      for (let i = 0; i < columns.length; i++) row[i] = columns[i]![at]!
      changes += Number(statement.run(...row).changes)
    }
    if (isAlone) database!.exec('commit')
    return { changes: BigInt(changes), insertId: 0n }
  } catch (error) {
    if (isAlone && database!.isTransaction) database!.exec('rollback')
    throw error
  }
}

/** 64-bit integers become numbers where a number holds them exactly; others stay bigints for the other side to judge. */
function plain(row: SqlValue[]): SqlValue[] {
  for (let i = 0; i < row.length; i++) {
    const value = row[i]
    if (typeof value !== 'bigint') continue
    const number = Number(value)
    if (Number.isSafeInteger(number)) row[i] = number
  }
  return row
}

function answer(request: SqliteRequest): Omit<SqliteAnswer, 'id'> {
  database ??= open()
  if (request.begins === true) database.exec('begin immediate')
  if (request.do === 'run') return run(request.sql ?? '', request.parameters ?? [])
  if (request.do === 'many') return many(request.sql ?? '', request.columns ?? [])
  // After some errors, a full disk among them, SQLite has rolled back by itself.
  if (request.do === 'rollback' && database.isTransaction) database.exec('rollback')
  if (request.do === 'close') database.close()
  return {}
}

function failure(error: unknown): NonNullable<SqliteAnswer['error']> {
  const message = error instanceof Error ? error.message : String(error)
  const errcode = error instanceof Error && 'errcode' in error ? Number(error.errcode) : undefined
  return { message, errcode }
}

port.on('message', (request: SqliteRequest) => {
  try {
    port.postMessage({ id: request.id, ...answer(request) })
  } catch (error) {
    port.postMessage({ id: request.id, error: failure(error) })
  }
  if (request.do === 'close') port.close()
})
