/** Many rows in one statement: however many they are, one text that is prepared once, and one message to whoever executes it. */
import { CompiledQuery, type Kysely, PostgresAdapter } from 'kysely'
import { Column, type SqlValue } from './parameters.ts'

/** Columns by name, with the types that both databases know. Numbers in whole ones need no bigints: the columns make them whole. */
export interface InsertTarget {
  readonly table: string
  readonly columns: Readonly<Record<string, 'text' | 'integer' | 'bigint' | 'double precision'>>
  /** E.g. `on conflict do nothing`. There the table is called `known`, the new row `excluded`. */
  readonly onConflict?: string
}

/**
 * @param rows each with a value for each column, in their order. With `on conflict do update` no two may have the same key:
 * PostgreSQL refuses to change a row twice in one statement.
 */
export async function insertMany(
  // biome-ignore lint/suspicious/noExplicitAny: which tables there are makes no difference here
  db: Kysely<any>,
  { table, columns, onConflict = '' }: InsertTarget,
  rows: readonly (readonly SqlValue[])[],
): Promise<void> {
  if (rows.length === 0) return
  const names = Object.keys(columns)
  const taken = names.map((_, at) => new Column(rows.map(row => row[at]!)))
  const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter
  const from = isPostgres
    ? `select * from unnest(${names.map((name, at) => `$${at + 1}::${columns[name]}[]`).join(', ')})`
    : `values (${names.map(() => '?').join(', ')})`
  await db.executeQuery(
    CompiledQuery.raw(`insert into ${table} as known (${names.join(', ')}) ${from} ${onConflict}`, taken),
  )
}
