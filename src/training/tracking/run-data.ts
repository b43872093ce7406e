/** What is logged into a run: points, parameters, tags, inputs and outputs. */
import { type Fact, factOf, factsOf, putParams } from './facts.ts'
import { invalid, type Message, messages } from './fields.ts'
import type { Writing } from './group-commit.ts'
import { putInputs, putModels } from './inputs.ts'
import { metricHistory, pointOf, putPoints } from './metrics.ts'
import { readRun, requireActiveRun, runIdIn, tagRun } from './runs.ts'
import type { Tracking } from './tracking.ts'

const METRICS_MAX = 1_000
const PARAMS_MAX = 100
const TAGS_MAX = 100

export async function logMetric(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const point = pointOf(from)
  const { id } = await requireActiveRun(tx, runIdIn(from))
  await putPoints(tx, id, [point])
  return {}
}

export async function logParam(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const param = factOf(from, 'param')
  const { id } = await requireActiveRun(tx, runIdIn(from))
  await putParams(tx, 'param', id, [param])
  return {}
}

export async function setRunTag(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const tag = factOf(from, 'tag')
  const { id } = await requireActiveRun(tx, runIdIn(from))
  await tagRun(tx, id, [tag])
  return {}
}

/** All or nothing. */
export async function logBatch(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const points = messages(from, 'metrics').map(pointOf)
  const params = distinct(factsOf(from, 'params', 'param'))
  const tags = factsOf(from, 'tags', 'tag')
  requireFew('metrics', points.length, METRICS_MAX)
  requireFew('params', params.length, PARAMS_MAX)
  requireFew('tags', tags.length, TAGS_MAX)
  requireFew('metrics, params and tags together', points.length + params.length + tags.length, METRICS_MAX)
  const { id } = await requireActiveRun(tx, runIdIn(from))
  await putParams(tx, 'param', id, params)
  await putPoints(tx, id, points)
  await tagRun(tx, id, tags)
  return {}
}

function requireFew(what: string, found: number, most: number): void {
  if (found > most) throw invalid(`Cannot log a batch: it has ${found} ${what}, at most ${most} were wanted`)
}

/** A parameter is given once in a batch, also where both say the same, as MLflow has it. */
function distinct(params: readonly Fact[]): readonly Fact[] {
  const seen = new Set<string>()
  for (const { key } of params) {
    if (seen.has(key)) throw invalid(`Cannot log a batch: the parameter '${key}' is in it twice`)
    seen.add(key)
  }
  return params
}

export async function logInputs(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const { id } = await requireActiveRun(tx, runIdIn(from))
  await putInputs(tx, id, from)
  return {}
}

export async function logOutputs(_: Tracking, tx: Writing, from: Message): Promise<Message> {
  const { id } = await requireActiveRun(tx, runIdIn(from))
  await putModels(tx, id, 'output', messages(from, 'models'))
  return {}
}

export async function getMetricHistory(tracking: Tracking, from: Message): Promise<Message> {
  const run = runIdIn(from)
  return await metricHistory(tracking, from, () => readRun(tracking.db.sql, run), run)
}
