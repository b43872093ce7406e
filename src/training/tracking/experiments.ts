import { sql } from 'kysely'
import { Problem } from '../../errors.ts'
import { deleteFact, factOf, factsOf, keyOf, putFacts, readFacts } from './facts.ts'
import {
  invalid,
  type Message,
  missing,
  optionalText,
  optionalWhole,
  paged,
  pageOffset,
  pageSize,
  shown,
  text,
  texts,
} from './fields.ts'
import { parseFilter, parseOrder } from './filter.ts'
import type { Writing } from './group-commit.ts'
import { allOf, conditionSql, orderSql, type Subject } from './search.ts'
import type { Reading, Tracking } from './tracking.ts'

export interface ExperimentRow {
  readonly id: number
  readonly name: string
  readonly artifact_location: string
  readonly stage: string
  readonly created_at: number
  readonly updated_at: number
}

const NAME_CHARACTERS_MAX = 500

/** The id of an experiment as it is kept. */
export function experimentId(given: string): number {
  const id = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN
  if (Number.isSafeInteger(id)) return id
  throw invalid(`Cannot use parameter 'experiment_id': found ${shown(given)}, wanted a whole number`)
}

/** An id as a parameter, which may come as a number. */
export function experimentIdIn(from: Message): number {
  const id = from['experiment_id']
  return experimentId(typeof id === 'number' ? String(id) : text(from, 'experiment_id'))
}

export async function readExperiment(db: Reading, id: number): Promise<ExperimentRow> {
  const { rows } = await sql<ExperimentRow>`select * from mlflow_experiments where id = ${id}`.execute(db)
  return foundExperiment(rows[0], id)
}

function foundExperiment(experiment: ExperimentRow | undefined, id: number): ExperimentRow {
  if (experiment === undefined) throw missing(`an experiment with the id '${id}'`)
  return experiment
}

export async function requireActiveExperiment(db: Reading, id: number): Promise<ExperimentRow> {
  return activeExperiment(await readExperiment(db, id), id)
}

/** The experiment, if it may be written to. */
export function activeExperiment(found: ExperimentRow | undefined, id: number): ExperimentRow {
  const experiment = foundExperiment(found, id)
  if (experiment.stage === 'active') return experiment
  throw invalid(`Cannot use the experiment '${id}': it is deleted, one in the active state was wanted`)
}

async function described(db: Reading, rows: readonly ExperimentRow[]): Promise<Message[]> {
  const tags = await readFacts(
    db,
    'experiment-tag',
    rows.map(({ id }) => String(id)),
  )
  return rows.map(row => {
    const own = tags.get(String(row.id))
    return {
      experiment_id: String(row.id),
      name: row.name,
      artifact_location: row.artifact_location,
      lifecycle_stage: row.stage,
      last_update_time: row.updated_at,
      creation_time: row.created_at,
      workspace: 'default',
      ...(own === undefined ? {} : { tags: own }),
    }
  })
}

/** The experiment that runs are in which name none: made when it is first wanted, and never again once somebody renamed it. */
export async function ensureDefault({ db, write, clock }: Tracking): Promise<void> {
  const { rows } = await sql`select 1 from mlflow_experiments where id = 0`.execute(db.sql)
  if (rows.length > 0) return
  const now = clock.now()
  await write(tx =>
    sql`insert into mlflow_experiments (id, name, artifact_location, stage, created_at, updated_at)
      values (0, 'Default', 'mlflow-artifacts:/0', 'active', ${now}, ${now}) on conflict do nothing`.execute(tx),
  )
}

export async function createExperiment({ clock }: Tracking, tx: Writing, from: Message): Promise<Message> {
  const name = text(from, 'name', NAME_CHARACTERS_MAX)
  const tags = factsOf(from, 'tags', 'tag')
  await requireFree(tx, name)
  // Whoever makes one waits here for whoever does so at the same time, on both databases.
  await sql`update mlflow_experiments set updated_at = updated_at where id = 0`.execute(tx)
  const last = await sql<{ id: number | null }>`select max(id) as id from mlflow_experiments`.execute(tx)
  const id = (last.rows[0]?.id ?? 0) + 1
  const location = optionalText(from, 'artifact_location') || `mlflow-artifacts:/${id}`
  requireProxied(location)
  const now = clock.now()
  await sql`insert into mlflow_experiments (id, name, artifact_location, stage, created_at, updated_at)
    values (${id}, ${name}, ${location.replace(/\/+$/, '')}, 'active', ${now}, ${now})`.execute(tx)
  await putFacts(tx, 'experiment-tag', String(id), tags)
  return { experiment_id: String(id) }
}

function requireProxied(location: string): void {
  if (!/[?#\s]/.test(location) && !location.split('/').includes('..')) return
  throw invalid(`Cannot keep artifacts at ${shown(location)}: wanted an address without ?, #, .. and spaces`)
}

async function requireFree(tx: Reading, name: string): Promise<void> {
  const taken = await sql<ExperimentRow>`select * from mlflow_experiments where name = ${name}`.execute(tx)
  if (taken.rows[0] === undefined) return
  const deleted = taken.rows[0].stage === 'active' ? '' : ', deleted: restore it or choose another name'
  throw new Problem('conflict', `Cannot name an experiment ${shown(name)}: there is one of this name already${deleted}`)
}

export async function getExperiment({ db }: Tracking, from: Message): Promise<Message> {
  const [experiment] = await described(db.sql, [await readExperiment(db.sql, experimentIdIn(from))])
  return { experiment }
}

export async function getExperimentByName({ db }: Tracking, from: Message): Promise<Message> {
  const name = text(from, 'experiment_name')
  const { rows } = await sql<ExperimentRow>`select * from mlflow_experiments where name = ${name}`.execute(db.sql)
  if (rows[0] === undefined) throw missing(`an experiment named ${shown(name)}`)
  const [experiment] = await described(db.sql, [rows[0]])
  return { experiment }
}

export async function updateExperiment({ clock }: Tracking, tx: Writing, from: Message): Promise<Message> {
  const { id } = await requireActiveExperiment(tx, experimentIdIn(from))
  const name = text(from, 'new_name', NAME_CHARACTERS_MAX)
  const { name: before } = await readExperiment(tx, id)
  if (before !== name) await requireFree(tx, name)
  await sql`update mlflow_experiments set name = ${name}, updated_at = ${clock.now()} where id = ${id}`.execute(tx)
  return {}
}

/** Deletes an experiment, or brings it back, with the runs it had. */
export function stageExperiment(stage: 'active' | 'deleted') {
  return async ({ clock }: Tracking, tx: Writing, from: Message): Promise<Message> => {
    const id = experimentIdIn(from)
    const experiment = await readExperiment(tx, id)
    if (experiment.stage === stage) throw missing(`an experiment with the id '${id}' that is not ${stage} already`)
    const now = clock.now()
    await sql`update mlflow_experiments set stage = ${stage}, updated_at = ${now} where id = ${id}`.execute(tx)
    await sql`update mlflow_runs set stage = ${stage} where experiment = ${id}`.execute(tx)
    return {}
  }
}

export async function setExperimentTag(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const { id } = await requireActiveExperiment(tx, experimentIdIn(from))
  await putFacts(tx, 'experiment-tag', String(id), [factOf(from, 'tag')])
  return {}
}

export async function deleteExperimentTag(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const { id } = await requireActiveExperiment(tx, experimentIdIn(from))
  await deleteFact(tx, 'experiment-tag', String(id), keyOf(from), true)
  return {}
}

const SUBJECT: Subject = {
  id: sql`cast(e.id as text)`,
  attributes: {
    name: { column: sql`e.name`, is: 'text' },
    experiment_id: { column: sql`cast(e.id as text)`, is: 'text' },
    creation_time: { column: sql`e.created_at`, is: 'number' },
    last_update_time: { column: sql`e.updated_at`, is: 'number' },
  },
  orders: { experiment_id: { column: sql`e.id`, is: 'number' } },
  tag: 'experiment-tag',
}
const EXPERIMENTS_USUAL = 1_000
const EXPERIMENTS_MAX = 50_000

export async function searchExperiments({ db }: Tracking, from: Message): Promise<Message> {
  const size = pageSize(from, EXPERIMENTS_USUAL, EXPERIMENTS_MAX)
  const offset = pageOffset(from)
  const conditions = parseFilter(optionalText(from, 'filter')).map(one => conditionSql(db.engine, SUBJECT, one))
  const orders = texts(from, 'order_by').map(parseOrder)
  const isOrderedById = orders.some(({ key }) => key === 'experiment_id')
  const usual = parseOrder('creation_time DESC')
  const { joins, keys } = orderSql(SUBJECT, orders.length === 0 ? [usual] : orders)
  const all = sql.join([...keys, ...(isOrderedById ? [] : [sql`e.id desc`])])
  const { rows } = await sql<ExperimentRow>`select e.* from mlflow_experiments e ${sql.join(joins, sql` `)}
    where e.stage in (${sql.join(stagesOf(from, 'view_type'))}) and ${allOf(conditions)}
    order by ${all} limit ${size + 1} offset ${offset}`.execute(db.sql)
  const page = paged(rows, offset, size)
  return { experiments: await described(db.sql, page.rows), ...page.next }
}

/** The stages that a search looks at. */
export function stagesOf(from: Message, name: string): readonly string[] {
  const view = from[name] ?? 'ACTIVE_ONLY'
  if (view === 'ACTIVE_ONLY' || optionalNumber(from, name) === 1) return ['active']
  if (view === 'DELETED_ONLY' || optionalNumber(from, name) === 2) return ['deleted']
  if (view === 'ALL' || optionalNumber(from, name) === 3) return ['active', 'deleted']
  throw invalid(`Cannot use parameter '${name}': found ${shown(view)}, wanted ACTIVE_ONLY, DELETED_ONLY or ALL`)
}

function optionalNumber(from: Message, name: string): number | undefined {
  return /^\d$/.test(String(from[name])) ? optionalWhole(from, name) : undefined
}
