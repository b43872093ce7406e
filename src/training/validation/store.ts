import { canonical } from '../../ledger/canonical.ts'
import { CHANGE_TOPIC } from '../../ledger/changes.ts'
import type { ChangeRecord } from '../../ledger/record.ts'
import { type Database, tables } from '../../platform/database.ts'
import { enqueue } from '../../platform/outbox.ts'
import type { Report } from './report.ts'
import type { ValidationsRow, ValidationTables } from './tables.ts'

/** A validation that was made. */
export interface Validation {
  readonly id: string
  readonly model: string
  readonly version: string
  readonly passed: boolean
  /** The version it was compared with. */
  readonly against?: string
  /** SHA-256 of the object that holds the report. */
  readonly report: string
  readonly counts: Report['counts']
  readonly at: number
  readonly by: string
}

/**
 * Keeps what validations found.
 *
 * Duties: what was added is never changed or removed; it and its record are written together or not at all; the latest is the one
 * that was added last, also where the clock stood still.
 */
export interface ValidationStore {
  add(validation: Validation, record: ChangeRecord): Promise<void>
  /** Of a version, the latest first. */
  list(model: string, version: string, limit: number): Promise<readonly Validation[]>
}

export function validationStore(db: Database): ValidationStore {
  return {
    add: (validation, record) =>
      db.sql.transaction().execute(async tx => {
        await tables<ValidationTables>(tx).insertInto('validations').values(rowOf(validation)).execute()
        await enqueue(tx, { id: record.id, topic: CHANGE_TOPIC, payload: canonical(record), at: record.at })
      }),
    async list(model, version, limit) {
      const rows = await tables<ValidationTables>(db)
        .selectFrom('validations')
        .selectAll()
        .where('model', '=', model)
        .where('version', '=', version)
        .orderBy('made_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .execute()
      return rows.map(validationOf)
    },
  }
}

function rowOf({ id, model, version, passed, against, report, counts, at, by }: Validation): ValidationsRow {
  return {
    id,
    model,
    version,
    passed: passed ? 1 : 0,
    against: against ?? null,
    report,
    counts: JSON.stringify(counts),
    made_at: at,
    made_by: by,
  }
}

function validationOf({ made_at, made_by, against, passed, counts, ...row }: ValidationsRow): Validation {
  return {
    ...row,
    passed: passed === 1,
    counts: JSON.parse(counts) as Report['counts'],
    at: Number(made_at),
    by: made_by,
    ...(against === null ? {} : { against }),
  }
}
