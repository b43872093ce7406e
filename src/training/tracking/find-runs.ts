/**
 * Finds runs by the way that looks at the fewest: databases guess how many rows a condition holds for, and here a wrong guess is the
 * difference between a millisecond and a minute. So conditions that an index answers are counted first, up to a bound.
 *
 * - Where one of them, or the experiments, have few runs, these are looked at.
 * - Otherwise runs are walked through in the order they are wanted in, by time, a metric, a parameter or a tag, until the page is
 *   full; not further than a bound.
 * - Where that was not enough, the conditions hold for many runs each, and for few together, and are intersected.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../platform/database.ts'
import { Column } from '../../platform/parameters.ts'
import { HEAD_CHARACTERS } from './facts.ts'
import type { Condition, Order } from './filter.ts'
import type { RunRow } from './runs.ts'
import { allOf, conditionSql, indexedSql, probeSql, type Subject } from './search.ts'
import type { Reading } from './tracking.ts'

type Sql = RawBuilder<unknown>

export interface RunSearch {
  readonly engine: Database['engine']
  readonly subject: Subject
  readonly experiments: readonly number[]
  readonly stages: readonly string[]
  readonly conditions: readonly Condition[]
  /** Where runs are wanted by their time alone: whether the latest first. */
  readonly byTime: boolean | undefined
  /** The metric that they are wanted by, alone. */
  readonly byMetric: Order | undefined
  /** The parameter or tag that they are wanted by, alone. */
  readonly byFact: Order | undefined
  /** What the order needs besides the runs, which are `r`. */
  readonly joins: readonly Sql[]
  readonly order: Sql
  readonly start: { readonly offset: number } | { readonly at: number; readonly id: string }
  readonly limit: number
}

interface Bounds {
  /** So few runs are looked at one by one. */
  readonly few: number
  /** So many are walked through before something else is tried. */
  readonly walked: number
}

const BOUNDS: Bounds = { few: 2_000, walked: 20_000 }
/** Experiments, by stages, that are walked through side by side. */
const SIDES_MAX = 16

export async function findRuns(db: Reading, search: RunSearch, bounds: Bounds = BOUNDS): Promise<readonly RunRow[]> {
  const { engine, subject, conditions } = search
  const indexed = conditions.flatMap(one => indexedSql(engine, subject, one) ?? [])
  const found =
    engine === 'postgres'
      ? await db.transaction().execute(async tx => {
          await without(tx, BUT_INDICES)
          return await ofFewOrWalked(tx, search, indexed, bounds)
        })
      : await ofFewOrWalked(db, search, indexed, bounds)
  return found ?? (await intersected(db, search, indexed))
}

/**
 * What was chosen here is not to be chosen again, from statistics that may be of an hour ago, when the tables were empty. Plans that are
 * forced are taken for dear ones, which are compiled: that takes longer than they do.
 */
async function without(tx: Reading, ways: readonly string[]): Promise<void> {
  await sql`select ${sql.join(['jit', ...ways].map(name => sql`set_config(${name}, 'off', true)`))}`.execute(tx)
}

const BUT_INDICES = ['enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin', 'enable_sort']
const BUT_SETS = ['enable_nestloop']

async function ofFewOrWalked(
  db: Reading,
  search: RunSearch,
  indexed: readonly Sql[],
  { few, walked }: Bounds,
): Promise<readonly RunRow[] | undefined> {
  const [ofAll, ...counts] = await Promise.all([
    counted(db, sql`select 1 from mlflow_runs r where ${inScope(search)}`, few + 1),
    ...indexed.map(ids => counted(db, ids, few + 1)),
  ])
  const fewest = Math.min(...counts)
  if (fewest <= few && fewest <= ofAll!) return await among(db, search, indexed[counts.indexOf(fewest)]!)
  if (ofAll! <= few) return await among(db, search, undefined)
  if (search.byTime !== undefined) return await byTime(db, search, walked)
  return (await byMetric(db, search, walked)) ?? (await byFact(db, search, walked))
}

async function counted(db: Reading, rows: Sql, most: number): Promise<number> {
  const found = await sql<{ n: number }>`select count(*) as n from (${rows} limit ${most}) c`.execute(db)
  return found.rows[0]!.n
}

function inScope({ experiments, stages }: RunSearch): Sql {
  return sql`r.experiment in (${sql.join(experiments)}) and r.stage in (${sql.join(stages)})`
}

/** The same, so written that no index has it: the database is not to begin with it. */
function inScopeLast({ experiments, stages }: RunSearch): Sql {
  return sql`r.experiment + 0 in (${sql.join(experiments)}) and r.stage || '' in (${sql.join(stages)})`
}

function probes({ engine, subject, conditions }: RunSearch, but: readonly Condition[] = []): readonly Sql[] {
  return conditions.filter(one => !but.includes(one)).map(one => probeSql(engine, subject, one))
}

/** Behind the last run of the page before, in the order of time. */
function behind({ byTime, start }: RunSearch): readonly Sql[] {
  if ('offset' in start) return []
  const { at, id } = start
  const side = sql.raw(byTime === false ? '>' : '<')
  return [sql`r.started_at ${side}= ${at}`, sql`(r.started_at ${side} ${at} or r.id > ${id})`]
}

function page({ order, start, limit }: RunSearch): Sql {
  return sql`order by ${order} limit ${limit} offset ${'offset' in start ? start.offset : 0}`
}

async function asked(db: Reading, search: RunSearch, conditions: readonly Sql[]): Promise<readonly RunRow[]> {
  const { rows } = await sql<RunRow>`select r.* from mlflow_runs r ${sql.join(search.joins, sql` `)}
    where ${allOf([...behind(search), ...conditions])} ${page(search)}`.execute(db)
  return rows
}

/** Those with the ids, or all, one by one. */
function among(db: Reading, search: RunSearch, ids: Sql | undefined): Promise<readonly RunRow[]> {
  if (ids === undefined) return asked(db, search, [inScope(search), ...probes(search)])
  const some = search.engine === 'postgres' ? sql`r.id = any(array(${ids}))` : sql`r.id in (${ids})`
  return asked(db, search, [some, inScopeLast(search), ...probes(search)])
}

/** Through the runs by time. Nothing where it would have to go too far. */
async function byTime(db: Reading, search: RunSearch, walked: number): Promise<readonly RunRow[] | undefined> {
  const { experiments, stages, start, limit, byTime: isDescending } = search
  const offset = 'offset' in start ? start.offset : 0
  const sides = experiments.flatMap(experiment => stages.map(stage => ({ experiment, stage })))
  if (sides.length > SIDES_MAX) return undefined
  const found = await Promise.all(
    sides.map(({ experiment, stage }) => {
      const scope = allOf([sql`r.experiment = ${experiment}`, sql`r.stage = ${stage}`, ...behind(search)])
      const side = { scope, direction: sql.raw(isDescending === true ? 'desc' : 'asc'), wanted: offset + limit, walked }
      return search.engine === 'postgres' ? walkedLazily(db, search, side) : walkedBefore(db, search, side)
    }),
  )
  const sign = isDescending === true ? -1 : 1
  const all: RunRow[] = []
  for (const rows of found) {
    if (rows === undefined) return undefined
    all.push(...rows)
  }
  if (sides.length > 1) all.sort((a, b) => sign * (a.started_at - b.started_at) || (a.id < b.id ? -1 : 1))
  return all.slice(offset, offset + limit)
}

/** Runs of one experiment and stage that are walked through by time. */
interface Side {
  readonly scope: Sql
  readonly direction: Sql
  readonly wanted: number
  readonly walked: number
}

/** When the run began that lies so far away; nothing where there are not so many. */
async function farAway(db: Reading, { scope, direction, wanted, walked }: Side): Promise<number | undefined> {
  const far = await sql<{ at: number }>`select r.started_at as at from mlflow_runs r where ${scope}
    order by r.started_at ${direction} limit 1 offset ${walked + wanted}`.execute(db)
  return far.rows[0]?.at
}

/** SQLite goes through all that it is to sort: it is told where to end. */
async function walkedBefore(db: Reading, search: RunSearch, side: Side): Promise<readonly RunRow[] | undefined> {
  const { scope, direction, wanted } = side
  const end = search.conditions.length === 0 ? undefined : await farAway(db, side)
  const near = end === undefined ? [] : [sql`r.started_at ${sql.raw(search.byTime === true ? '>=' : '<=')} ${end}`]
  const { rows } = await sql<RunRow>`select r.* from mlflow_runs r
    where ${allOf([scope, ...near, ...probes(search)])}
    order by r.started_at ${direction}, r.id limit ${wanted}`.execute(db)
  return end === undefined || rows.length === wanted ? rows : undefined
}

/** PostgreSQL takes runs from a subquery one by one, until it has enough. */
async function walkedLazily(db: Reading, search: RunSearch, side: Side): Promise<readonly RunRow[] | undefined> {
  const { scope, direction, wanted, walked } = side
  const ahead = sql`(select * from mlflow_runs r where ${scope}
    order by r.started_at ${direction}, r.id limit ${walked + wanted}) r`
  const order = sql`order by r.started_at ${direction}, r.id limit ${wanted}`
  const ids = await walkedInSet(db, search, ahead, order)
  const where =
    ids === undefined
      ? sql`from ${ahead} where ${allOf(probes(search))}`
      : sql`from mlflow_runs r where r.id = any(${new Column(ids)}::text[])`
  const { rows } = await sql<RunRow>`select r.* ${where} ${order}`.execute(db)
  return rows.length === wanted || (await farAway(db, side)) === undefined ? rows : undefined
}

/** A set of so many ids is made sooner than as many runs are asked whether they are in it. */
const SET_MAX = 20_000

/**
 * Ids of runs on the way that all conditions hold for, the first that an index answers being asked for all of them beforehand.
 * Nothing where there is none, or it holds for too many.
 */
async function walkedInSet(
  db: Reading,
  search: RunSearch,
  ahead: Sql,
  order: Sql,
): Promise<readonly string[] | undefined> {
  const { engine, subject, conditions } = search
  const first = conditions.find(one => indexedSql(engine, subject, one) !== undefined)
  if (first === undefined) return undefined
  const all = sql`(select * from (${indexedSql(engine, subject, first)!}) i limit ${SET_MAX + 1})`
  // As a question of its own, not a join: the database makes a table of hashes for it whatever it knows of its size.
  const inSet = sql`(r.id in (select * from one)) is true`
  const { rows } = await sql<{ n: number; ids: readonly string[] }>`with one as materialized ${all}
    select (select count(*) from one) as n,
      array(select r.id from ${ahead} where ${allOf([inSet, ...probes(search, [first])])} ${order}) as ids`.execute(db)
  const { n, ids } = rows[0]!
  return n > SET_MAX ? undefined : ids
}

/** So many times the page is gone ahead first: what one in ten runs holds for is found then. */
const AHEAD = 20

/** Through the runs by a metric that they have. Nothing where it would have to go too far, or to those that have it not. */
async function byMetric(db: Reading, search: RunSearch, walked: number): Promise<readonly RunRow[] | undefined> {
  const { byMetric: order, conditions, engine, subject, start, limit } = search
  if (order === undefined || !('offset' in start)) return undefined
  const wanted = start.offset + limit
  const direction = sql.raw(order.isDescending ? 'desc' : 'asc')
  const own = conditions.filter(
    ({ kind, key, operator }) => kind === 'metric' && key === order.key && operator !== '!=',
  )
  // What is asked of an owner's rows is asked before the run itself is looked up.
  const asks = conditions.flatMap(one => {
    const of = one.kind === 'attribute' ? subject : { ...subject, id: sql.ref('o.run') }
    return own.includes(one) ? [] : [probeSql(engine, of, one)]
  })
  const bounds = own.map(({ operator, value }) => sql`o.value ${sql.raw(operator)} ${real(engine, Number(value))}`)
  const scope = allOf([sql`o.name = ${order.key}`, sql`o.is_nan = 0`, ...bounds])
  for (const ahead of [Math.min(walked, wanted * AHEAD), walked]) {
    const far = await sql<{ value: number }>`select o.value from mlflow_latest o where ${scope}
      order by o.value ${direction} limit 1 offset ${ahead + wanted}`.execute(db)
    const end = far.rows[0]?.value
    const near =
      end === undefined ? [] : [sql`o.value ${sql.raw(order.isDescending ? '>=' : '<=')} ${real(engine, end)}`]
    const { rows } = await sql<RunRow>`select r.* from mlflow_latest o ${runsOf(engine, 'run')}
      where ${allOf([scope, ...near, sql`r.id = o.run`, inScopeLast(search), ...asks])}
      order by o.value ${direction}, r.started_at desc, r.id limit ${limit} offset ${start.offset}`.execute(db)
    if (rows.length === limit) return rows
    // At the end of those that have it: where it is also asked for, there are no others.
    if (end === undefined) return own.length > 0 ? rows : undefined
  }
  return undefined
}

/** The run of each row at hand, looked up by its id whatever the database would rather do. */
function runsOf(engine: RunSearch['engine'], owner: string): Sql {
  if (engine !== 'postgres') return sql`cross join mlflow_runs r`
  return sql`cross join lateral (select * from mlflow_runs x where x.id = ${sql.ref(`o.${owner}`)} offset 0) r`
}

/**
 * Through the runs by a parameter or a tag that they have: first as far as the page goes, since many have the same value, then as far as
 * the bound. Nothing where it would have to go further, to those that have it not, or among values that the index does not have whole.
 */
async function byFact(db: Reading, search: RunSearch, walked: number): Promise<readonly RunRow[] | undefined> {
  const { byFact: order, subject, engine, start, limit } = search
  const kind = order?.kind === 'tag' ? subject.tag : subject.param
  if (order === undefined || kind === undefined || !('offset' in start)) return undefined
  const direction = sql.raw(order.isDescending ? 'desc' : 'asc')
  const scope = sql`o.kind = ${kind} and o.name = ${order.key}`
  for (const ahead of [0, walked]) {
    const far = await sql<{ head: string }>`select o.head from mlflow_facts o where ${scope}
      order by o.head ${direction} limit 1 offset ${ahead + start.offset + limit}`.execute(db)
    const end = far.rows[0]?.head
    const near =
      end === undefined ? scope : sql`${scope} and o.head ${sql.raw(order.isDescending ? '>=' : '<=')} ${end}`
    const cut = sql`select 1 from mlflow_facts o where ${near} and length(o.head) >= ${HEAD_CHARACTERS}`
    if ((await counted(db, cut, 1)) > 0) return undefined
    const { rows } = await sql<RunRow>`select r.* from mlflow_facts o ${runsOf(engine, 'owner')}
      where ${allOf([near, sql`r.id = o.owner`, inScopeLast(search), ...probes(search)])}
      order by o.head ${direction}, r.started_at desc, r.id limit ${limit} offset ${start.offset}`.execute(db)
    if (rows.length === limit) return rows
    if (end === undefined) return undefined
  }
  return undefined
}

function real(engine: RunSearch['engine'], value: number): Sql {
  return engine === 'postgres' ? sql`cast(${value} as double precision)` : sql`${value}`
}

/** So many are counted at most, to find which of the conditions holds for the fewest. */
const COUNTED_MAX = 200_000

async function intersected(db: Reading, search: RunSearch, indexed: readonly Sql[]): Promise<readonly RunRow[]> {
  const { engine, subject, conditions } = search
  if (engine === 'sqlite' && indexed.length > 0) {
    const counts = await Promise.all(indexed.map(ids => counted(db, ids, COUNTED_MAX)))
    return await among(db, search, indexed[counts.indexOf(Math.min(...counts))]!)
  }
  const all = [inScope(search), ...conditions.map(one => conditionSql(engine, subject, one))]
  if (engine === 'sqlite') return await asked(db, search, all)
  return await db.transaction().execute(async tx => {
    await without(tx, BUT_SETS)
    return await asked(tx, search, all)
  })
}
