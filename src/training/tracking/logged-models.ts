/** Models as MLflow 3 logs them: things of their own beside runs. */
import { sql } from 'kysely'
import { experimentId, experimentIdIn, requireActiveExperiment } from './experiments.ts'
import { deleteFact, type Fact, factsOf, portions, putFacts, putParams, readFacts } from './facts.ts'
import {
  invalid,
  type Message,
  messages,
  missing,
  optionalText,
  paged,
  pageOffset,
  pageSize,
  shown,
  text,
  texts,
} from './fields.ts'
import { type Order, parseFilter, parseOrder } from './filter.ts'
import type { Writing } from './group-commit.ts'
import { type MetricRow, metricOf } from './metrics.ts'
import { allOf, conditionSql, orderSql, type Subject } from './search.ts'
import { hexId, type Reading, type Tracking } from './tracking.ts'

interface ModelRow {
  readonly id: string
  readonly experiment: number
  readonly name: string
  readonly artifact_uri: string
  readonly created_at: number
  readonly updated_at: number
  readonly status: string
  readonly message: string | null
  readonly type: string
  readonly run: string | null
  readonly stage: string
}

const STATUSES = ['LOGGED_MODEL_PENDING', 'LOGGED_MODEL_READY', 'LOGGED_MODEL_UPLOAD_FAILED']

export async function readModel(db: Reading, id: string): Promise<ModelRow> {
  const { rows } = await sql<ModelRow>`select * from mlflow_models where id = ${id} and stage = 'active'`.execute(db)
  if (rows[0] === undefined) throw missing(`a logged model with the id ${shown(id)}`)
  return rows[0]
}

function readGiven(db: Reading, from: Message): Promise<ModelRow> {
  return readModel(db, text(from, 'model_id'))
}

async function described(db: Reading, rows: readonly ModelRow[]): Promise<readonly Message[]> {
  const ids = rows.map(({ id }) => id)
  const tags = await readFacts(db, 'model-tag', ids)
  const params = await readFacts(db, 'model-param', ids)
  const metrics = await metricsOf(db, ids)
  return rows.map(row => ({
    info: {
      model_id: row.id,
      experiment_id: String(row.experiment),
      name: row.name,
      creation_timestamp_ms: row.created_at,
      last_updated_timestamp_ms: row.updated_at,
      artifact_uri: row.artifact_uri,
      status: row.status,
      model_type: row.type,
      ...(row.message === null ? {} : { status_message: row.message }),
      source_run_id: row.run ?? '',
      tags: tags.get(row.id),
    },
    data: { params: params.get(row.id), metrics: metrics.get(row.id) },
  }))
}

async function metricsOf(db: Reading, ids: readonly string[]): Promise<ReadonlyMap<string, readonly Message[]>> {
  const found = new Map<string, Message[]>()
  for (const some of portions(ids)) {
    const { rows } = await sql<MetricRow & { model: string }>`select * from mlflow_model_points
      where model in (${sql.join(some)}) order by model, name, dataset, digest, run, step, at, value`.execute(db)
    for (const row of rows) {
      const of = row.dataset ? { dataset_name: row.dataset, dataset_digest: row.digest } : {}
      const metric = { ...metricOf(row), model_id: row.model, run_id: row.run, ...of }
      const before = found.get(row.model)
      if (before === undefined) found.set(row.model, [metric])
      else before.push(metric)
    }
  }
  return found
}

async function answered(db: Reading, row: ModelRow): Promise<Message> {
  const [model] = await described(db, [row])
  return { model }
}

export async function createModel({ ids, clock }: Tracking, tx: Writing, from: Message): Promise<Message> {
  const experiment = await requireActiveExperiment(tx, experimentIdIn(from))
  const id = `m-${hexId(ids)}`
  const name = optionalText(from, 'name', 500) || id
  if (/[/:.%"']/.test(name)) throw invalid(`Cannot name a model ${shown(name)}: wanted a name without / : . % " and '`)
  const now = clock.now()
  const row: ModelRow = {
    id,
    experiment: experiment.id,
    name,
    artifact_uri: `${experiment.artifact_location}/models/${id}/artifacts`,
    created_at: now,
    updated_at: now,
    status: 'LOGGED_MODEL_PENDING',
    message: null,
    type: optionalText(from, 'model_type', 500) ?? '',
    run: optionalText(from, 'source_run_id', 64) || null,
    stage: 'active',
  }
  await tx.insertInto('mlflow_models').values(row).execute()
  await putFacts(tx, 'model-tag', id, factsOf(from, 'tags', 'tag'))
  await putParams(tx, 'model-param', id, factsOf(from, 'params', 'param'))
  return await answered(tx, row)
}

export async function getModel({ db }: Tracking, from: Message): Promise<Message> {
  return await answered(db.sql, await readGiven(db.sql, from))
}

export async function finishModel({ clock }: Tracking, tx: Writing, from: Message): Promise<Message> {
  const row = await readGiven(tx, from)
  const given = from['status']
  const status = typeof given === 'number' ? STATUSES[given - 1] : text(from, 'status')
  if (status === undefined || !STATUSES.includes(status))
    throw invalid(`Cannot use parameter 'status': found ${shown(given)}, wanted one of ${STATUSES.join(', ')}`)
  const now = clock.now()
  await sql`update mlflow_models set status = ${status}, updated_at = ${now} where id = ${row.id}`.execute(tx)
  return await answered(tx, { ...row, status, updated_at: now })
}

export async function deleteModel({ clock }: Tracking, tx: Writing, from: Message): Promise<Message> {
  const { id } = await readGiven(tx, from)
  await sql`update mlflow_models set stage = 'deleted', updated_at = ${clock.now()} where id = ${id}`.execute(tx)
  return {}
}

export async function tagModel(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const { id } = await readGiven(tx, from)
  await putFacts(tx, 'model-tag', id, factsOf(from, 'tags', 'tag'))
  return {}
}

export async function untagModel(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const { id } = await readGiven(tx, from)
  await deleteFact(tx, 'model-tag', id, text(from, 'tag_key'), true)
  return {}
}

export async function logModelParams(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const { id } = await readGiven(tx, from)
  const params: readonly Fact[] = factsOf(from, 'params', 'param')
  await putParams(tx, 'model-param', id, params)
  return {}
}

const number = (column: string) => ({ column: sql.ref(column), is: 'number' }) as const
const words = (column: string) => ({ column: sql.ref(column), is: 'text' }) as const

const SUBJECT: Subject = {
  id: sql`m.id`,
  attributes: {
    name: words('m.name'),
    model_id: words('m.id'),
    model_type: words('m.type'),
    status: { column: sql`replace(m.status, 'LOGGED_MODEL_', '')`, is: 'text' },
    source_run_id: words('m.run'),
    experiment_id: { column: sql`cast(m.experiment as text)`, is: 'text' },
    artifact_uri: words('m.artifact_uri'),
    creation_timestamp: number('m.created_at'),
    creation_time: number('m.created_at'),
    last_updated_timestamp: number('m.updated_at'),
    last_updated_time: number('m.updated_at'),
  },
  tag: 'model-tag',
  param: 'model-param',
}

/** Metrics count that were measured on one of the data sets, or on any where none is named. */
function subjectOf(datasets: readonly Message[]): Subject {
  const measured = datasets.map(one => {
    const digest = optionalText(one, 'dataset_digest')
    const named = sql`dataset = ${text(one, 'dataset_name')}`
    return digest ? sql`(${named} and digest = ${digest})` : named
  })
  const scope = measured.length === 0 ? sql`1 = 1` : sql`(${sql.join(measured, sql` or `)})`
  return { ...SUBJECT, metrics: { table: 'mlflow_model_points', owner: 'model', scope } }
}

export async function searchModels({ db }: Tracking, from: Message): Promise<Message> {
  const size = pageSize(from, 50, 50)
  const offset = pageOffset(from)
  const subject = subjectOf(messages(from, 'datasets'))
  const conditions = parseFilter(optionalText(from, 'filter')).map(one => conditionSql(db.engine, subject, one))
  const orders = messages(from, 'order_by').map(
    (by): Order => ({ ...parseOrder(text(by, 'field_name')), isDescending: by['ascending'] === false }),
  )
  const { joins, keys } = orderSql(subject, orders)
  const experiments = texts(from, 'experiment_ids').map(experimentId)
  if (experiments.length === 0)
    throw invalid("Cannot go on: the value of required parameter 'experiment_ids' is missing")
  const { rows } = await sql<ModelRow>`select m.* from mlflow_models m ${sql.join(joins, sql` `)}
    where m.experiment in (${sql.join(experiments)}) and m.stage = 'active' and ${allOf(conditions)}
    order by ${sql.join([...keys, sql`m.created_at desc`, sql`m.id desc`])}
    limit ${size + 1} offset ${offset}`.execute(db.sql)
  const page = paged(rows, offset, size)
  return { models: await described(db.sql, page.rows), ...page.next }
}
