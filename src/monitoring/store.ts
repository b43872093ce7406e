import { type Database, tables } from '../platform/database.ts'
import type { CountWindowsRow, MonitoringTables } from './tables.ts'

/** A window as it is kept. */
export interface StoredWindow {
  readonly model: string
  /** Empty for what was refused before a version was chosen. */
  readonly version: string
  readonly from: number
  readonly to: number
  readonly refusals: Readonly<Record<string, number>>
  /** See `counter-bytes.ts`. */
  readonly counters: Uint8Array
}

/**
 * Keeps windows that have closed, for each ledger that shares the database.
 *
 * Duties: windows and the mark that says how far they are complete are written together or not at all; of a window that is
 * there already, `merge` decides on what was there, also where two processes write at once.
 */
export interface WindowStore {
  /** Up to when all is stored that the ledger has; undefined where nothing was stored yet. */
  countedUntil(ledger: string): Promise<number | undefined>
  /**
   * Removes the ledger's windows that end after `until`, and moves the mark back to where the first of them began, or to
   * `until`; returns the mark.
   */
  rewind(ledger: string, until: number): Promise<number>
  /** Adds windows, moves the mark on, and removes windows that ended before `keepFrom`. */
  put(
    ledger: string,
    windows: readonly StoredWindow[],
    until: number,
    keepFrom: number,
    merge: (there: StoredWindow, added: StoredWindow) => StoredWindow,
  ): Promise<void>
  /** Windows of all ledgers that overlap the range, oldest first. */
  windows(
    model: string,
    version: string,
    range: { readonly since: number; readonly until: number },
  ): Promise<StoredWindow[]>
  /** Versions that a ledger has windows of. */
  versions(ledger: string): Promise<{ readonly model: string; readonly version: string }[]>
}

export function windowStore(db: Database): WindowStore {
  const sql = tables<MonitoringTables>(db)
  return {
    async countedUntil(ledger) {
      const mark = sql.selectFrom('count_marks').select('counted_until').where('ledger', '=', ledger)
      return (await mark.executeTakeFirst())?.counted_until
    },
    rewind: (ledger, until) => rewind(db, ledger, until),
    put: (ledger, windows, until, keepFrom, merge) => put(db, { ledger, windows, until, keepFrom }, merge),
    async windows(model, version, { since, until }) {
      const rows = await sql
        .selectFrom('count_windows')
        .selectAll()
        .where('model', '=', model)
        .where('version', '=', version)
        .where('started_at', '<', whole(until))
        .where('ended_at', '>', whole(since))
        .orderBy('started_at')
        .orderBy('ledger')
        .execute()
      return rows.map(windowOf)
    },
    versions: ledger =>
      sql.selectFrom('count_windows').select(['model', 'version']).distinct().where('ledger', '=', ledger).execute(),
  }
}

/** Bounds may be infinite, or have fractions; columns hold whole numbers. */
function whole(at: number): number {
  return Math.min(Math.max(Math.ceil(at), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
}

async function rewind(db: Database, ledger: string, until: number): Promise<number> {
  return await db.sql.transaction().execute(async tx => {
    const sql = tables<MonitoringTables>(tx)
    const after = sql
      .selectFrom('count_windows')
      .select(query => query.fn.min('started_at').as('first'))
      .where('ledger', '=', ledger)
      .where('ended_at', '>', until)
    const first = (await after.executeTakeFirstOrThrow()).first as number | null
    const mark = Math.min(until, first ?? until)
    await sql.deleteFrom('count_windows').where('ledger', '=', ledger).where('ended_at', '>', until).execute()
    await putMark(sql, ledger, mark)
    return mark
  })
}

interface Put {
  readonly ledger: string
  readonly windows: readonly StoredWindow[]
  readonly until: number
  readonly keepFrom: number
}

async function put(
  db: Database,
  { ledger, windows, until, keepFrom }: Put,
  merge: (there: StoredWindow, added: StoredWindow) => StoredWindow,
): Promise<void> {
  await db.sql.transaction().execute(async tx => {
    const sql = tables<MonitoringTables>(tx)
    await putMark(sql, ledger, until)
    for (const window of windows) {
      const there = await sql
        .selectFrom('count_windows')
        .selectAll()
        .where('model', '=', window.model)
        .where('version', '=', window.version)
        .where('started_at', '=', window.from)
        .where('ledger', '=', ledger)
        .executeTakeFirst()
      const row = rowOf(ledger, there === undefined ? window : merge(windowOf(there), window))
      const { ended_at, refusals, counters } = row
      await sql
        .insertInto('count_windows')
        .values(row)
        .onConflict(conflict =>
          conflict.columns(['model', 'version', 'started_at', 'ledger']).doUpdateSet({ ended_at, refusals, counters }),
        )
        .execute()
    }
    await sql.deleteFrom('count_windows').where('ledger', '=', ledger).where('ended_at', '<', keepFrom).execute()
  })
}

async function putMark(
  sql: ReturnType<typeof tables<MonitoringTables>>,
  ledger: string,
  counted_until: number,
): Promise<void> {
  await sql
    .insertInto('count_marks')
    .values({ ledger, counted_until })
    .onConflict(conflict => conflict.column('ledger').doUpdateSet({ counted_until }))
    .execute()
}

function rowOf(ledger: string, { model, version, from, to, refusals, counters }: StoredWindow): CountWindowsRow {
  return { ledger, model, version, started_at: from, ended_at: to, refusals: JSON.stringify(refusals), counters }
}

function windowOf({ model, version, started_at, ended_at, refusals, counters }: CountWindowsRow): StoredWindow {
  const counted = JSON.parse(refusals) as Record<string, number>
  return { model, version, from: started_at, to: ended_at, refusals: counted, counters }
}
