/** Runs as rows of a table: what identifies each, and of what is known only the columns that are looked at. */
import { sql } from 'kysely'
import { type Fact, portions, readFacts } from './facts.ts'
import { invalid, type Message, shown } from './fields.ts'
import { latestMetrics } from './metrics.ts'
import { RUN_NAME, type RunRow } from './runs.ts'
import type { Reading } from './tracking.ts'

export const PARENT = 'mlflow.parentRunId'
/** A number; what JSON has no number for as `NaN`, `Infinity` or `-Infinity`. */
export type MetricValue = number | string

/** A column of what runs log, as filters name it: `metrics.loss`, and which name that is. */
export interface Column {
  readonly kind: 'metrics' | 'params' | 'tags'
  readonly name: string
}

export interface RunLine {
  readonly id: string
  readonly experiment: string
  readonly name: string
  readonly status: string
  readonly user: string
  readonly startedAt: number
  readonly endedAt?: number
  readonly isDeleted?: true
  /** The run that it is nested in. */
  readonly parent?: { readonly id: string; readonly name: string }
  /** Runs that are nested in it. */
  readonly children: number
  readonly metrics: Readonly<Record<string, MetricValue>>
  readonly params: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
}

/** The names that there are among some runs, by how many have them. */
export interface Names {
  readonly metrics: readonly string[]
  readonly params: readonly string[]
  readonly tags: readonly string[]
}

export interface RunTable {
  readonly runs: readonly RunLine[]
  readonly names: Names
  /** As filters name them. */
  readonly columns: readonly string[]
}

const COLUMNS_MAX = 200
/** Chosen where nobody chose. */
const USUAL = { metrics: 4, params: 4 } as const
const SYSTEM = /^mlflow\./
const SYSTEM_METRICS = /^system\//

/** @throws Problem `invalid`. */
export function parseColumns(text: string | undefined): readonly Column[] | undefined {
  if (text === undefined) return undefined
  const all = text.split(',').filter(one => one !== '')
  if (all.length > COLUMNS_MAX) throw invalid(`Cannot show ${all.length} columns: at most ${COLUMNS_MAX} are shown`)
  return all.map(one => {
    const dot = one.indexOf('.')
    const kind = one.slice(0, Math.max(0, dot))
    const name = one.slice(dot + 1)
    if ((kind === 'metrics' || kind === 'params' || kind === 'tags') && name !== '') return { kind, name }
    throw invalid(`Cannot show the column ${shown(one)}: wanted metrics.NAME, params.NAME or tags.NAME`)
  })
}

export interface KnownRun {
  readonly row: RunRow
  readonly tags: readonly Fact[]
  readonly params: readonly Fact[]
  readonly metrics: readonly Message[]
  readonly children: number
  readonly parent?: { readonly id: string; readonly name: string }
}

/** All that is known of runs, in the order given. */
export async function knownRuns(db: Reading, rows: readonly RunRow[]): Promise<readonly KnownRun[]> {
  const ids = rows.map(({ id }) => id)
  const [tags, params, metrics, children] = await Promise.all([
    readFacts(db, 'run-tag', ids),
    readFacts(db, 'param', ids),
    latestMetrics(db, ids),
    childrenOf(db, ids),
  ])
  const parents = await parentsIn(db, tags)
  return rows.map(row => {
    const parent = parents.get(row.id)
    return {
      row,
      tags: tags.get(row.id) ?? [],
      params: params.get(row.id) ?? [],
      metrics: metrics.get(row.id) ?? [],
      children: children.get(row.id) ?? 0,
      ...(parent === undefined ? {} : { parent }),
    }
  })
}

/** By the run that is nested in it; one that is not kept here has no name. */
async function parentsIn(
  db: Reading,
  tags: ReadonlyMap<string, readonly Fact[]>,
): Promise<ReadonlyMap<string, { readonly id: string; readonly name: string }>> {
  const found = new Map<string, string>()
  for (const [run, all] of tags) {
    const parent = all.find(({ key }) => key === PARENT)?.value
    if (parent !== undefined && parent !== '') found.set(run, parent)
  }
  const names = new Map<string, string>()
  for (const some of portions([...new Set(found.values())])) {
    const { rows } = await sql<{ id: string; name: string }>`select id, name from mlflow_runs
      where id in (${sql.join(some)})`.execute(db)
    for (const { id, name } of rows) names.set(id, name)
  }
  return new Map([...found].map(([run, id]) => [run, { id, name: names.get(id) ?? '' }]))
}

async function childrenOf(db: Reading, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  for (const some of portions(ids)) {
    const { rows } = await sql<{ parent: string; n: number }>`select head as parent, count(*) as n from mlflow_facts
      where kind = 'run-tag' and name = ${PARENT} and head in (${sql.join(some)}) group by head`.execute(db)
    for (const { parent, n } of rows) found.set(parent, n)
  }
  return found
}

/** @param wanted nothing: those that most runs have. */
export function runTable(known: readonly KnownRun[], wanted: readonly Column[] | undefined): RunTable {
  const names: Names = {
    metrics: byFrequency(known.map(({ metrics }) => metrics.map(metric => String(metric['key'])))),
    params: byFrequency(known.map(({ params }) => params.map(({ key }) => key))),
    tags: byFrequency(known.map(({ tags }) => tags.map(({ key }) => key))),
  }
  const columns = wanted ?? [
    ...usual(names.metrics, SYSTEM_METRICS, USUAL.metrics, 'metrics'),
    ...usual(names.params, SYSTEM, USUAL.params, 'params'),
  ]
  return {
    runs: known.map(run => runLine(run, columns)),
    names,
    columns: columns.map(({ kind, name }) => `${kind}.${name}`),
  }
}

function usual(names: readonly string[], without: RegExp, most: number, kind: Column['kind']): Column[] {
  return names
    .filter(name => !without.test(name))
    .slice(0, most)
    .map(name => ({ kind, name }))
}

/** The names that most have come first; of as many, by the alphabet. */
function byFrequency(lists: readonly (readonly string[])[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const names of lists) for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([name]) => name)
}

/** @param columns nothing: all. */
export function runLine(
  { row, tags, params, metrics, children, parent }: KnownRun,
  columns?: readonly Column[],
): RunLine {
  const isShown = (kind: Column['kind']): ((name: string) => boolean) => {
    if (columns === undefined) return () => true
    const names = new Set(columns.filter(column => column.kind === kind).map(({ name }) => name))
    return name => names.has(name)
  }
  const [metricShown, paramShown, tagShown] = [isShown('metrics'), isShown('params'), isShown('tags')]
  return {
    id: row.id,
    experiment: String(row.experiment),
    name: row.name || (tags.find(({ key }) => key === RUN_NAME)?.value ?? ''),
    status: row.status,
    user: row.user_id,
    startedAt: row.started_at,
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
    ...(row.stage === 'active' ? {} : { isDeleted: true as const }),
    ...(parent === undefined ? {} : { parent }),
    children,
    metrics: Object.fromEntries(
      metrics.filter(({ key }) => metricShown(String(key))).map(({ key, value }) => [key, shownValue(value)]),
    ),
    params: Object.fromEntries(params.filter(({ key }) => paramShown(key)).map(({ key, value }) => [key, value])),
    tags: Object.fromEntries(tags.filter(({ key }) => tagShown(key)).map(({ key, value }) => [key, value])),
  }
}

/** Infinities are kept as the largest double of their sign. */
export function shownValue(value: unknown): MetricValue {
  if (typeof value !== 'number') return String(value)
  if (Math.abs(value) < Number.MAX_VALUE) return value
  return value > 0 ? 'Infinity' : '-Infinity'
}
