/**
 * The database of another process of this server: statements go over a link to the process that has it open, so that there
 * is one connection, one writer and one place of settings. Single statements only: whoever changes things in transactions
 * does it over there.
 */
import {
  CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Database } from './database.ts'
import type { Link } from './link.ts'

const STATEMENT = 'database'

interface Statement {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

/** Answers the statements of the other side's `remoteDatabase`. */
export function shareDatabase(link: Pick<Link, 'answer'>, db: Pick<Database, 'sql'>): void {
  link.answer(STATEMENT, async ({ sql, parameters }: Statement): Promise<QueryResult<unknown>> => {
    const { rows, numAffectedRows, insertId } = await db.sql.executeQuery(CompiledQuery.raw(sql, [...parameters]))
    return {
      rows,
      ...(numAffectedRows !== undefined && { numAffectedRows }),
      ...(insertId !== undefined && { insertId }),
    }
  })
}

/** A database that the other side shares by `shareDatabase`. */
export function remoteDatabase(link: Pick<Link, 'ask'>, engine: Database['engine']): Database {
  // biome-ignore lint/suspicious/noExplicitAny: see `Database`.
  const sql = new Kysely<any>({ dialect: remoteDialect(link, engine) })
  return { sql, engine, close: () => sql.destroy() }
}

function remoteDialect(link: Pick<Link, 'ask'>, engine: Database['engine']): Dialect {
  const isSqlite = engine === 'sqlite'
  return {
    createDriver: (): Driver => remoteDriver(link),
    createQueryCompiler: (): QueryCompiler => (isSqlite ? new SqliteQueryCompiler() : new PostgresQueryCompiler()),
    createAdapter: (): DialectAdapter => (isSqlite ? new SqliteAdapter() : new PostgresAdapter()),
    createIntrospector: (db): DatabaseIntrospector =>
      isSqlite ? new SqliteIntrospector(db) : new PostgresIntrospector(db),
  }
}

function remoteDriver(link: Pick<Link, 'ask'>): Driver {
  const connection: DatabaseConnection = {
    executeQuery: <R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> =>
      link.ask<QueryResult<R>>(STATEMENT, { sql, parameters } satisfies Statement),
    // biome-ignore lint/correctness/useYield: refused, as by the database itself.
    async *streamQuery(): AsyncIterableIterator<never> {
      throw new Error('Cannot stream rows: wanted pages by key')
    },
  }
  const refuse = async (): Promise<never> => {
    throw new Error('Cannot begin a transaction: this process has the database of another one, which makes them')
  }
  const nothing = async (): Promise<void> => {}
  return {
    init: nothing,
    acquireConnection: async () => connection,
    beginTransaction: refuse,
    commitTransaction: refuse,
    rollbackTransaction: refuse,
    releaseConnection: nothing,
    destroy: nothing,
  }
}
