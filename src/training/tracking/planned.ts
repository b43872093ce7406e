/**
 * Writes that say beforehand what they have to know, and then what rows they add: so that many callers' are read for in one
 * statement, decided one after the other, and written in one statement for each table.
 */
import { PostgresAdapter, sql } from 'kysely'
import { isUniqueViolation } from '../../platform/database.ts'
import { type InsertTarget, insertMany } from '../../platform/insert-many.ts'
import type { SqlValue } from '../../platform/parameters.ts'
import { activeExperiment, type ExperimentRow } from './experiments.ts'
import { type Fact, headOf } from './facts.ts'
import type { Message } from './fields.ts'
import type { Outcome, Writing } from './group-commit.ts'
import { isLater, type Point } from './metrics.ts'
import { activeRun, type RunRow } from './runs.ts'

export interface Plan {
  /** The run it writes to. */
  readonly run?: string
  /** The experiment it writes to. */
  readonly experiment?: number
  /** Names of the parameters of the run that it writes. */
  readonly params?: readonly string[]
  /** Rows that it adds, about: how much of it goes into one transaction. */
  readonly weight: number
  /** Throws what refuses it, before it has added anything. */
  decide(known: Known, rows: Rows): Message
}

/** What is there already, and what plans that were decided before have added to it. */
export class Known {
  readonly runs: Map<string, RunRow> = new Map()
  readonly experiments: Map<number, ExperimentRow> = new Map()
  private readonly params: Map<string, Map<string, string>> = new Map()

  /** The run, if it may be written to. */
  run(id: string): RunRow {
    return activeRun(this.runs.get(id), id)
  }

  experiment(id: number): ExperimentRow {
    return activeExperiment(this.experiments.get(id), id)
  }

  paramsOf(run: string): Map<string, string> {
    const known = this.params.get(run)
    if (known !== undefined) return known
    const made = new Map<string, string>()
    this.params.set(run, made)
    return made
  }
}

const FACT_COLUMNS = { kind: 'text', owner: 'text', name: 'text', value: 'text', head: 'text' } as const
const PARAMS: InsertTarget = { table: 'mlflow_facts', columns: FACT_COLUMNS }
const TAGS: InsertTarget = {
  ...PARAMS,
  onConflict: 'on conflict (kind, owner, name) do update set value = excluded.value, head = excluded.head',
}
const POINT_COLUMNS = {
  run: 'text',
  name: 'text',
  at: 'bigint',
  step: 'bigint',
  value: 'double precision',
  is_nan: 'integer',
} as const
const POINTS: InsertTarget = { table: 'mlflow_metrics', columns: POINT_COLUMNS, onConflict: 'on conflict do nothing' }
const LATEST: InsertTarget = {
  table: 'mlflow_latest',
  columns: POINT_COLUMNS,
  onConflict: `on conflict (run, name) do update set at = excluded.at, step = excluded.step, value = excluded.value,
    is_nan = excluded.is_nan where excluded.step > known.step or (excluded.step = known.step and
    (excluded.at > known.at or (excluded.at = known.at and excluded.value > known.value)))`,
}
const MODEL_POINTS: InsertTarget = {
  table: 'mlflow_model_points',
  columns: { model: 'text', ...POINT_COLUMNS, dataset: 'text', digest: 'text' },
  onConflict: 'on conflict do nothing',
}
const RUNS: InsertTarget = {
  table: 'mlflow_runs',
  columns: {
    id: 'text',
    experiment: 'bigint',
    name: 'text',
    user_id: 'text',
    status: 'text',
    started_at: 'bigint',
    ended_at: 'bigint',
    artifact_uri: 'text',
    stage: 'text',
  },
}

type Row = readonly SqlValue[]

/** Rows to add; of several for one key, the one that would win if they were added one after the other. */
export class Rows {
  private readonly made: RunRow[] = []
  private readonly names: Map<string, string> = new Map()
  private readonly params: Row[] = []
  private readonly tags: Map<string, Row> = new Map()
  private readonly points: Row[] = []
  private readonly modelPoints: Row[] = []
  private readonly latest: Map<string, Map<string, Point>> = new Map()

  run(row: RunRow): void {
    this.made.push(row)
  }

  rename(run: string, name: string): void {
    this.names.set(run, name)
  }

  tag(run: string, { key, value }: Fact): void {
    this.tags.set(`${run}\n${key}`, ['run-tag', run, key, value, headOf(value)])
  }

  param(run: string, { key, value }: Fact): void {
    this.params.push(['param', run, key, value, headOf(value)])
  }

  point(run: string, point: Point): void {
    const { name, at, step, value, is_nan, model } = point
    this.points.push([run, name, at, step, value, is_nan])
    if (model !== undefined)
      this.modelPoints.push([model, run, name, at, step, value, is_nan, point.dataset ?? '', point.digest ?? ''])
    const latest = this.latest.get(run) ?? new Map<string, Point>()
    if (latest.size === 0) this.latest.set(run, latest)
    const before = latest.get(name)
    if (before === undefined || isLater(point, before)) latest.set(name, point)
  }

  /** Points by themselves, then all at once: statements are sent without waiting for the answers of those before them. */
  async write(tx: Writing): Promise<void> {
    const runs = this.made.map(row => Object.keys(RUNS.columns).map(name => row[name as keyof RunRow]))
    const latest = [...this.latest].flatMap(([run, points]) =>
      [...points.values()].map(({ name, at, step, value, is_nan }) => [run, name, at, step, value, is_nan]),
    )
    await insertPoints(tx, this.points)
    await Promise.all([
      insertMany(tx, RUNS, runs),
      insertMany(tx, PARAMS, this.params),
      insertMany(tx, TAGS, [...this.tags.values()]),
      insertMany(tx, LATEST, latest),
      insertMany(tx, MODEL_POINTS, this.modelPoints),
      ...[...this.names].map(([run, name]) => sql`update mlflow_runs set name = ${name} where id = ${run}`.execute(tx)),
    ])
  }
}

/** So many are worth two statements more. */
const MANY_POINTS = 200

/**
 * Points that are there already are left out. That costs PostgreSQL a second search of the index for each, so that many are tried without
 * it first: hardly ever is one there.
 */
async function insertPoints(tx: Writing, points: readonly Row[]): Promise<void> {
  const isPostgres = tx.getExecutor().adapter instanceof PostgresAdapter
  if (!isPostgres || points.length < MANY_POINTS) return await insertMany(tx, POINTS, points)
  await sql`savepoint points`.execute(tx)
  try {
    await insertMany(tx, { table: POINTS.table, columns: POINTS.columns }, points)
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    await sql`rollback to savepoint points`.execute(tx)
    await insertMany(tx, POINTS, points)
  }
  await sql`release savepoint points`.execute(tx)
}

/** Reads what plans have to know, in as few statements as there are kinds of it. */
async function readFor(tx: Writing, plans: readonly Plan[]): Promise<Known> {
  const known = new Known()
  const runs = new Set<string>()
  const experiments = new Set<number>()
  const params = new Map<string, Set<string>>()
  for (const { run, experiment, params: names } of plans) {
    if (run !== undefined) runs.add(run)
    if (experiment !== undefined) experiments.add(experiment)
    if (run === undefined || names === undefined || names.length === 0) continue
    const before = params.get(run)
    if (before === undefined) params.set(run, new Set(names))
    else for (const name of names) before.add(name)
  }
  const readRuns = async (): Promise<void> => {
    if (runs.size === 0) return
    const { rows } = await sql<RunRow>`select * from mlflow_runs where id in (${sql.join([...runs])})`.execute(tx)
    for (const row of rows) known.runs.set(row.id, row)
  }
  const readExperiments = async (): Promise<void> => {
    if (experiments.size === 0) return
    const { rows } = await sql<ExperimentRow>`select * from mlflow_experiments
      where id in (${sql.join([...experiments])})`.execute(tx)
    for (const row of rows) known.experiments.set(row.id, row)
  }
  const readParams = async (run: string, names: ReadonlySet<string>): Promise<void> => {
    const { rows } = await sql<{ name: string; value: string }>`select name, value from mlflow_facts
      where kind = 'param' and owner = ${run} and name in (${sql.join([...names])})`.execute(tx)
    for (const { name, value } of rows) known.paramsOf(run).set(name, value)
  }
  await Promise.all([readRuns(), readExperiments(), ...[...params].map(([run, names]) => readParams(run, names))])
  return known
}

/** Does planned writes in their order, as if each were done before the next. */
export async function putPlans(tx: Writing, plans: readonly Plan[]): Promise<readonly Outcome[]> {
  const known = await readFor(tx, plans)
  const rows = new Rows()
  const outcomes = plans.map((plan): Outcome => {
    try {
      return { value: plan.decide(known, rows) }
    } catch (error) {
      return { error }
    }
  })
  await rows.write(tx)
  return outcomes
}
