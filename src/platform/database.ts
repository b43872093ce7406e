/**
 * Metadata in SQL: SQLite in the data folder, or PostgreSQL, through one query builder.
 *
 * Columns have types that both know and return alike: `text`, `integer` (booleans are 0 and 1), `bigint` for times in
 * milliseconds, JSON as `text`, bytes as `bytesColumn`. Integers come back as numbers; one beyond ±2^53 is refused.
 * While open and at rest, a database does not keep the process alive.
 */
import { type Dialect, Kysely, PostgresAdapter, sql } from 'kysely'
import { type Migrations, migrate } from './migrations.ts'
import { sqliteDialect } from './sqlite-dialect.ts'

export type { Migrations } from './migrations.ts'

export interface Database {
  // biome-ignore lint/suspicious/noExplicitAny: each slice names its own tables by `tables`.
  readonly sql: Kysely<any>
  readonly engine: 'sqlite' | 'postgres'
  close(): Promise<void>
}

/** Where a database is. */
export interface DatabasePlace {
  /** Of a PostgreSQL database, `postgres://…`. Empty: SQLite in `file`. */
  readonly url?: string
  /** Path of a SQLite database; `:memory:` for one that dies with its opener. */
  readonly file?: string
}

/** Opens a database and brings its tables up to date, slice by slice in the order given. */
export async function openDatabase(
  { url = '', file = '' }: DatabasePlace,
  migrations: readonly Migrations[],
): Promise<Database> {
  if (url === '' && file === '') throw new Error('Cannot open a database: neither a URL nor a file was given')
  const engine = url === '' ? 'sqlite' : 'postgres'
  // biome-ignore lint/suspicious/noExplicitAny: see `Database`.
  const db = new Kysely<any>({ dialect: url === '' ? sqliteDialect(file) : await postgres(url) })
  try {
    await migrate(db, engine, migrations)
  } catch (error) {
    await db.destroy()
    throw error
  }
  return { sql: db, engine, close: () => db.destroy() }
}

async function postgres(url: string): Promise<Dialect> {
  const { postgresDialect } = await import('./postgres-dialect.ts') // its driver is for those who have one
  return postgresDialect(url)
}

/** The database, or a transaction of it, as somebody sees it who knows the tables `T`. */
// biome-ignore lint/suspicious/noExplicitAny: narrowing any tables to those of the caller is what this is for.
export function tables<T>(db: Database | Kysely<any>): Kysely<T> {
  return 'engine' in db ? db.sql : db
}

const UNIQUE = new Set(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', 'SQLITE_CONSTRAINT_ROWID', '23505'])

/** Whether a statement failed because a primary key or a unique index has the value already. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && UNIQUE.has(String(error.code))
}

/** The type of a column of bytes, for `addColumn`. Reads as `Uint8Array`. */
// biome-ignore lint/suspicious/noExplicitAny: see `Database`.
export function bytesColumn(db: Kysely<any>): ReturnType<typeof sql> {
  return db.getExecutor().adapter instanceof PostgresAdapter ? sql`bytea` : sql`blob`
}
