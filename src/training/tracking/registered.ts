/** Registered models of MLflow: names under which versions stand. */
import { sql } from 'kysely'
import { Problem } from '../../errors.ts'
import { deleteFact, factOf, factsOf, keyOf, putFacts, readFacts } from './facts.ts'
import {
  invalid,
  type Message,
  missing,
  optionalText,
  paged,
  pageOffset,
  pageSize,
  shown,
  text,
  texts,
} from './fields.ts'
import { parseFilter, parseOrder } from './filter.ts'
import type { Writing } from './group-commit.ts'
import { allOf, conditionSql, orderSql, type Subject, withoutPrompts } from './search.ts'
import type { Reading, Tracking } from './tracking.ts'
import { aliasesOf, latestVersions, readVersion, versionIn, versionMessage } from './versions.ts'

export interface RegisteredRow {
  readonly name: string
  readonly description: string | null
  readonly created_at: number
  readonly updated_at: number
  readonly last: number
}

const NAME_CHARACTERS_MAX = 256

export async function readRegistered(db: Reading, name: string): Promise<RegisteredRow> {
  const { rows } = await sql<RegisteredRow>`select * from mlflow_registered where name = ${name}`.execute(db)
  if (rows[0] === undefined) throw missing(`a registered model named ${shown(name)}`)
  return rows[0]
}

/** A name for a registered model; it becomes part of addresses. */
function nameIn(from: Message, field: string): string {
  const name = text(from, field, NAME_CHARACTERS_MAX)
  if (/[/:]/.test(name) || name.trim() === '' || name === '.' || name === '..')
    throw invalid(`Cannot name a registered model ${shown(name)}: wanted a name without / and :`)
  return name
}

async function described(db: Reading, rows: readonly RegisteredRow[]): Promise<readonly Message[]> {
  const names = rows.map(({ name }) => name)
  const tags = await readFacts(db, 'registered-tag', names)
  const versions = await latestVersions(db, names)
  const aliases = await aliasesOf(db, names)
  return rows.map(row => ({
    name: row.name,
    creation_timestamp: row.created_at,
    last_updated_timestamp: row.updated_at,
    ...(row.description === null ? {} : { description: row.description }),
    latest_versions: versions.get(row.name),
    tags: tags.get(row.name),
    aliases: aliases.get(row.name)?.map(({ alias, version }) => ({ alias, version: String(version) })),
  }))
}

async function answered(db: Reading, row: RegisteredRow): Promise<Message> {
  const [registered] = await described(db, [row])
  return { registered_model: registered }
}

async function requireFree(tx: Reading, name: string): Promise<void> {
  const taken = await sql`select 1 from mlflow_registered where name = ${name}`.execute(tx)
  if (taken.rows.length > 0)
    throw new Problem('conflict', `Cannot name a registered model ${shown(name)}: there is one of this name already`)
}

export async function createRegistered({ clock }: Tracking, tx: Writing, from: Message): Promise<Message> {
  const name = nameIn(from, 'name')
  await requireFree(tx, name)
  const now = clock.now()
  const description = optionalText(from, 'description', 5_000) ?? null
  const row: RegisteredRow = { name, description, created_at: now, updated_at: now, last: 0 }
  await tx.insertInto('mlflow_registered').values(row).execute()
  await putFacts(tx, 'registered-tag', name, factsOf(from, 'tags', 'registry tag'))
  return await answered(tx, row)
}

export async function getRegistered({ db }: Tracking, from: Message): Promise<Message> {
  return await answered(db.sql, await readRegistered(db.sql, text(from, 'name')))
}

export async function updateRegistered({ clock }: Tracking, tx: Writing, from: Message): Promise<Message> {
  const row = await readRegistered(tx, text(from, 'name'))
  const description = optionalText(from, 'description', 5_000) ?? row.description
  const now = clock.now()
  await sql`update mlflow_registered set description = ${description}, updated_at = ${now}
    where name = ${row.name}`.execute(tx)
  return await answered(tx, { ...row, description, updated_at: now })
}

export async function renameRegistered({ clock }: Tracking, tx: Writing, from: Message): Promise<Message> {
  const row = await readRegistered(tx, text(from, 'name'))
  const name = nameIn(from, 'new_name')
  if (name !== row.name) await requireFree(tx, name)
  const now = clock.now()
  await sql`update mlflow_registered set name = ${name}, updated_at = ${now} where name = ${row.name}`.execute(tx)
  await sql`update mlflow_facts set owner = ${name}
    where kind = 'registered-tag' and owner = ${row.name}`.execute(tx)
  await sql`update mlflow_facts set owner = ${name} || substr(owner, length(${row.name}) + 1)
    where kind = 'version-tag' and owner in (select name || '/' || version from mlflow_versions where name = ${row.name})`.execute(
    tx,
  )
  await sql`update mlflow_aliases set name = ${name} where name = ${row.name}`.execute(tx)
  await sql`update mlflow_versions set name = ${name}, updated_at = ${now} where name = ${row.name}`.execute(tx)
  return await answered(tx, { ...row, name, updated_at: now })
}

export async function deleteRegistered(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const { name } = await readRegistered(tx, text(from, 'name'))
  await sql`delete from mlflow_facts where kind = 'version-tag' and owner in
    (select name || '/' || version from mlflow_versions where name = ${name})`.execute(tx)
  await sql`delete from mlflow_facts where kind = 'registered-tag' and owner = ${name}`.execute(tx)
  await sql`delete from mlflow_aliases where name = ${name}`.execute(tx)
  await sql`delete from mlflow_versions where name = ${name}`.execute(tx)
  await sql`delete from mlflow_registered where name = ${name}`.execute(tx)
  return {}
}

export async function tagRegistered(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const { name } = await readRegistered(tx, text(from, 'name'))
  await putFacts(tx, 'registered-tag', name, [factOf(from, 'registry tag')])
  return {}
}

export async function untagRegistered(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const { name } = await readRegistered(tx, text(from, 'name'))
  await deleteFact(tx, 'registered-tag', name, keyOf(from), false)
  return {}
}

export async function setAlias(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const alias = text(from, 'alias', 255)
  if (!/^[\p{L}\p{N}_-]+$/u.test(alias) || /^v\d+$/i.test(alias) || alias.toLowerCase() === 'latest')
    throw invalid(
      `Cannot use the alias ${shown(alias)}: wanted letters, digits, _ and -, not «latest» or one such as v1`,
    )
  const { name, version } = await readVersion(tx, text(from, 'name'), versionIn(from))
  await sql`insert into mlflow_aliases (name, alias, version) values (${name}, ${alias}, ${version})
    on conflict (name, alias) do update set version = excluded.version`.execute(tx)
  return {}
}

export async function deleteAlias(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const { name } = await readRegistered(tx, text(from, 'name'))
  await sql`delete from mlflow_aliases where name = ${name} and alias = ${text(from, 'alias')}`.execute(tx)
  return {}
}

export async function getByAlias({ db }: Tracking, from: Message): Promise<Message> {
  const { name } = await readRegistered(db.sql, text(from, 'name'))
  const alias = text(from, 'alias')
  const { rows } = await sql<{ version: number }>`select version from mlflow_aliases
    where name = ${name} and alias = ${alias}`.execute(db.sql)
  if (rows[0] === undefined)
    throw invalid(`Cannot find the alias ${shown(alias)}: the registered model ${shown(name)} has none of this name`)
  return { model_version: await versionMessage(db.sql, await readVersion(db.sql, name, rows[0].version)) }
}

const SUBJECT: Subject = {
  id: sql`g.name`,
  attributes: { name: { column: sql`g.name`, is: 'text' } },
  orders: {
    timestamp: { column: sql`g.updated_at`, is: 'number' },
    last_updated_timestamp: { column: sql`g.updated_at`, is: 'number' },
    creation_timestamp: { column: sql`g.created_at`, is: 'number' },
  },
  tag: 'registered-tag',
}

export async function searchRegistered({ db }: Tracking, from: Message): Promise<Message> {
  const size = pageSize(from, 100, 1_000)
  const offset = pageOffset(from)
  const filter = parseFilter(optionalText(from, 'filter'))
  const conditions = filter.map(one => conditionSql(db.engine, SUBJECT, one))
  const { joins, keys } = orderSql(SUBJECT, texts(from, 'order_by').map(parseOrder))
  const { rows } = await sql<RegisteredRow>`select g.* from mlflow_registered g ${sql.join(joins, sql` `)}
    where ${allOf([...conditions, ...withoutPrompts(sql`g.name`, filter)])} order by ${sql.join([...keys, sql`g.name`])}
    limit ${size + 1} offset ${offset}`.execute(db.sql)
  const page = paged(rows, offset, size)
  return { registered_models: await described(db.sql, page.rows), ...page.next }
}
