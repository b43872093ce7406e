/** Kysely over `sqlite-connection.ts`: one connection, handed to one user at a time, so that transactions never interleave. */
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { SqliteConnection } from './sqlite-connection.ts'

export function sqliteDialect(sqlite: SqliteConnection): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => driver(sqlite),
    createIntrospector: db => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

function driver(sqlite: SqliteConnection): Driver {
  const connection = connectionOver(sqlite)
  const run = async (sql: string): Promise<void> => {
    await connection.executeQuery(CompiledQuery.raw(sql))
  }
  let turn: Promise<void> = Promise.resolve()
  let endTurn: () => void = () => undefined
  return {
    async init(): Promise<void> {},
    async acquireConnection(): Promise<DatabaseConnection> {
      const before = turn
      const { promise, resolve } = Promise.withResolvers<void>()
      turn = promise
      await before
      endTurn = resolve
      return connection
    },
    async releaseConnection(): Promise<void> {
      endTurn()
    },
    // IMMEDIATE: a transaction that will write must not discover half-way that another process began to.
    beginTransaction: () => run('begin immediate'),
    commitTransaction: () => run('commit'),
    rollbackTransaction: () => run('rollback'),
    destroy: () => sqlite.close(),
  }
}

function connectionOver(sqlite: SqliteConnection): DatabaseConnection {
  return {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      const { rows, changes, lastInsertRowid } = await sqlite.run(query.sql, query.parameters)
      return {
        rows: (rows ?? []) as R[],
        ...(changes === undefined ? {} : { numAffectedRows: BigInt(changes) }),
        ...(lastInsertRowid === undefined ? {} : { insertId: lastInsertRowid }),
      }
    },
    // biome-ignore lint/correctness/useYield: the interface wants a generator, and a worker's reply comes whole.
    async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
      throw new Error('Cannot stream a query: SQLite answers whole, wanted pages by `limit`')
    },
  }
}
