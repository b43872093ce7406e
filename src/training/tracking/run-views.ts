/** What pages show of runs: experiments, a table of runs, one run, several side by side, and their metrics over time. */
import { sql } from 'kysely'
import { artifactAddress, listRunArtifacts } from './artifacts.ts'
import { type ExperimentRow, experimentId, readExperiment, searchExperiments } from './experiments.ts'
import { readFacts } from './facts.ts'
import { invalid, type Message, missing, shown } from './fields.ts'
import { findRuns } from './find-runs.ts'
import { datasetsOf, modelsOf } from './inputs.ts'
import { metricCurves } from './metric-curves.ts'
import { knownRuns, PARENT, parseColumns, type RunTable, runLine, runTable, shownValue } from './run-rows.ts'
import { type RunRow, readRun } from './runs.ts'
import { nextRunsToken, runSearchOf } from './search-runs.ts'
import type { Tracking } from './tracking.ts'

const EXPERIMENTS = 100
const CHILDREN_MAX = 200
export const COMPARED_MAX = 100
/** Of runs times metrics. */
const CURVES_MAX = 200

/** Experiments that have the words in their name, the newest first, with how many runs are in each. */
export async function experimentsView(
  tracking: Tracking,
  { search = '', page = '' }: { readonly search?: string; readonly page?: string },
): Promise<object> {
  const words = search.replaceAll("'", "''")
  const found = await searchExperiments(tracking, {
    max_results: EXPERIMENTS,
    page_token: page,
    ...(words === '' ? {} : { filter: `name ILIKE '%${words}%'` }),
  })
  const experiments = found['experiments'] as readonly Message[]
  const counts = await runCounts(
    tracking,
    experiments.map(one => Number(one['experiment_id'])),
  )
  const next = found['next_page_token']
  return {
    experiments: experiments.map(one => ({
      id: one['experiment_id'],
      name: one['name'],
      createdAt: one['creation_time'],
      ...(counts.get(Number(one['experiment_id'])) ?? { runs: 0 }),
    })),
    ...(next === undefined ? {} : { next }),
  }
}

interface RunCount {
  readonly runs: number
  readonly lastRunAt: number
}

/** From the index of their order alone. */
async function runCounts({ db }: Tracking, ids: readonly number[]): Promise<ReadonlyMap<number, RunCount>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<{ experiment: number; runs: number; last: number }>`select experiment,
    count(*) as runs, max(started_at) as last from mlflow_runs
    where experiment in (${sql.join(ids)}) and stage = 'active' group by experiment`.execute(db.sql)
  return new Map(rows.map(({ experiment, runs, last }) => [experiment, { runs, lastRunAt: last }]))
}

export async function experimentView(tracking: Tracking, given: string): Promise<object> {
  const experiment = await readExperiment(tracking.db.sql, experimentId(given))
  const tags = await readFacts(tracking.db.sql, 'experiment-tag', [String(experiment.id)])
  const counts = await runCounts(tracking, [experiment.id])
  return {
    ...briefly(experiment),
    createdAt: experiment.created_at,
    artifactLocation: experiment.artifact_location,
    ...(experiment.stage === 'active' ? {} : { isDeleted: true }),
    ...(counts.get(experiment.id) ?? { runs: 0 }),
    tags: Object.fromEntries((tags.get(String(experiment.id)) ?? []).map(({ key, value }) => [key, value])),
  }
}

function briefly({ id, name }: ExperimentRow): { readonly id: string; readonly name: string } {
  return { id: String(id), name }
}

export interface RunsAsked {
  readonly filter?: string
  /** `metrics.loss DESC`. */
  readonly order?: string
  readonly view?: 'active' | 'deleted' | 'all'
  readonly columns?: string
  readonly page?: string
  readonly limit: number
}

const VIEWS = { active: 'ACTIVE_ONLY', deleted: 'DELETED_ONLY', all: 'ALL' } as const

/** A page of the runs of an experiment; filter and order in MLflow's grammar. */
export async function runsView(
  { db }: Tracking,
  experiment: string,
  asked: RunsAsked,
): Promise<RunTable & { readonly next?: string }> {
  const { filter = '', order = '', view = 'active', page = '', limit } = asked
  const columns = parseColumns(asked.columns)
  const search = runSearchOf(db.engine, {
    experiment_ids: [String((await readExperiment(db.sql, experimentId(experiment))).id)],
    filter,
    order_by: order === '' ? [] : [order],
    run_view_type: VIEWS[view],
    page_token: page,
    max_results: limit,
  })
  const rows = await findRuns(db.sql, search)
  const next = nextRunsToken(search, rows)
  const table = runTable(await knownRuns(db.sql, rows.slice(0, limit)), columns)
  return { ...table, ...(next === undefined ? {} : { next }) }
}

export async function runView({ db }: Tracking, id: string): Promise<object> {
  const row = await readRun(db.sql, id)
  const [known] = await knownRuns(db.sql, [row])
  const line = runLine(known!)
  const [datasets, models, children, versions] = await Promise.all([
    datasetsOf(db.sql, [id]),
    modelsOf(db.sql, [id]),
    childRuns(db.sql, id),
    sql<{ name: string; version: number }>`select name, version from mlflow_versions
      where run = ${id} order by name, version`.execute(db.sql),
  ])
  const inputs = (datasets.get(id) ?? []).map(({ dataset, tags }) => ({ ...(dataset as object), tags: tags ?? [] }))
  return {
    ...line,
    artifactUri: row.artifact_uri,
    latest: known!.metrics.map(({ key, value, step, timestamp }) => {
      return { name: key, value: shownValue(value), step, at: timestamp }
    }),
    in: briefly(await readExperiment(db.sql, row.experiment)),
    nested: children.map(({ id, name, status }) => ({ id, name, status })),
    datasets: inputs,
    models: [...(models.inputs.get(id) ?? []), ...(models.outputs.get(id) ?? [])].map(model => model['model_id']),
    versions: versions.rows,
  }
}

async function childRuns(db: Tracking['db']['sql'], id: string): Promise<readonly RunRow[]> {
  // biome-ignore lint/suspicious/noExplicitAny: see `Reading`
  const reading = db as any
  const { rows } = await sql<RunRow>`select r.* from mlflow_facts f join mlflow_runs r on r.id = f.owner
    where f.kind = 'run-tag' and f.name = ${PARENT} and f.head = ${id} and r.stage = 'active'
    order by r.started_at desc, r.id limit ${CHILDREN_MAX}`.execute(reading)
  return rows
}

/** Names in a list of an address; no id and no name of a metric has a comma. */
function listed(text: string, what: string, most: number): readonly string[] {
  const all = [...new Set(text.split(',').filter(one => one !== ''))]
  if (all.length >= 1 && all.length <= most) return all
  throw invalid(`Cannot use '${what}': found ${all.length} of them, wanted 1 to ${most}`)
}

/** Runs with all that is known of them, in the order asked for. */
export async function comparedView({ db }: Tracking, runs: string): Promise<object> {
  const ids = listed(runs, 'runs', COMPARED_MAX)
  const { rows } = await sql<RunRow>`select * from mlflow_runs where id in (${sql.join(ids)})`.execute(db.sql)
  const byId = new Map(rows.map(row => [row.id, row]))
  const wanted = ids.map(id => {
    const row = byId.get(id)
    if (row === undefined) throw missing(`a run with the id ${shown(id)}`)
    return row
  })
  return { runs: (await knownRuns(db.sql, wanted)).map(run => runLine(run)) }
}

interface Curve {
  readonly run: string
  readonly metric: string
  /** Step, time, value; in the order of their times. */
  readonly points: readonly (readonly [step: number, at: number, value: number | string])[]
}

/** Metrics over time: at most so many points of each, however many there are; the first and the last are among them. */
export async function curvesView(
  tracking: Tracking,
  asked: { readonly runs: string; readonly metrics: string; readonly points: number },
): Promise<{ readonly curves: readonly Curve[] }> {
  const runs = listed(asked.runs, 'runs', COMPARED_MAX)
  const metrics = listed(asked.metrics, 'metrics', CURVES_MAX)
  if (runs.length * metrics.length > CURVES_MAX)
    throw invalid(`Cannot draw ${runs.length * metrics.length} curves: at most ${CURVES_MAX} at once`)
  const curves: Curve[] = []
  for (const metric of metrics) {
    const found = await metricCurves(tracking, { run_ids: runs, metric_key: metric, max_results: asked.points })
    const points = Map.groupBy(found['metrics'] as readonly Message[], point => String(point['run_id']))
    for (const run of runs) {
      const own = points.get(run)
      if (own === undefined) continue
      curves.push({
        run,
        metric,
        points: own.map(point => [Number(point['step']), Number(point['timestamp']), shownValue(point['value'])]),
      })
    }
  }
  return { curves }
}

/** The files directly in a folder of a run, and where each is fetched. */
export async function filesView(tracking: Tracking, run: string, path: string): Promise<object> {
  const listed = await listRunArtifacts(tracking, { run_id: run, path })
  const root = String(listed['root_uri'])
  const files = listed['files'] as readonly { path: string; is_dir: boolean; file_size?: number }[]
  return {
    files: files.map(file => ({
      path: file.path,
      isFolder: file.is_dir,
      ...(file.is_dir ? {} : { bytes: file.file_size, address: artifactAddress(root, file.path) }),
    })),
  }
}
