/**
 * The metadata database: SQLite in the data folder, or PostgreSQL for those who outgrow it; the same SQL through Kysely.
 * Columns keep to types that both have: text, integer (booleans are 0 and 1), bigint for times, JSON as text.
 */
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import pg from 'pg'
import { Problem } from '../errors.ts'
import { openSqlite, SqliteError } from './sqlite-connection.ts'
import { sqliteDialect } from './sqlite-dialect.ts'

// biome-ignore lint/suspicious/noExplicitAny: each slice knows its own tables (`tables<T>`); the database knows none.
type AnyTables = any

export interface Database {
  readonly sql: Kysely<AnyTables>
  readonly engine: 'sqlite' | 'postgres'
  close(): Promise<void>
}

/** The migrations of one slice: numbered steps (`001_keys`), applied once, in order, each in a transaction. */
export interface Migrations {
  readonly slice: string
  readonly steps: Readonly<Record<string, (db: Kysely<AnyTables>) => Promise<void>>>
}

export interface DatabasePlace {
  /** `postgres://…`; empty: the SQLite `file`. */
  readonly url: string
  /** Path of the SQLite file, or `:memory:`. */
  readonly file: string
}

const POOL_CONNECTIONS_MAX = 10
const INT8 = 20
/** Any fixed number: whoever migrates holds this advisory lock of PostgreSQL. */
const MIGRATION_LOCK = 5_318_008

/** The database seen as the tables of one slice. */
export function tables<T>(db: Database | Transaction<AnyTables>): Kysely<T> {
  return ('engine' in db ? db.sql : db) as Kysely<T>
}

/** Opens and migrates. Throws `misconfigured` where it cannot be reached, or was written by a newer program. */
export async function openDatabase(place: DatabasePlace, migrations: readonly Migrations[]): Promise<Database> {
  const db = place.url === '' ? openSqliteDatabase(place.file) : openPostgresDatabase(place.url)
  try {
    await migrate(db, migrations)
  } catch (error) {
    await db.close()
    if (error instanceof Problem) throw error
    const where = place.url === '' ? place.file : withoutPassword(place.url)
    const reason = error instanceof Error ? error.message : String(error)
    throw new Problem('misconfigured', `Cannot open the database ${where}: ${reason}`, { cause: error })
  }
  return db
}

function openSqliteDatabase(file: string): Database {
  const db = new Kysely<AnyTables>({ dialect: sqliteDialect(openSqlite(file)) })
  return { sql: db, engine: 'sqlite', close: () => db.destroy() }
}

function openPostgresDatabase(url: string): Database {
  const types = new pg.TypeOverrides()
  // Times and counts are below 2^53; anything else would be wrong quietly, so it fails.
  types.setTypeParser(INT8, text => {
    const value = Number(text)
    if (!Number.isSafeInteger(value)) throw new RangeError(`Cannot read ${text}: wanted a whole number below 2^53`)
    return value
  })
  const pool = new pg.Pool({ connectionString: url, max: POOL_CONNECTIONS_MAX, types })
  // A connection that dies while idle is replaced at the next query; without a listener it would end the process.
  pool.on('error', () => undefined)
  const db = new Kysely<AnyTables>({ dialect: new PostgresDialect({ pool }) })
  return { sql: db, engine: 'postgres', close: () => db.destroy() }
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//…@')
}

async function migrate(db: Database, migrations: readonly Migrations[]): Promise<void> {
  await db.sql.transaction().execute(async tx => {
    if (db.engine === 'postgres') await sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(tx)
    await sql`create table if not exists migrations (slice text not null, step text not null, primary key (slice, step))`.execute(
      tx,
    )
    const rows = (await tx.selectFrom('migrations').select(['slice', 'step']).execute()) as {
      slice: string
      step: string
    }[]
    const done = new Set(rows.map(({ slice, step }) => `${slice}/${step}`))
    const known = new Set(migrations.flatMap(({ slice, steps }) => Object.keys(steps).map(step => `${slice}/${step}`)))
    const unknown = [...done].filter(step => !known.has(step)).sort()
    if (unknown.length > 0) {
      const steps = unknown.join(', ')
      throw new Problem(
        'misconfigured',
        `Cannot open the database: a newer program made ${steps}, wanted one as new or newer`,
      )
    }
    for (const { slice, steps } of migrations) {
      for (const step of Object.keys(steps).sort()) {
        if (done.has(`${slice}/${step}`)) continue
        await steps[step]!(tx)
        await tx.insertInto('migrations').values({ slice, step }).execute()
      }
    }
  })
}

const SQLITE_CONSTRAINT_PRIMARYKEY = 1555
const SQLITE_CONSTRAINT_UNIQUE = 2067
const POSTGRES_UNIQUE_VIOLATION = '23505'

/** Whether a statement failed because a key is taken. */
export function isUniqueViolation(error: unknown): boolean {
  if (error instanceof SqliteError) {
    return error.errcode === SQLITE_CONSTRAINT_PRIMARYKEY || error.errcode === SQLITE_CONSTRAINT_UNIQUE
  }
  return error instanceof pg.DatabaseError && error.code === POSTGRES_UNIQUE_VIOLATION
}
