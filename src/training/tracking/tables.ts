import { type Kysely, type RawBuilder, SqliteAdapter, sql } from 'kysely'
import type { Migrations } from '../../platform/database.ts'

// biome-ignore lint/suspicious/noExplicitAny: a migration knows no tables yet
type Schema = Kysely<any>['schema']
type ColumnTypes = 'text' | 'integer' | 'bigint' | 'double precision'

/** Columns as `name type`; a `?` after the type: may be null. */
async function table(
  schema: Schema,
  name: string,
  columns: string,
  key: readonly string[],
  end?: RawBuilder<unknown>,
): Promise<void> {
  let made = schema.createTable(name)
  if (end !== undefined) made = made.modifyEnd(end)
  for (const column of columns.split(',')) {
    const [title, ...type] = column.trim().split(' ')
    const kind = type.join(' ')
    const mayBeNull = kind.endsWith('?')
    made = made.addColumn(title!, (mayBeNull ? kind.slice(0, -1) : kind) as ColumnTypes, built =>
      mayBeNull ? built : built.notNull(),
    )
  }
  await made.addPrimaryKeyConstraint(`${name}_key`, key as never).execute()
}

/**
 * Makes SQLite keep a table in the order of its key, not beside it: one place to write to and to look in instead of two. PostgreSQL
 * has no such tables.
 */
async function ordered(
  // biome-ignore lint/suspicious/noExplicitAny: see above
  db: Kysely<any>,
  name: string,
  columns: string,
  key: readonly string[],
): Promise<void> {
  if (!(db.getExecutor().adapter instanceof SqliteAdapter)) return
  await table(db.schema, `${name}_ordered`, columns, key, sql`without rowid`)
  await sql`insert into ${sql.table(`${name}_ordered`)} select * from ${sql.table(name)}`.execute(db)
  await db.schema.dropTable(name).execute()
  await db.schema.alterTable(`${name}_ordered`).renameTo(name).execute()
}

const FACT = 'kind text, owner text, name text, value text, head text'
const METRIC = 'run text, name text, at bigint, step bigint, value double precision, is_nan integer'

async function index(schema: Schema, name: string, on: string, columns: readonly string[]): Promise<void> {
  await schema
    .createIndex(name)
    .on(on)
    .columns(columns as string[])
    .execute()
}

/**
 * Numbers that are not finite: `is_nan` is 1 beside the value 0, and an infinity is the largest double of its sign, as
 * MLflow keeps them. `head` is the beginning of a value, short enough for an index of either database.
 */
export const trackingMigrations: Migrations = {
  slice: 'tracking',
  steps: {
    '001_runs': async ({ schema }) => {
      const experiment =
        'id bigint, name text, artifact_location text, stage text, created_at bigint, updated_at bigint'
      await table(schema, 'mlflow_experiments', experiment, ['id'])
      await schema.createIndex('mlflow_experiments_name').unique().on('mlflow_experiments').column('name').execute()
      const run =
        'id text, experiment bigint, name text, user_id text, status text, started_at bigint, ended_at bigint?, artifact_uri text, stage text'
      await table(schema, 'mlflow_runs', run, ['id'])
      await index(schema, 'mlflow_runs_order', 'mlflow_runs', ['experiment', 'stage', 'started_at', 'id'])
      await table(schema, 'mlflow_facts', FACT, ['kind', 'owner', 'name'])
      await index(schema, 'mlflow_facts_value', 'mlflow_facts', ['kind', 'name', 'head', 'owner'])
      await table(schema, 'mlflow_metrics', METRIC, ['run', 'name', 'at', 'step', 'value', 'is_nan'])
      await table(schema, 'mlflow_latest', METRIC, ['run', 'name'])
      await index(schema, 'mlflow_latest_value', 'mlflow_latest', ['name', 'value', 'run'])
      const dataset =
        'run text, name text, digest text, source_type text, source text, schema text?, profile text?, tags text, context text?'
      await table(schema, 'mlflow_datasets', dataset, ['run', 'name', 'digest'])
      await index(schema, 'mlflow_datasets_name', 'mlflow_datasets', ['name', 'digest'])
      await table(schema, 'mlflow_run_models', 'run text, direction text, model text, step bigint', [
        'run',
        'direction',
        'model',
      ])
    },
    '002_models': async ({ schema }) => {
      const model =
        'id text, experiment bigint, name text, artifact_uri text, created_at bigint, updated_at bigint, status text, message text?, type text, run text?, stage text'
      await table(schema, 'mlflow_models', model, ['id'])
      await index(schema, 'mlflow_models_order', 'mlflow_models', ['experiment', 'stage', 'created_at', 'id'])
      const metric =
        'model text, run text, name text, at bigint, step bigint, value double precision, is_nan integer, dataset text, digest text'
      await table(schema, 'mlflow_model_metrics', metric, ['model', 'name', 'dataset', 'digest', 'run'])
      await index(schema, 'mlflow_model_metrics_value', 'mlflow_model_metrics', ['name', 'value', 'model'])
      await table(
        schema,
        'mlflow_registered',
        'name text, description text?, created_at bigint, updated_at bigint, last integer',
        ['name'],
      )
      const version =
        'name text, version integer, description text, created_at bigint, updated_at bigint, stage text, source text, storage text, run text, run_link text, status text, model text?, user_id text?'
      await table(schema, 'mlflow_versions', version, ['name', 'version'])
      await table(schema, 'mlflow_aliases', 'name text, alias text, version integer', ['name', 'alias'])
    },
    '003_artifacts': async ({ schema }) => {
      await table(schema, 'mlflow_artifacts', 'path text, sha256 text, bytes bigint, updated_at bigint', ['path'])
    },
    '004_model_points': async db => {
      const metric =
        'model text, run text, name text, at bigint, step bigint, value double precision, is_nan integer, dataset text, digest text'
      const key = ['model', 'name', 'dataset', 'digest', 'run', 'step', 'at', 'value', 'is_nan']
      await table(db.schema, 'mlflow_model_points', metric, key)
      await index(db.schema, 'mlflow_model_points_value', 'mlflow_model_points', ['name', 'value', 'model'])
      await sql`insert into mlflow_model_points select * from mlflow_model_metrics`.execute(db)
      await db.schema.dropTable('mlflow_model_metrics').execute()
    },
    '005_searched': async db => {
      await ordered(db, 'mlflow_metrics', METRIC, ['run', 'name', 'at', 'step', 'value', 'is_nan'])
      await ordered(db, 'mlflow_latest', METRIC, ['run', 'name'])
      await ordered(db, 'mlflow_facts', FACT, ['kind', 'owner', 'name'])
      await db.schema.dropIndex('mlflow_latest_value').ifExists().execute()
      await index(db.schema, 'mlflow_latest_value', 'mlflow_latest', ['name', 'is_nan', 'value', 'run'])
      await db.schema.dropIndex('mlflow_facts_value').ifExists().execute()
      await index(db.schema, 'mlflow_facts_value', 'mlflow_facts', ['kind', 'name', 'head', 'owner'])
    },
  },
}
