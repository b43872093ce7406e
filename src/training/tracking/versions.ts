import { sql } from 'kysely'
import { deleteFact, type Fact, factOf, factsOf, keyOf, PROMPT, portions, putFacts, readFacts } from './facts.ts'
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
import { readModel } from './logged-models.ts'
import { readRun } from './runs.ts'
import { allOf, conditionSql, orderSql, type Subject, withoutPrompts } from './search.ts'
import type { Reading, Tracking } from './tracking.ts'

interface VersionRow {
  readonly name: string
  readonly version: number
  readonly description: string
  readonly created_at: number
  readonly updated_at: number
  readonly stage: string
  readonly source: string
  /** Where its artifacts lie. */
  readonly storage: string
  readonly run: string
  readonly run_link: string
  readonly status: string
  readonly model: string | null
  readonly user_id: string | null
}

const STAGES = ['None', 'Staging', 'Production', 'Archived']

export function versionIn(from: Message): number {
  const given = String(from['version'] ?? '')
  if (/^\d{1,9}$/.test(given)) return Number(given)
  throw invalid(`Cannot use parameter 'version': found ${shown(given)}, wanted a whole number`)
}

export async function readVersion(db: Reading, name: string, version: number): Promise<VersionRow> {
  const { rows } = await sql<VersionRow>`select * from mlflow_versions
    where name = ${name} and version = ${version}`.execute(db)
  if (rows[0] === undefined) throw missing(`version ${version} of the registered model ${shown(name)}`)
  return rows[0]
}

function readGiven(db: Reading, from: Message): Promise<VersionRow> {
  return readVersion(db, text(from, 'name'), versionIn(from))
}

function ownerOf({ name, version }: Pick<VersionRow, 'name' | 'version'>): string {
  return `${name}/${version}`
}

function messageOf(row: VersionRow, tags: readonly Fact[] | undefined): Message {
  return {
    name: row.name,
    version: String(row.version),
    creation_timestamp: row.created_at,
    last_updated_timestamp: row.updated_at,
    ...(row.user_id === null ? {} : { user_id: row.user_id }),
    current_stage: row.stage,
    description: row.description,
    source: row.source,
    run_id: row.run,
    status: row.status,
    ...(tags === undefined ? {} : { tags }),
    run_link: row.run_link,
    ...(row.model === null ? {} : { model_id: row.model }),
  }
}

async function messagesOf(db: Reading, rows: readonly VersionRow[]): Promise<readonly Message[]> {
  const tags = await readFacts(db, 'version-tag', rows.map(ownerOf))
  return rows.map(row => messageOf(row, tags.get(ownerOf(row))))
}

/** A version with its aliases. */
export async function versionMessage(db: Reading, row: VersionRow): Promise<Message> {
  const [message] = await messagesOf(db, [row])
  const all = (await aliasesOf(db, [row.name])).get(row.name) ?? []
  const aliases = all.filter(({ version }) => version === row.version).map(({ alias }) => alias)
  return aliases.length === 0 ? message! : { ...message, aliases }
}

async function answered(db: Reading, row: VersionRow): Promise<Message> {
  return { model_version: await versionMessage(db, row) }
}

interface Alias {
  readonly name: string
  readonly alias: string
  readonly version: number
}

export async function aliasesOf(db: Reading, names: readonly string[]): Promise<ReadonlyMap<string, readonly Alias[]>> {
  const found = new Map<string, Alias[]>()
  for (const some of portions(names)) {
    const { rows } = await sql<Alias>`select * from mlflow_aliases where name in (${sql.join(some)})
      order by name, alias`.execute(db)
    for (const row of rows) found.set(row.name, [...(found.get(row.name) ?? []), row])
  }
  return found
}

/** The latest version of each stage that has any, by name of the registered model. */
export async function latestVersions(
  db: Reading,
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly Message[]>> {
  const found = new Map<string, Message[]>()
  for (const some of portions(names)) {
    const { rows } = await sql<VersionRow>`select v.* from mlflow_versions v join (
        select name, stage, max(version) as version from mlflow_versions
        where name in (${sql.join(some)}) group by name, stage
      ) last on v.name = last.name and v.version = last.version order by v.name, v.version`.execute(db)
    const told = await messagesOf(db, rows)
    for (const [at, { name }] of rows.entries()) found.set(name, [...(found.get(name) ?? []), told[at]!])
  }
  return found
}

const MODEL_SOURCE = /^models:\/(m-[\w-]+)$/

export async function createVersion({ clock }: Tracking, tx: Writing, from: Message): Promise<Message> {
  const name = text(from, 'name')
  const source = text(from, 'source', 500)
  const tags = factsOf(from, 'tags', 'registry tag')
  // Of a prompt, the text is a tag and the source means nothing.
  if (!tags.some(({ key, value }) => key === PROMPT && value === 'true')) requireSource(source)
  const now = clock.now()
  // Whoever registers a version waits here for whoever does so at the same time; a number is never given twice.
  const { rows } = await sql<{ last: number }>`update mlflow_registered set last = last + 1, updated_at = ${now}
    where name = ${name} returning last`.execute(tx)
  if (rows[0] === undefined) throw missing(`a registered model named ${shown(name)}`)
  const model = optionalText(from, 'model_id', 64) || MODEL_SOURCE.exec(source)?.[1]
  const logged = model === undefined ? undefined : await readModel(tx, model)
  const run = optionalText(from, 'run_id', 64) || logged?.run || ''
  const row: VersionRow = {
    name,
    version: rows[0].last,
    description: optionalText(from, 'description', 5_000) ?? '',
    created_at: now,
    updated_at: now,
    stage: 'None',
    source,
    storage: await storageOf(tx, source, logged?.artifact_uri),
    run,
    run_link: optionalText(from, 'run_link', 500) ?? '',
    status: 'READY',
    model: null,
    user_id: null,
  }
  await tx.insertInto('mlflow_versions').values(row).execute()
  await putFacts(tx, 'version-tag', ownerOf(row), tags)
  if (model !== undefined) await tellModel(tx, model, row)
  return await answered(tx, row)
}

const VERSIONS = 'mlflow.modelVersions'

/** A logged model knows by a tag what became of it. */
async function tellModel(tx: Writing, model: string, { name, version }: VersionRow): Promise<void> {
  const known = (await readFacts(tx, 'model-tag', [model])).get(model)?.find(({ key }) => key === VERSIONS)?.value
  const before = JSON.parse(known ?? '[]') as readonly Message[]
  const value = JSON.stringify([...before, { name, version }])
  await putFacts(tx, 'model-tag', model, [{ key: VERSIONS, value }])
}

/** A version must not reach files of this machine, or climb out of where its artifacts are. */
function requireSource(source: string): void {
  const isRemote = /^(?!file:)[a-z][\w+.-]*:/i.test(source)
  let plain = source
  try {
    for (let before = ''; before !== plain; ) {
      before = plain
      plain = decodeURIComponent(plain)
    }
  } catch {
    throw invalid(`Cannot register ${shown(source)}: it is not encoded as an address is`)
  }
  if (isRemote && !/[\0\r\n]/.test(plain) && !plain.split(/[/\\?#&=]/).includes('..')) return
  throw invalid(`Cannot register ${shown(source)}: wanted an address such as runs:/… or models:/…, without ..`)
}

async function storageOf(tx: Reading, source: string, ofModel: string | undefined): Promise<string> {
  if (MODEL_SOURCE.test(source) && ofModel !== undefined) return ofModel
  const ofRun = /^runs:\/([^/]+)\/(.+)$/.exec(source)
  if (ofRun !== null) return `${(await readRun(tx, ofRun[1]!)).artifact_uri}/${ofRun[2]}`
  const ofVersion = /^models:\/([^/@]+)\/(\d{1,9})$/.exec(source)
  return ofVersion === null ? source : (await readVersion(tx, ofVersion[1]!, Number(ofVersion[2]))).storage
}

export async function getVersion({ db }: Tracking, from: Message): Promise<Message> {
  return await answered(db.sql, await readGiven(db.sql, from))
}

export async function updateVersion({ clock }: Tracking, tx: Writing, from: Message): Promise<Message> {
  const row = await readGiven(tx, from)
  const description = optionalText(from, 'description', 5_000) ?? row.description
  const changed = { ...row, description, updated_at: clock.now() }
  await store(tx, changed)
  return await answered(tx, changed)
}

async function store(tx: Writing, row: VersionRow): Promise<void> {
  await sql`update mlflow_versions set description = ${row.description}, stage = ${row.stage},
    updated_at = ${row.updated_at} where name = ${row.name} and version = ${row.version}`.execute(tx)
  await sql`update mlflow_registered set updated_at = ${row.updated_at} where name = ${row.name}`.execute(tx)
}

function stageIn(given: string): string {
  const stage = STAGES.find(known => known.toLowerCase() === given.toLowerCase())
  if (stage !== undefined) return stage
  throw invalid(`Cannot use the stage ${shown(given)}: wanted one of ${STAGES.join(', ')}`)
}

export async function moveVersion({ clock }: Tracking, tx: Writing, from: Message): Promise<Message> {
  const row = await readGiven(tx, from)
  const stage = stageIn(text(from, 'stage'))
  const archives = from['archive_existing_versions'] === true
  if (archives && stage !== 'Staging' && stage !== 'Production')
    throw invalid(`Cannot archive the versions in ${stage}: this is for Staging and Production`)
  const now = clock.now()
  if (archives)
    await sql`update mlflow_versions set stage = 'Archived', updated_at = ${now}
      where name = ${row.name} and stage = ${stage} and version <> ${row.version}`.execute(tx)
  const changed = { ...row, stage, updated_at: now }
  await store(tx, changed)
  return await answered(tx, changed)
}

export async function deleteVersion({ clock }: Tracking, tx: Writing, from: Message): Promise<Message> {
  const row = await readGiven(tx, from)
  const { name, version } = row
  await sql`delete from mlflow_facts where kind = 'version-tag' and owner = ${ownerOf(row)}`.execute(tx)
  await sql`delete from mlflow_aliases where name = ${name} and version = ${version}`.execute(tx)
  await sql`delete from mlflow_versions where name = ${name} and version = ${version}`.execute(tx)
  await sql`update mlflow_registered set updated_at = ${clock.now()} where name = ${name}`.execute(tx)
  return {}
}

export async function downloadUri({ db }: Tracking, from: Message): Promise<Message> {
  return { artifact_uri: (await readGiven(db.sql, from)).storage }
}

export async function tagVersion(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  await putFacts(tx, 'version-tag', ownerOf(await readGiven(tx, from)), [factOf(from, 'registry tag')])
  return {}
}

export async function untagVersion(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  await deleteFact(tx, 'version-tag', ownerOf(await readGiven(tx, from)), keyOf(from), false)
  return {}
}

export async function getLatestVersions({ db }: Tracking, from: Message): Promise<Message> {
  const name = text(from, 'name')
  const known = await sql`select 1 from mlflow_registered where name = ${name}`.execute(db.sql)
  if (known.rows.length === 0) throw missing(`a registered model named ${shown(name)}`)
  const stages = texts(from, 'stages').map(stageIn)
  const latest = (await latestVersions(db.sql, [name])).get(name) ?? []
  const wanted = latest.filter(({ current_stage: stage }) => stages.length === 0 || stages.includes(String(stage)))
  const aliases = (await aliasesOf(db.sql, [name])).get(name) ?? []
  return {
    model_versions: wanted.map(message => {
      const own = aliases.filter(({ version }) => String(version) === message['version']).map(({ alias }) => alias)
      return own.length === 0 ? message : { ...message, aliases: own }
    }),
  }
}

const name = { column: sql`v.name`, is: 'text' } as const
const number = (column: string) => ({ column: sql.ref(column), is: 'number' }) as const

const SUBJECT: Subject = {
  id: sql`(v.name || '/' || v.version)`,
  attributes: {
    name,
    version_number: number('v.version'),
    run_id: { column: sql`v.run`, is: 'text' },
    source_path: { column: sql`v.source`, is: 'text' },
  },
  orders: {
    creation_timestamp: number('v.created_at'),
    last_updated_timestamp: number('v.updated_at'),
  },
  tag: 'version-tag',
}

export async function searchVersions({ db }: Tracking, from: Message): Promise<Message> {
  const size = pageSize(from, 10_000, 200_000)
  const offset = pageOffset(from)
  const filter = parseFilter(optionalText(from, 'filter'))
  const conditions = filter.map(one => conditionSql(db.engine, SUBJECT, one))
  const given = texts(from, 'order_by').map(parseOrder)
  const orders = given.length === 0 ? [parseOrder('last_updated_timestamp DESC')] : given
  const { joins, keys } = orderSql(SUBJECT, orders)
  const { rows } = await sql<VersionRow>`select v.* from mlflow_versions v ${sql.join(joins, sql` `)}
    where ${allOf([...conditions, ...withoutPrompts(sql`v.name`, filter)])} order by ${sql.join([...keys, sql`v.name`, sql`v.version desc`])}
    limit ${size + 1} offset ${offset}`.execute(db.sql)
  const page = paged(rows, offset, size)
  return { model_versions: await messagesOf(db.sql, page.rows), ...page.next }
}
