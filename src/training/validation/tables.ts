import type { Migrations } from '../../platform/database.ts'

/** A validation that was made; never changed. */
export interface ValidationsRow {
  readonly id: string
  readonly model: string
  readonly version: string
  /** 1: nothing failed. */
  readonly passed: number
  /** The version it was compared with; null: there was none. */
  readonly against: string | null
  /** SHA-256 of the object that holds the report as canonical JSON. */
  readonly report: string
  /** JSON of how many checks passed, warned, failed and were skipped. */
  readonly counts: string
  readonly made_at: number
  readonly made_by: string
}

export interface ValidationTables {
  readonly validations: ValidationsRow
}

export const validationMigrations: Migrations = {
  slice: 'validation',
  steps: {
    '001_validation': async db => {
      await db.schema
        .createTable('validations')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('model', 'text', column => column.notNull())
        .addColumn('version', 'text', column => column.notNull())
        .addColumn('passed', 'integer', column => column.notNull())
        .addColumn('against', 'text')
        .addColumn('report', 'text', column => column.notNull())
        .addColumn('counts', 'text', column => column.notNull())
        .addColumn('made_at', 'bigint', column => column.notNull())
        .addColumn('made_by', 'text', column => column.notNull())
        .execute()
      await db.schema
        .createIndex('validations_version')
        .on('validations')
        .columns(['model', 'version', 'made_at', 'id'])
        .execute()
    },
  },
}
