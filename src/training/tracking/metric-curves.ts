/**
 * Metrics for charts: so many points of each run, however many it has. They are looked up at times spread over the whole, so that
 * ten million points cost no more than a thousand; the first and the last are always among them.
 */
import { type RawBuilder, sql } from 'kysely'
import { invalid, type Message, optionalWhole, shown, text, texts } from './fields.ts'
import { metricOf, type Point } from './metrics.ts'
import { readRun } from './runs.ts'
import { allOf } from './search.ts'
import type { Reading, Tracking } from './tracking.ts'

type Sql = RawBuilder<unknown>
type Row = Omit<Point, 'name'>

const POINTS_MAX = 2_500
const RUNS_MAX = 100

export async function metricCurves({ db }: Tracking, from: Message): Promise<Message> {
  const runs = texts(from, 'run_ids')
  if (runs.length === 0 || runs.length > RUNS_MAX)
    throw invalid(`Cannot use parameter 'run_ids': found ${runs.length} of them, wanted 1 to ${RUNS_MAX}`)
  const name = text(from, 'metric_key')
  const most = optionalWhole(from, 'max_results') ?? POINTS_MAX
  if (most < 1 || most > POINTS_MAX)
    throw invalid(`Cannot use parameter 'max_results': found ${shown(most)}, wanted 1 to ${POINTS_MAX}`)
  const steps = stepsIn(from)
  const metrics: Message[] = []
  for (const run of runs) {
    await readRun(db.sql, run)
    const scope = allOf([sql`run = ${run}`, sql`name = ${name}`, ...steps])
    for (const point of await curve(db.sql, scope, most)) metrics.push({ ...metricOf({ ...point, name }), run_id: run })
  }
  return { metrics }
}

function stepsIn(from: Message): readonly Sql[] {
  const start = optionalWhole(from, 'start_step')
  const end = optionalWhole(from, 'end_step')
  if (start === undefined && end === undefined) return []
  if (start === undefined || end === undefined)
    throw invalid("Cannot go on: parameters 'start_step' and 'end_step' are given both or not at all")
  if (start > end) throw invalid(`Cannot use parameter 'end_step': found ${end}, wanted ${start} (start_step) or more`)
  return [sql`step >= ${start}`, sql`step <= ${end}`]
}

/** In the order of their times. */
async function curve(db: Reading, scope: Sql, most: number): Promise<readonly Row[]> {
  const { rows } = await sql<Row>`select * from mlflow_metrics where ${scope}
    order by at, step, value limit ${most + 1}`.execute(db)
  if (rows.length <= most) return rows
  const first = rows[0]!
  const last = (
    await sql<Row>`select * from mlflow_metrics where ${scope}
      order by at desc, step desc, value desc limit 1`.execute(db)
  ).rows[0]!
  if (most === 1) return [last]
  // What was logged in one instant has its steps only.
  const found =
    first.at < last.at
      ? await spread(db, scope, sql`at`, [first.at, last.at], most)
      : await spread(db, sql`${scope} and at = ${first.at}`, sql`step`, [first.step, last.step], most)
  const isLast = ({ at, step, value }: Row): boolean => at === last.at && step === last.step && value === last.value
  return [...found.filter(row => !isLast(row)), last].slice(-most)
}

/** The first point at or behind each of as many places, spread evenly but for the last; each once. */
async function spread(
  db: Reading,
  scope: Sql,
  by: Sql,
  [start, end]: readonly [number, number],
  most: number,
): Promise<readonly Row[]> {
  const places = Array.from({ length: most - 1 }, (_, at) => Math.floor(start + ((end - start) * at) / (most - 1)))
  const at = (column: string): Sql =>
    sql`(select m.${sql.ref(column)} from mlflow_metrics m where ${scope} and m.${by} >= p.column1
      order by m.at, m.step, m.value limit 1) as ${sql.ref(column)}`
  const values = sql.join([...new Set(places)].map(place => sql`(cast(${place} as bigint))`))
  const { rows } = await sql<Row>`select ${sql.join(['at', 'step', 'value', 'is_nan'].map(at))}
    from (values ${values}) p`.execute(db)
  const known = new Map(rows.map(row => [`${row.at} ${row.step} ${row.value} ${row.is_nan}`, row]))
  return [...known.values()].sort((a, b) => a.at - b.at || a.step - b.step || a.value - b.value)
}
