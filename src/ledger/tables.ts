import type { Migrations } from '../platform/database.ts'

export interface SubjectKeysRow {
  /** Pseudonym of the subject, or `day:2026-11-22` for records about nobody in particular. */
  readonly subject: string
  /** Tells this key from later ones of the same subject, 12 hex digits. */
  readonly key_id: string
  /** Wrapped by the keyring, base64. */
  readonly wrapped_key: string
  readonly created_at: number
}

export interface LedgerTables {
  readonly subject_keys: SubjectKeysRow
}

export const ledgerMigrations: Migrations = {
  slice: 'ledger',
  steps: {
    '001_subject_keys': async db => {
      await db.schema
        .createTable('subject_keys')
        .addColumn('subject', 'text', column => column.primaryKey())
        .addColumn('key_id', 'text', column => column.notNull())
        .addColumn('wrapped_key', 'text', column => column.notNull())
        .addColumn('created_at', 'bigint', column => column.notNull())
        .execute()
    },
  },
}
