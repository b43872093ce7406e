import type { Migrations } from '../../platform/database.ts'

/** What was measured of a version for its card; its data never changes. */
export interface MeasuredRow {
  readonly model: string
  readonly version: string
  /** JSON of `Measured`; null where it cannot be measured, and `problem` says why. */
  readonly measured: string | null
  readonly problem: string | null
  readonly made_at: number
}

export interface CardTables {
  readonly card_measurements: MeasuredRow
}

export const cardMigrations: Migrations = {
  slice: 'cards',
  steps: {
    '001_cards': async db => {
      await db.schema
        .createTable('card_measurements')
        .addColumn('model', 'text', column => column.notNull())
        .addColumn('version', 'text', column => column.notNull())
        .addColumn('measured', 'text')
        .addColumn('problem', 'text')
        .addColumn('made_at', 'bigint', column => column.notNull())
        .addPrimaryKeyConstraint('card_measurements_key', ['model', 'version'])
        .execute()
    },
  },
}
