/** Metrics of runs: every point ever logged, and beside them the latest of each name, which lists and searches read. */
import { sql } from 'kysely'
import { keyOf, portions } from './facts.ts'
import {
  invalid,
  type Message,
  optionalText,
  optionalWhole,
  paged,
  pageOffset,
  pageSize,
  real,
  text,
  whole,
} from './fields.ts'
import type { Reading, Tracking } from './tracking.ts'

export interface Point {
  readonly name: string
  readonly at: number
  readonly step: number
  /** Finite: 0 where it is no number, the largest double of its sign where it is infinite. */
  readonly value: number
  readonly is_nan: number
  readonly model?: string | undefined
  readonly dataset?: string | undefined
  readonly digest?: string | undefined
}

export function pointOf(from: Message): Point {
  const value = real(from, 'value')
  const isNan = Number.isNaN(value)
  const finite = Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, value))
  return {
    name: keyOf(from),
    at: timeIn(from),
    step: optionalWhole(from, 'step') ?? 0,
    value: isNan ? 0 : finite + 0,
    is_nan: isNan ? 1 : 0,
    model: optionalText(from, 'model_id') || undefined,
    dataset: optionalText(from, 'dataset_name') || undefined,
    digest: optionalText(from, 'dataset_digest') || undefined,
  }
}

function timeIn(from: Message): number {
  const at = whole(from, 'timestamp')
  if (at >= 0) return at
  throw invalid(`Cannot use parameter 'timestamp': found ${at}, wanted milliseconds since 1970`)
}

/** Whether a point is later than another of its name: by step, then time, then value, as MLflow has it. */
export function isLater(a: Point, b: Point): boolean {
  if (a.step !== b.step) return a.step > b.step
  if (a.at !== b.at) return a.at > b.at
  return a.value > b.value
}

export interface MetricRow extends Point {
  readonly run: string
}

/** Protocol Buffers' JSON has a text for what is not a number. */
export function metricOf({ name, value, at, step, is_nan }: Point): Message {
  return { key: name, value: is_nan === 1 ? 'NaN' : value, timestamp: at, step }
}

export async function latestMetrics(
  db: Reading,
  runs: readonly string[],
): Promise<ReadonlyMap<string, readonly Message[]>> {
  const found = new Map<string, Message[]>()
  for (const some of portions(runs)) {
    const { rows } = await sql<MetricRow>`select * from mlflow_latest where run in (${sql.join(some)})
      order by run, name`.execute(db)
    for (const row of rows) {
      const before = found.get(row.run)
      if (before === undefined) found.set(row.run, [metricOf(row)])
      else before.push(metricOf(row))
    }
  }
  return found
}

const POINTS_USUAL = 25_000
const POINTS_MAX = 25_000

export async function metricHistory(
  { db }: Tracking,
  from: Message,
  requireRun: () => Promise<unknown>,
  run: string,
): Promise<Message> {
  await requireRun()
  const name = text(from, 'metric_key')
  const size = pageSize(from, POINTS_USUAL, POINTS_MAX)
  const offset = pageOffset(from)
  const { rows } = await sql<MetricRow>`select * from mlflow_metrics where run = ${run} and name = ${name}
    order by at, step, value limit ${size + 1} offset ${offset}`.execute(db.sql)
  const page = paged(rows, offset, size)
  return { metrics: page.rows.map(metricOf), ...page.next }
}
