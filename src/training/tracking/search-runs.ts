import { sql } from 'kysely'
import type { Database } from '../../platform/database.ts'
import { experimentId, stagesOf } from './experiments.ts'
import { invalid, type Message, optionalText, pageOffset, pageSize, texts } from './fields.ts'
import { type Order, parseFilter, parseOrder } from './filter.ts'
import { findRuns, type RunSearch } from './find-runs.ts'
import { describedRuns, type RunRow } from './runs.ts'
import { orderSql, type Subject } from './search.ts'
import type { Tracking } from './tracking.ts'

const started = { column: sql`r.started_at`, is: 'number' } as const
const named = { column: sql`r.name`, is: 'text' } as const

const SUBJECT: Subject = {
  id: sql`r.id`,
  attributes: {
    start_time: started,
    created: started,
    Created: started,
    end_time: { column: sql`r.ended_at`, is: 'number' },
    run_name: named,
    'run name': named,
    'Run name': named,
    'Run Name': named,
    run_id: { column: sql`r.id`, is: 'text' },
    status: { column: sql`r.status`, is: 'text' },
    user_id: { column: sql`r.user_id`, is: 'text' },
    artifact_uri: { column: sql`r.artifact_uri`, is: 'text' },
    experiment_id: { column: sql`cast(r.experiment as text)`, is: 'text' },
  },
  tag: 'run-tag',
  param: 'param',
  metrics: { table: 'mlflow_latest', owner: 'run' },
  hasDatasets: true,
}

const RUNS_USUAL = 1_000
const RUNS_MAX = 50_000

export async function searchRuns({ db }: Tracking, from: Message): Promise<Message> {
  const search = runSearchOf(db.engine, from)
  if (search.experiments.length === 0) return { runs: [] }
  const rows = await findRuns(db.sql, search)
  const token = nextRunsToken(search, rows)
  const next = token === undefined ? {} : { next_page_token: token }
  return { runs: await describedRuns(db.sql, rows.slice(0, search.limit - 1)), ...next }
}

/** Where the page behind these rows begins, if there is one: one more was looked for than a page has. */
export function nextRunsToken(search: RunSearch, rows: readonly RunRow[]): string | undefined {
  const size = search.limit - 1
  const last = rows[size - 1]
  return rows.length <= size || last === undefined ? undefined : nextToken(search, last, size)
}

/** The search that a message asks for; for one run more than a page has, which tells whether there is another page. */
export function runSearchOf(engine: Database['engine'], from: Message): RunSearch {
  const size = pageSize(from, RUNS_USUAL, RUNS_MAX)
  const start = pageStart(from)
  const orders = texts(from, 'order_by').map(parseOrder)
  const { joins, keys } = orderSql(SUBJECT, orders)
  const only = orders.length === 1 ? orders[0] : undefined
  const isTimed = orders.some(isTime)
  const isByTime = orders.length === 0 || (orders.length === 1 && isTimed)
  const byTime = isByTime ? (orders[0]?.isDescending ?? true) : undefined
  if (byTime === undefined && 'at' in start)
    throw invalid("Cannot use parameter 'page_token': it is of a search in another order")
  return {
    engine,
    subject: SUBJECT,
    experiments: [...new Set(texts(from, 'experiment_ids').map(experimentId))],
    stages: stagesOf(from, 'run_view_type'),
    conditions: parseFilter(optionalText(from, 'filter')),
    byTime,
    byMetric: only?.kind === 'metric' ? only : undefined,
    byFact: only?.kind === 'param' || only?.kind === 'tag' ? only : undefined,
    joins,
    order: sql.join([...keys, ...(isTimed ? [] : [sql`r.started_at desc`]), sql`r.id`]),
    start,
    limit: size + 1,
  }
}

function isTime({ kind, key }: Order): boolean {
  return kind === 'attribute' && /^(?:start_time|created)$/i.test(key)
}

/** Where a page begins: so many behind the first, or behind the last of the page before, which costs nothing however far it is. */
function pageStart(from: Message): RunSearch['start'] {
  const token = Buffer.from(optionalText(from, 'page_token') ?? '', 'base64').toString()
  const after = /^\{"at":(-?\d{1,16}),"id":"([0-9a-f]{32})"\}$/.exec(token)
  return after === null ? { offset: pageOffset(from) } : { at: Number(after[1]), id: after[2]! }
}

function nextToken({ byTime, start }: RunSearch, last: RunRow, size: number): string {
  const offset = 'offset' in start ? start.offset : 0
  const token = byTime === undefined ? `{"offset":${offset + size}}` : `{"at":${last.started_at},"id":"${last.id}"}`
  return Buffer.from(token).toString('base64')
}
