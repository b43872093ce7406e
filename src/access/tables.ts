import type { Migrations } from '../platform/database.ts'

/** A row of `keys`. Times are milliseconds since the epoch. */
export interface KeysRow {
  readonly id: string
  readonly name: string
  /** JSON array of role names. */
  readonly roles: string
  readonly sha256: string
  readonly created_at: number
  readonly created_by: string
  readonly expires_at: number | null
  readonly revoked_at: number | null
  readonly revoked_by: string | null
  readonly owner: string | null
}

export interface AccessTables {
  readonly keys: KeysRow
}

export const accessMigrations: Migrations = {
  slice: 'access',
  steps: {
    '001_keys': async db => {
      await db.schema
        .createTable('keys')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('name', 'text', column => column.notNull())
        .addColumn('roles', 'text', column => column.notNull())
        .addColumn('sha256', 'text', column => column.notNull())
        .addColumn('created_at', 'bigint', column => column.notNull())
        .addColumn('created_by', 'text', column => column.notNull())
        .addColumn('expires_at', 'bigint')
        .addColumn('revoked_at', 'bigint')
        .addColumn('revoked_by', 'text')
        .execute()
    },
    '002_owner': async db => {
      await db.schema.alterTable('keys').addColumn('owner', 'text').execute()
    },
  },
}
