import { sql } from 'kysely'
import { experimentId, stagesOf } from './experiments.ts'
import { type Message, optionalText, paged, pageOffset, pageSize, texts } from './fields.ts'
import { parseFilter, parseOrder } from './filter.ts'
import { describedRuns, type RunRow } from './runs.ts'
import { allOf, conditionSql, orderSql, type Subject } from './search.ts'
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
  const size = pageSize(from, RUNS_USUAL, RUNS_MAX)
  const offset = pageOffset(from)
  const conditions = parseFilter(optionalText(from, 'filter')).map(one => conditionSql(db.engine, SUBJECT, one))
  const orders = texts(from, 'order_by').map(parseOrder)
  const { joins, keys } = orderSql(SUBJECT, orders)
  const isTimed = orders.some(({ kind, key }) => kind === 'attribute' && /^(?:start_time|created)$/i.test(key))
  const all = sql.join([...keys, ...(isTimed ? [] : [sql`r.started_at desc`]), sql`r.id`])
  const experiments = texts(from, 'experiment_ids').map(experimentId)
  if (experiments.length === 0) return { runs: [] }
  const { rows } = await sql<RunRow>`select r.* from mlflow_runs r ${sql.join(joins, sql` `)}
    where r.experiment in (${sql.join(experiments)}) and r.stage in (${sql.join(stagesOf(from, 'run_view_type'))})
      and ${allOf(conditions)}
    order by ${all} limit ${size + 1} offset ${offset}`.execute(db.sql)
  const page = paged(rows, offset, size)
  return { runs: await describedRuns(db.sql, page.rows), ...page.next }
}
