/** Kysely on SQLite in a thread of its own. */
import {
  CompiledQuery as Compiled,
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { Problem } from '../errors.ts'
import { mutex } from './mutex.ts'
import { Column, type SqlValue } from './parameters.ts'
import type { SqliteAnswer } from './sqlite-protocol.ts'
import { openSqliteThread, type SqliteThread, sqliteValue } from './sqlite-thread.ts'

/**
 * There is one connection, handed out to one user at a time, in order of asking: transactions are serialised, and a
 * statement outside of any waits for the one under way.
 *
 * @param file path of the database, or `:memory:`.
 */
export function sqliteDialect(file: string): Dialect {
  return {
    createDriver: (): Driver => sqliteDriver(file),
    createQueryCompiler: (): QueryCompiler => new SqliteQueryCompiler(),
    createAdapter: (): DialectAdapter => new SqliteAdapter(),
    // biome-ignore lint/suspicious/noExplicitAny: Kysely's own signature.
    createIntrospector: (db: Kysely<any>): DatabaseIntrospector => new SqliteIntrospector(db),
  }
}

/** How long one waits for the connection before it is taken for a deadlock, and how many may wait. */
const WAIT_MS_MAX = 30_000
const WAITERS_MAX = 10_000

function sqliteDriver(file: string): Driver {
  const turn = mutex({ waitMsMax: WAIT_MS_MAX, waitersMax: WAITERS_MAX, refusal })
  let thread: SqliteThread | undefined
  let connection: DatabaseConnection | undefined
  const transaction: Beginning = { begins: false }
  const execute = (sql: string) => (connection as DatabaseConnection).executeQuery(Compiled.raw(sql))
  return {
    async init(): Promise<void> {
      thread = openSqliteThread(file)
      connection = sqliteConnection(thread, transaction)
    },
    async acquireConnection(): Promise<DatabaseConnection> {
      await turn.lock()
      return connection as DatabaseConnection
    },
    async releaseConnection(): Promise<void> {
      turn.unlock()
    },
    async beginTransaction(): Promise<void> {
      transaction.begins = true
    },
    async commitTransaction(): Promise<void> {
      if (transaction.begins) transaction.begins = false
      else await execute('commit')
    },
    async rollbackTransaction(): Promise<void> {
      transaction.begins = false
      await thread?.ask({ do: 'rollback' })
    },
    async savepoint(_connection, name): Promise<void> {
      await execute(`savepoint ${identifier(name)}`)
    },
    async rollbackToSavepoint(_connection, name): Promise<void> {
      await execute(`rollback to ${identifier(name)}`)
    },
    async releaseSavepoint(_connection, name): Promise<void> {
      await execute(`release ${identifier(name)}`)
    },
    async destroy(): Promise<void> {
      await thread?.close()
    },
  }
}

/** A transaction that is to begin with its first statement: a message less to wait for. */
interface Beginning {
  begins: boolean
}

function refusal(why: 'waited' | 'crowded'): Error {
  if (why === 'crowded') {
    return new Problem('overloaded', `Cannot query the database: ${WAITERS_MAX} statements wait already`)
  }
  const guess = 'a statement inside a transaction must be made on the transaction, not on the database'
  return new Error(`Cannot query the database: its connection was busy for ${WAIT_MS_MAX} ms; ${guess}`)
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function sqliteConnection(thread: SqliteThread, transaction: Beginning): DatabaseConnection {
  const ask: SqliteThread['ask'] = request => {
    const { begins } = transaction
    transaction.begins = false
    return thread.ask(begins ? { begins, ...request } : request)
  }
  return {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      if (parameters[0] instanceof Column) return await executeMany(ask, sql, parameters as readonly Column[])
      const answer = await ask({ do: 'run', sql, parameters: parameters.map(sqliteValue) })
      if (answer.columns !== undefined) return { rows: objectsOf(answer.columns, answer.rows) as R[] }
      return { rows: [], numAffectedRows: answer.changes ?? 0n, insertId: answer.insertId ?? 0n }
    },
    // biome-ignore lint/correctness/useYield: refused, as on PostgreSQL.
    async *streamQuery(): AsyncIterableIterator<never> {
      throw new Error('Cannot stream rows: it would hold the connection; wanted pages by key')
    },
  }
}

async function executeMany<R>(
  ask: SqliteThread['ask'],
  sql: string,
  parameters: readonly Column[],
): Promise<QueryResult<R>> {
  const columns = parameters.map(({ values }) =>
    values.every(value => typeof value === 'number') ? Float64Array.from(values as number[]) : values,
  )
  const { changes } = await ask({ do: 'many', sql, columns })
  return { rows: [], numAffectedRows: changes ?? 0n }
}

function objectsOf(columns: readonly string[], rows: SqliteAnswer['rows']): Record<string, SqlValue>[] {
  return (rows ?? []).map(row => {
    const object: Record<string, SqlValue> = {}
    for (let i = 0; i < columns.length; i++) object[columns[i]!] = readable(columns[i]!, row[i]!)
    return object
  })
}

/** A number that a number cannot hold would be silently another one, so it is refused. */
function readable(column: string, value: SqlValue): SqlValue {
  if (typeof value !== 'bigint') return value
  throw new RangeError(`Cannot read column ${column}: ${value} is beyond ±2^53, wanted an exact number`)
}
