/** A run whose supervisor is silent does not stay as it was; run on SQLite and on PostgreSQL. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { openDatabase } from '../../platform/database.ts'
import type { FreshPlace } from '../../platform/temporary.suite.ts'
import { trackingMigrations } from '../tracking/tables.ts'
import { markLostRuns } from './lost-runs.ts'

const NOW = 1_700_000_000_000

export function lostRunsSuite(place: FreshPlace): void {
  test('runs of jobs that are silent have failed when they were last heard of; others are left', async t => {
    const db = await openDatabase(await place(t), [trackingMigrations])
    t.after(() => db.close())
    const run = async (id: string, status: string, alive: number | undefined): Promise<void> => {
      await sql`insert into mlflow_runs (id, experiment, name, user_id, status, started_at, ended_at, artifact_uri, stage)
        values (${id}, 0, ${id}, '', ${status}, ${NOW}, null, '', 'active')`.execute(db.sql)
      if (alive === undefined) return
      const text = String(alive)
      await sql`insert into mlflow_facts (kind, owner, name, value, head)
        values ('run-tag', ${id}, 'bellwether.job.alive', ${text}, ${text})`.execute(db.sql)
    }
    await run('silent', 'RUNNING', NOW - 120_001)
    await run('alive', 'RUNNING', NOW - 119_999)
    await run('ended', 'FINISHED', NOW - 999_999)
    await run('of-others', 'RUNNING', undefined)

    await markLostRuns(db, NOW)
    await markLostRuns(db, NOW)

    const { rows } = await sql<{ id: string; status: string; ended_at: number | null; value: string | null }>`
      select r.id, r.status, r.ended_at, f.value from mlflow_runs r
      left join mlflow_facts f on f.owner = r.id and f.name = 'bellwether.job.problem' order by r.id`.execute(db.sql)
    assert.deepEqual(
      rows.map(({ id, status, ended_at }) => [id, status, ended_at]),
      [
        ['alive', 'RUNNING', null],
        ['ended', 'FINISHED', null],
        ['of-others', 'RUNNING', null],
        ['silent', 'FAILED', NOW - 120_001],
      ],
    )
    assert.match(rows[3]!.value!, /was killed, or lost the server/)
  })
}
