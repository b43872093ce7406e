/** The thread that holds a SQLite connection: statements come in, rows go out. Started by `sqlite-connection.ts`. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { SqliteOptions, StatementReply, StatementRequest } from './sqlite-connection.ts'

const STATEMENTS_MAX = 500

const { file, journal, waitMs } = workerData as { readonly file: string } & SqliteOptions

/** Opened with the first statement, so that what goes wrong is told to whoever asked. */
let opened: DatabaseSync | undefined

function connection(): DatabaseSync {
  if (opened !== undefined) return opened
  const made = new DatabaseSync(file, { timeout: waitMs })
  try {
    if (journal === 'wal') made.exec('PRAGMA journal_mode = WAL')
    // FULL: a committed transaction survives the machine, not only the process.
    made.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
  } catch (error) {
    made.close()
    throw error
  }
  opened = made
  return made
}

const statements = new Map<string, StatementSync>()

function prepared(sql: string): StatementSync {
  const known = statements.get(sql)
  if (known !== undefined) return known
  const statement = connection().prepare(sql)
  // Whole numbers beyond 2^53 come as bigint instead of silently wrong; `narrow` makes the others numbers again.
  statement.setReadBigInts(true)
  if (statements.size >= STATEMENTS_MAX) statements.delete(statements.keys().next().value!)
  statements.set(sql, statement)
  return statement
}

function narrow(row: Record<string, unknown>): Record<string, unknown> {
  const plain: Record<string, unknown> = {}
  for (const name in row) {
    const value = row[name]
    const isSafe = typeof value === 'bigint' && BigInt.asIntN(54, value) === value
    plain[name] = isSafe ? Number(value) : value
  }
  return plain
}

function run({ sql, parameters }: StatementRequest): Omit<StatementReply, 'id'> {
  const statement = prepared(sql)
  const values = parameters.map(value => (typeof value === 'boolean' ? Number(value) : value)) as SQLInputValue[]
  if (statement.columns().length > 0) return { rows: statement.all(...values).map(narrow) }
  const { changes, lastInsertRowid } = statement.run(...values)
  return { rows: [], changes: Number(changes), lastInsertRowid: BigInt(lastInsertRowid) }
}

parentPort!.on('message', (request: StatementRequest | 'close') => {
  if (request === 'close') {
    opened?.close()
    parentPort!.close()
    return
  }
  try {
    parentPort!.postMessage({ id: request.id, ...run(request) } satisfies StatementReply)
  } catch (error) {
    const { message, errcode, errstr } = error as Error & { errcode?: number; errstr?: string }
    parentPort!.postMessage({ id: request.id, error: { message, errcode, errstr } } satisfies StatementReply)
  }
})
