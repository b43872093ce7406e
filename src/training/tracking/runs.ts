import { sql } from 'kysely'
import { deleteFact, keyOf, putFacts, readFacts } from './facts.ts'
import { invalid, type Message, missing, optionalText, optionalWhole, shown } from './fields.ts'
import type { Writing } from './group-commit.ts'
import { datasetsOf, modelsOf } from './inputs.ts'
import { latestMetrics } from './metrics.ts'
import type { Reading, Tracking } from './tracking.ts'

export interface RunRow {
  readonly id: string
  readonly experiment: number
  readonly name: string
  readonly user_id: string
  readonly status: string
  readonly started_at: number
  readonly ended_at: number | null
  readonly artifact_uri: string
  readonly stage: string
}

const STATUSES = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']
export const NAME_CHARACTERS_MAX = 250
export const RUN_NAME = 'mlflow.runName'

/** The id of a run, under either of the names that the protocol has for it. */
export function runIdIn(from: Message): string {
  const id = optionalText(from, 'run_id') || optionalText(from, 'run_uuid')
  if (id === undefined || id === '') throw invalid("Cannot go on: the value of required parameter 'run_id' is missing")
  return id
}

export async function readRun(db: Reading, id: string): Promise<RunRow> {
  return foundRun(await runNamed(db, id), id)
}

async function runNamed(db: Reading, id: string): Promise<RunRow | undefined> {
  return (await sql<RunRow>`select * from mlflow_runs where id = ${id}`.execute(db)).rows[0]
}

function foundRun(run: RunRow | undefined, id: string): RunRow {
  if (run === undefined) throw missing(`a run with the id ${shown(id)}`)
  return run
}

export async function requireActiveRun(db: Reading, id: string): Promise<RunRow> {
  return activeRun(await runNamed(db, id), id)
}

/** The run, if it may be written to. */
export function activeRun(found: RunRow | undefined, id: string): RunRow {
  const run = foundRun(found, id)
  if (run.stage === 'active') return run
  throw invalid(`Cannot change the run ${shown(id)}: it is deleted, one in the active state was wanted`)
}

export function infoOf(row: RunRow): Message {
  return {
    run_uuid: row.id,
    experiment_id: String(row.experiment),
    run_name: row.name,
    user_id: row.user_id,
    status: row.status,
    start_time: row.started_at,
    ...(row.ended_at === null ? {} : { end_time: row.ended_at }),
    artifact_uri: row.artifact_uri,
    lifecycle_stage: row.stage,
    run_id: row.id,
  }
}

/** Runs with all that is known of them, in the order given. */
export async function describedRuns(db: Reading, rows: readonly RunRow[]): Promise<readonly Message[]> {
  const ids = rows.map(({ id }) => id)
  const tags = await readFacts(db, 'run-tag', ids)
  const params = await readFacts(db, 'param', ids)
  const metrics = await latestMetrics(db, ids)
  const datasets = await datasetsOf(db, ids)
  const models = await modelsOf(db, ids)
  return rows.map(row => {
    const data = { metrics: metrics.get(row.id), params: params.get(row.id), tags: tags.get(row.id) }
    const inputs = { dataset_inputs: datasets.get(row.id), model_inputs: models.inputs.get(row.id) }
    const outputs = { model_outputs: models.outputs.get(row.id) }
    return { info: infoOf(row), data, inputs, outputs }
  })
}

export async function getRun({ db }: Tracking, from: Message): Promise<Message> {
  const [run] = await describedRuns(db.sql, [await readRun(db.sql, runIdIn(from))])
  return { run }
}

export async function updateRun(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const run = await requireActiveRun(tx, runIdIn(from))
  const given = from['status']
  const numbered = typeof given === 'number' ? STATUSES[given - 1] : given
  if (given !== undefined && !STATUSES.includes(String(numbered)))
    throw invalid(`Cannot use parameter 'status': found ${shown(given)}, wanted one of ${STATUSES.join(', ')}`)
  const name = optionalText(from, 'run_name', NAME_CHARACTERS_MAX) || run.name
  const changed: RunRow = {
    ...run,
    name,
    status: given === undefined ? run.status : String(numbered),
    ended_at: optionalWhole(from, 'end_time') ?? run.ended_at,
  }
  await sql`update mlflow_runs set name = ${name}, status = ${changed.status}, ended_at = ${changed.ended_at}
    where id = ${run.id}`.execute(tx)
  if (name !== run.name) await putFacts(tx, 'run-tag', run.id, [{ key: RUN_NAME, value: name }])
  return { run_info: infoOf(changed) }
}

/** Deletes a run, or brings it back. To do so again changes nothing. */
export function stageRun(stage: 'active' | 'deleted') {
  return async (_: Tracking, tx: Writing, from: Message): Promise<Message> => {
    const { id } = await readRun(tx, runIdIn(from))
    await sql`update mlflow_runs set stage = ${stage} where id = ${id}`.execute(tx)
    return {}
  }
}

export async function deleteRunTag(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const key = keyOf(from)
  const { id } = await requireActiveRun(tx, runIdIn(from))
  await deleteFact(tx, 'run-tag', id, key, true)
  return {}
}
