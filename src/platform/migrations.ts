/** How a database gets its tables: in numbered steps, each applied once, none ever changed after it was released. */
import { type Kysely, sql } from 'kysely'
import { Problem } from '../errors.ts'

/** The steps of one slice. */
export interface Migrations {
  /** Name of the slice, e.g. `access`. */
  readonly slice: string
  /** By name: three digits and what it does, e.g. `001_keys`. Applied in this order, each in a transaction of its own. */
  // biome-ignore lint/suspicious/noExplicitAny: a step sees tables that no type describes yet, or no longer.
  readonly steps: Readonly<Record<string, (db: Kysely<any>) => Promise<void>>>
}

interface MigrationTables {
  readonly migrations: { readonly slice: string; readonly step: string }
}

const STEP = /^\d{3}_[a-z0-9_]+$/
/** Any number, the same in every process: held while the tables of a shared database change. */
const ADVISORY_LOCK = 0x62656c6c

/**
 * Applies what is missing, slice by slice in the order given. A database that has steps not in the list was written by a
 * newer program, which this one does not understand: it is refused, untouched.
 */
export async function migrate(
  // biome-ignore lint/suspicious/noExplicitAny: tables come into being here.
  db: Kysely<any>,
  engine: 'sqlite' | 'postgres',
  list: readonly Migrations[],
): Promise<void> {
  judgeList(list)
  await db.connection().execute(async connection => {
    // SQLite's data folder has one owner; processes that share a PostgreSQL database may start at the same time.
    if (engine === 'postgres') await sql`select pg_advisory_lock(${ADVISORY_LOCK})`.execute(connection)
    try {
      await apply(connection, list)
    } finally {
      if (engine === 'postgres') await sql`select pg_advisory_unlock(${ADVISORY_LOCK})`.execute(connection)
    }
  })
}

async function apply(connection: Kysely<MigrationTables>, list: readonly Migrations[]): Promise<void> {
  const table = connection.schema.createTable('migrations').ifNotExists()
  await table
    .addColumn('slice', 'text', column => column.notNull())
    .addColumn('step', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('migrations_key', ['slice', 'step'])
    .execute()
  const rows = await connection.selectFrom('migrations').selectAll().execute()
  const applied = new Set(rows.map(({ slice, step }) => `${slice}/${step}`))
  refuseNewer(applied, list)
  for (const { slice, steps } of list) {
    for (const [step, change] of Object.entries(steps).sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (applied.has(`${slice}/${step}`)) continue
      await connection.transaction().execute(async tx => {
        // First: of two processes at once that share a SQLite file, the second finds here that the step is done.
        const noted = tx
          .insertInto('migrations')
          .values({ slice, step })
          .onConflict(conflict => conflict.doNothing())
        const { numInsertedOrUpdatedRows } = await noted.executeTakeFirstOrThrow()
        if (numInsertedOrUpdatedRows === 1n) await change(tx)
      })
    }
  }
}

function refuseNewer(applied: ReadonlySet<string>, list: readonly Migrations[]): void {
  const known = new Set(list.flatMap(({ slice, steps }) => Object.keys(steps).map(step => `${slice}/${step}`)))
  const unknown = [...applied].filter(step => !known.has(step)).sort()
  if (unknown.length === 0) return
  const found = unknown.slice(0, 3).join(', ') + (unknown.length > 3 ? ` and ${unknown.length - 3} more` : '')
  throw new Problem(
    'misconfigured',
    `Cannot open the database: a newer program wrote it, with steps that this one does not know (${found})`,
  )
}

function judgeList(list: readonly Migrations[]): void {
  const slices = new Set<string>()
  for (const { slice, steps } of list) {
    if (slices.has(slice)) throw new Error(`Cannot migrate: the slice ${slice} is there twice`)
    slices.add(slice)
    for (const step of Object.keys(steps)) {
      if (!STEP.test(step)) throw new Error(`Cannot migrate: the step ${slice}/${step} has no name like 001_what`)
    }
  }
}
