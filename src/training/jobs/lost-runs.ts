/** Runs of jobs whose supervisor is gone: nobody will ever say that they ended, so whoever finds one says it. */
import { sql } from 'kysely'
import type { Clock } from '../../platform/clock.ts'
import type { Database } from '../../platform/database.ts'
import type { JobHandler, Schedule } from '../../platform/run-jobs.ts'
import { ALIVE_TAG, PROBLEM_TAG } from './job-record.ts'
import { logTags, type RunStore, type StoredRun } from './store-run.ts'

/** A supervisor tells every ten seconds that it is there; a server may be away for a while. */
const SILENT_MS_MAX = 120_000
const LOOK_MS = 60_000
const KIND = 'training:lost-runs'
const LOST = 'Whoever looked after the command was killed, or lost the server for good'
const RUNS_MAX = 1_000

/** In a server: looks every minute. */
export function lostRunsWatch({ db, clock }: { readonly db: Database; readonly clock: Clock }): {
  readonly handlers: Readonly<Record<string, JobHandler>>
  readonly schedules: readonly Schedule[]
} {
  return {
    handlers: { [KIND]: () => markLostRuns(db, clock.now()) },
    schedules: [{ name: KIND, kind: KIND, everyMs: LOOK_MS }],
  }
}

/** Times of now have thirteen digits, and are in order as texts. */
export async function markLostRuns({ sql: db }: Pick<Database, 'sql'>, now: number): Promise<void> {
  await db.transaction().execute(async tx => {
    const { rows } = await sql<{ id: string; value: string }>`select r.id, f.value from mlflow_facts f
      join mlflow_runs r on r.id = f.owner
      where f.kind = 'run-tag' and f.name = ${ALIVE_TAG} and f.head < ${String(now - SILENT_MS_MAX)}
      and r.status = 'RUNNING' limit ${RUNS_MAX}`.execute(tx)
    for (const { id, value } of rows) {
      await sql`update mlflow_runs set status = 'FAILED', ended_at = ${Number(value)} where id = ${id} and status = 'RUNNING'`.execute(
        tx,
      )
      await sql`insert into mlflow_facts (kind, owner, name, value, head)
        values ('run-tag', ${id}, ${PROBLEM_TAG}, ${LOST}, ${LOST})
        on conflict (kind, owner, name) do update set value = excluded.value, head = excluded.head`.execute(tx)
    }
  })
}

/** From the command line, where no server may be running that looks: before a job begins. */
export async function endLostRuns(store: RunStore, { now }: Clock): Promise<void> {
  const filter = `attributes.status = 'RUNNING' and tags.\`${ALIVE_TAG}\` LIKE '1%'`
  const { experiments = [] } = await store.call<{ experiments?: { experiment_id: string }[] }>(
    'POST',
    'experiments/search',
    { max_results: 1000 },
  )
  if (experiments.length === 0) return
  const { runs = [] } = await store.call<{ runs?: StoredRun[] }>('POST', 'runs/search', {
    experiment_ids: experiments.map(({ experiment_id }) => experiment_id),
    filter,
    max_results: RUNS_MAX,
  })
  for (const { info, data } of runs) {
    const alive = Number(data.tags?.find(({ key }) => key === ALIVE_TAG)?.value)
    if (!(alive < now() - SILENT_MS_MAX)) continue
    await logTags(store, info.run_id, { [PROBLEM_TAG]: LOST })
    await store.call('POST', 'runs/update', { run_id: info.run_id, status: 'FAILED', end_time: alive })
  }
}
