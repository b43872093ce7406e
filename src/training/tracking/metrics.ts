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
import type { Writing } from './group-commit.ts'
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
function isLater(a: Point, b: Point): boolean {
  if (a.step !== b.step) return a.step > b.step
  if (a.at !== b.at) return a.at > b.at
  return a.value > b.value
}

/** The latest of each. */
function lastOf(points: readonly Point[], keyOfPoint: (point: Point) => string): readonly Point[] {
  const last = new Map<string, Point>()
  for (const point of points) {
    const key = keyOfPoint(point)
    const before = last.get(key)
    if (before === undefined || isLater(point, before)) last.set(key, point)
  }
  return [...last.values()]
}

const LATER = sql`where excluded.step > known.step or (excluded.step = known.step and
  (excluded.at > known.at or (excluded.at = known.at and excluded.value > known.value)))`

/** Adds points; one that is there already, in all it says, is no second one. */
export async function putPoints(tx: Writing, run: string, points: readonly Point[]): Promise<void> {
  if (points.length === 0) return
  const rowOf = (p: Point) => sql`(${run}, ${p.name}, ${p.at}, ${p.step}, ${p.value}, ${p.is_nan})`
  await sql`insert into mlflow_metrics (run, name, at, step, value, is_nan)
    values ${sql.join(points.map(rowOf))} on conflict do nothing`.execute(tx)
  await sql`insert into mlflow_latest as known (run, name, at, step, value, is_nan)
    values ${sql.join(lastOf(points, p => p.name).map(rowOf))}
    on conflict (run, name) do update set at = excluded.at, step = excluded.step, value = excluded.value,
      is_nan = excluded.is_nan ${LATER}`.execute(tx)
  const ofModels = points.filter(({ model }) => model !== undefined)
  if (ofModels.length === 0) return
  const modelRow = (p: Point) =>
    sql`(${p.model}, ${run}, ${p.name}, ${p.at}, ${p.step}, ${p.value}, ${p.is_nan}, ${p.dataset ?? ''}, ${p.digest ?? ''})`
  await sql`insert into mlflow_model_points (model, run, name, at, step, value, is_nan, dataset, digest)
    values ${sql.join(ofModels.map(modelRow))} on conflict do nothing`.execute(tx)
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
