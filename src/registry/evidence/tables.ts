import type { Migrations } from '../../platform/database.ts'

/** A signed statement about a version; never changed. */
export interface StatementsRow {
  readonly id: string
  readonly model: string
  readonly version: string
  readonly predicate_type: string
  /** Of the key that signed it. */
  readonly key_id: string
  /** JSON of the bundle, as it was signed. */
  readonly bundle: string
  readonly added_at: number
  readonly added_by: string
}

/** A key of ours: its public half. The private one lies in the data folder, or with whom `evidence.command` asks. */
export interface EvidenceKeysRow {
  readonly key_id: string
  /** PEM. */
  readonly public_key: string
  readonly made_at: number
  readonly made_by: string
  /** Signs no more, is still believed. */
  readonly retired_at: number | null
  /** Is believed no more. */
  readonly revoked_at: number | null
  /** HMAC of the public key by a key of the data folder, base64: who can only write to the database cannot add a key. */
  readonly vouched: string | null
}

export interface EvidenceTables {
  readonly evidence_statements: StatementsRow
  readonly evidence_keys: EvidenceKeysRow
}

export const evidenceMigrations: Migrations = {
  slice: 'evidence',
  steps: {
    '001_evidence': async db => {
      await db.schema
        .createTable('evidence_statements')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('model', 'text', column => column.notNull())
        .addColumn('version', 'text', column => column.notNull())
        .addColumn('predicate_type', 'text', column => column.notNull())
        .addColumn('key_id', 'text', column => column.notNull())
        .addColumn('bundle', 'text', column => column.notNull())
        .addColumn('added_at', 'bigint', column => column.notNull())
        .addColumn('added_by', 'text', column => column.notNull())
        .execute()
      await db.schema
        .createIndex('evidence_statements_version')
        .on('evidence_statements')
        .columns(['model', 'version', 'id'])
        .execute()
      await db.schema
        .createTable('evidence_keys')
        .addColumn('key_id', 'text', column => column.primaryKey())
        .addColumn('public_key', 'text', column => column.notNull())
        .addColumn('made_at', 'bigint', column => column.notNull())
        .addColumn('made_by', 'text', column => column.notNull())
        .addColumn('retired_at', 'bigint')
        .addColumn('revoked_at', 'bigint')
        .execute()
    },
    '002_vouched': async db => {
      await db.schema.alterTable('evidence_keys').addColumn('vouched', 'text').execute()
    },
  },
}
