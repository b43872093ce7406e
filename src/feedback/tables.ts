import type { Migrations } from '../platform/database.ts'

export interface QualityWindowsRow {
  /** Key id of the ledger whose records were judged: replicas share a database and have a ledger each. */
  readonly ledger: string
  readonly model: string
  readonly version: string
  readonly started_at: number
  readonly ended_at: number
  /** JSON of `JudgedWindow`. */
  readonly body: string
  readonly stored_at: number
}

export interface FeedbackTables {
  readonly quality_windows: QualityWindowsRow
}

export const feedbackMigrations: Migrations = {
  slice: 'feedback',
  steps: {
    '001_quality': async db => {
      await db.schema
        .createTable('quality_windows')
        .addColumn('ledger', 'text', column => column.notNull())
        .addColumn('model', 'text', column => column.notNull())
        .addColumn('version', 'text', column => column.notNull())
        .addColumn('started_at', 'bigint', column => column.notNull())
        .addColumn('ended_at', 'bigint', column => column.notNull())
        .addColumn('body', 'text', column => column.notNull())
        .addColumn('stored_at', 'bigint', column => column.notNull())
        .addPrimaryKeyConstraint('quality_windows_key', ['ledger', 'model', 'version', 'started_at', 'ended_at'])
        .execute()
      await db.schema
        .createIndex('quality_windows_stored')
        .on('quality_windows')
        .columns(['ledger', 'stored_at'])
        .execute()
    },
  },
}
