import type { Migrations } from '../platform/database.ts'

/** One row: counts the changes of the registry. Each writer updates it first, and so waits for the writers before. */
export interface RevisionRow {
  readonly id: number
  readonly value: number
}

export interface ModelsRow {
  readonly name: string
  /** Lower-case: names differ by more than case. */
  readonly folded: string
  readonly created_at: number
}

export interface VersionsRow {
  readonly model: string
  readonly version: string
  /** SHA-256 of the canonical manifest and the files: what makes a registration the same. */
  readonly digest: string
  /** JSON of `ModelVersion`. */
  readonly body: string
  readonly revision: number
}

export interface AliasesRow {
  readonly model: string
  readonly alias: string
  /** Null: removed. */
  readonly version: string | null
  readonly moved_at: number
  readonly moved_by: string
  readonly revision: number
}

/** The newest of a version that was deprecated or retired once. */
export interface StandingsRow {
  readonly model: string
  readonly version: string
  /** JSON of `Standing`. Null: restored. */
  readonly body: string | null
  readonly revision: number
}

export interface RegistryTables {
  readonly registry_revision: RevisionRow
  readonly models: ModelsRow
  readonly versions: VersionsRow
  readonly aliases: AliasesRow
  readonly standings: StandingsRow
}

export const registryMigrations: Migrations = {
  slice: 'registry',
  steps: {
    '001_registry': async db => {
      await db.schema
        .createTable('registry_revision')
        .addColumn('id', 'integer', column => column.primaryKey())
        .addColumn('value', 'bigint', column => column.notNull())
        .execute()
      await db.insertInto('registry_revision').values({ id: 1, value: 0 }).execute()
      await db.schema
        .createTable('models')
        .addColumn('name', 'text', column => column.primaryKey())
        .addColumn('folded', 'text', column => column.notNull().unique())
        .addColumn('created_at', 'bigint', column => column.notNull())
        .execute()
      await db.schema
        .createTable('versions')
        .addColumn('model', 'text', column => column.notNull().references('models.name'))
        .addColumn('version', 'text', column => column.notNull())
        .addColumn('digest', 'text', column => column.notNull())
        .addColumn('body', 'text', column => column.notNull())
        .addColumn('revision', 'bigint', column => column.notNull())
        .addPrimaryKeyConstraint('versions_key', ['model', 'version'])
        .execute()
      await db.schema.createIndex('versions_revision').on('versions').column('revision').execute()
      await db.schema
        .createTable('aliases')
        .addColumn('model', 'text', column => column.notNull().references('models.name'))
        .addColumn('alias', 'text', column => column.notNull())
        .addColumn('version', 'text')
        .addColumn('moved_at', 'bigint', column => column.notNull())
        .addColumn('moved_by', 'text', column => column.notNull())
        .addColumn('revision', 'bigint', column => column.notNull())
        .addPrimaryKeyConstraint('aliases_key', ['model', 'alias'])
        .execute()
      await db.schema.createIndex('aliases_revision').on('aliases').column('revision').execute()
    },
    '002_standings': async db => {
      await db.schema
        .createTable('standings')
        .addColumn('model', 'text', column => column.notNull())
        .addColumn('version', 'text', column => column.notNull())
        .addColumn('body', 'text')
        .addColumn('revision', 'bigint', column => column.notNull())
        .addPrimaryKeyConstraint('standings_key', ['model', 'version'])
        .addForeignKeyConstraint('standings_version', ['model', 'version'], 'versions', ['model', 'version'])
        .execute()
      await db.schema.createIndex('standings_revision').on('standings').column('revision').execute()
    },
  },
}
