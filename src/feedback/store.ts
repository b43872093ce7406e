import type { JudgedWindow } from '../ledger/quality-question.ts'
import { type Database, tables } from '../platform/database.ts'
import type { FeedbackTables } from './tables.ts'

/** Of which version, judged from the records of which ledger. */
export interface QualityPlace {
  readonly ledger: string
  readonly model: string
  readonly version: string
}

/**
 * Keeps windows that are over, so that they are judged once. It is a memory, not a truth: whatever is missing is judged anew.
 *
 * Duties: what `forget` has named is gone when it resolves, whatever the length of its windows.
 */
export interface QualityStore {
  /** Windows of just these ends: from each of `starts`, for `lengthMs`. */
  windows(place: QualityPlace, lengthMs: number, range: { since: number; until: number }): Promise<JudgedWindow[]>
  /** Adds windows, in place of those that are there, and lets those go that were stored before `keepFrom`. */
  put(place: QualityPlace, windows: readonly JudgedWindow[], at: number, keepFrom: number): Promise<void>
  /** Removes all windows that hold a moment of the range, whose ends are inclusive. */
  forget(place: QualityPlace, first: number, last: number): Promise<void>
}

/** Rows of one statement: each has seven parameters. */
const ROWS_AT_ONCE = 100

export function qualityStore(db: Database): QualityStore {
  const sql = tables<FeedbackTables>(db)
  return {
    async windows({ ledger, model, version }, lengthMs, { since, until }) {
      const rows = await sql
        .selectFrom('quality_windows')
        .select(['body', 'started_at', 'ended_at'])
        .where('ledger', '=', ledger)
        .where('model', '=', model)
        .where('version', '=', version)
        .where('started_at', '>=', since)
        .where('ended_at', '<=', until)
        .orderBy('started_at')
        .execute()
      const wanted = rows.filter(({ started_at, ended_at }) => ended_at - started_at === lengthMs)
      return wanted.map(({ body }) => JSON.parse(body) as JudgedWindow)
    },
    async put({ ledger, model, version }, windows, at, keepFrom) {
      const rows = windows.map(window => ({
        ...{ ledger, model, version, started_at: window.from, ended_at: window.to },
        ...{ body: JSON.stringify(window), stored_at: at },
      }))
      for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
        await sql
          .insertInto('quality_windows')
          .values(rows.slice(from, from + ROWS_AT_ONCE))
          .onConflict(conflict =>
            conflict.columns(['ledger', 'model', 'version', 'started_at', 'ended_at']).doUpdateSet(row => ({
              body: row.ref('excluded.body'),
              stored_at: row.ref('excluded.stored_at'),
            })),
          )
          .execute()
      }
      await sql.deleteFrom('quality_windows').where('ledger', '=', ledger).where('stored_at', '<', keepFrom).execute()
    },
    async forget({ ledger, model, version }, first, last) {
      await sql
        .deleteFrom('quality_windows')
        .where('ledger', '=', ledger)
        .where('model', '=', model)
        .where('version', '=', version)
        .where('started_at', '<=', last)
        .where('ended_at', '>', first)
        .execute()
    },
  }
}
