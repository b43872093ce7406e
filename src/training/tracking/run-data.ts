/** Inputs and outputs of a run, and the history of its metrics. */
import { type Message, messages } from './fields.ts'
import type { Writing } from './group-commit.ts'
import { putInputs, putModels } from './inputs.ts'
import { metricHistory } from './metrics.ts'
import { readRun, requireActiveRun, runIdIn } from './runs.ts'
import type { Tracking } from './tracking.ts'

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
