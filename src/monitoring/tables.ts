import { bytesColumn, type Migrations } from '../platform/database.ts'

export interface CountWindowsRow {
  /** Key id of the ledger whose records were counted: replicas share a database and have a ledger each. */
  readonly ledger: string
  readonly model: string
  /** Empty for what was refused before a version was chosen. */
  readonly version: string
  readonly started_at: number
  readonly ended_at: number
  /** JSON: count by code. */
  readonly refusals: string
  /** See `counter-bytes.ts`. */
  readonly counters: Uint8Array
}

export interface CountMarksRow {
  readonly ledger: string
  /** All that the ledger has of windows that ended by then is stored. */
  readonly counted_until: number
}

export interface MonitoringTables {
  readonly count_windows: CountWindowsRow
  readonly count_marks: CountMarksRow
}

export const monitoringMigrations: Migrations = {
  slice: 'monitoring',
  steps: {
    '001_counts': async db => {
      await db.schema
        .createTable('count_windows')
        .addColumn('ledger', 'text', column => column.notNull())
        .addColumn('model', 'text', column => column.notNull())
        .addColumn('version', 'text', column => column.notNull())
        .addColumn('started_at', 'bigint', column => column.notNull())
        .addColumn('ended_at', 'bigint', column => column.notNull())
        .addColumn('refusals', 'text', column => column.notNull())
        .addColumn('counters', bytesColumn(db), column => column.notNull())
        .addPrimaryKeyConstraint('count_windows_key', ['model', 'version', 'started_at', 'ledger'])
        .execute()
      await db.schema.createIndex('count_windows_ended').on('count_windows').columns(['ledger', 'ended_at']).execute()
      await db.schema
        .createTable('count_marks')
        .addColumn('ledger', 'text', column => column.primaryKey())
        .addColumn('counted_until', 'bigint', column => column.notNull())
        .execute()
    },
  },
}
