/** Runs as logging each would have left them: a metric `acc`, a parameter `lr`, a name. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { Kysely } from 'kysely'
import type { DatabasePlace } from '../src/platform/database.ts'
import { type InsertTarget, insertMany } from '../src/platform/insert-many.ts'
import { postgresDialect } from '../src/platform/postgres-dialect.ts'
import { sqliteDialect } from '../src/platform/sqlite-dialect.ts'
import { MLFLOW_PYTHON } from '../test/services.ts'

const AT_ONCE = 5_000
const text = 'text'
const whole = 'bigint'

const RUNS: InsertTarget = {
  table: 'mlflow_runs',
  columns: {
    id: text,
    experiment: whole,
    name: text,
    user_id: text,
    status: text,
    started_at: whole,
    artifact_uri: text,
    stage: text,
  },
}
const FACTS: InsertTarget = {
  table: 'mlflow_facts',
  columns: { kind: text, owner: text, name: text, value: text, head: text },
}
const METRICS: InsertTarget = {
  table: 'mlflow_latest',
  columns: { run: text, name: text, at: whole, step: whole, value: 'double precision', is_nan: 'integer' },
}

/** While the server runs: its tables are there. */
export async function fillOurs(
  { url = '', file = '' }: DatabasePlace,
  experiment: string,
  runs: number,
): Promise<void> {
  // biome-ignore lint/suspicious/noExplicitAny: the statements name their tables themselves
  const db = new Kysely<any>({ dialect: url === '' ? sqliteDialect(file) : postgresDialect(url) })
  try {
    for (let start = 0; start < runs; start += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, runs - start) }, (_, i) => {
        return { id: randomBytes(16).toString('hex'), at: start + i }
      })
      await db.transaction().execute(async tx => {
        const uri = (id: string): string => `mlflow-artifacts:/${experiment}/${id}/artifacts`
        await insertMany(
          tx,
          RUNS,
          some.map(({ id, at }) => [id, Number(experiment), `r${at}`, '', 'RUNNING', at, uri(id), 'active']),
        )
        const facts = some.flatMap(({ id, at }) => {
          const [name, lr] = [`r${at}`, `0.${at % 10}`]
          return [
            ['run-tag', id, 'mlflow.runName', name, name],
            ['param', id, 'lr', lr, lr],
          ]
        })
        await insertMany(tx, FACTS, facts)
        const latest = some.map(({ id, at }) => [id, 'acc', 1, 0, (at % 1_000) / 1_000, 0])
        await insertMany(tx, METRICS, latest)
        await insertMany(tx, { ...METRICS, table: 'mlflow_metrics' }, latest)
      })
    }
  } finally {
    await db.destroy()
  }
}

export async function fillTheirs(database: string, experiment: string, runs: number): Promise<void> {
  const script = new URL('tracking_fill.py', import.meta.url).pathname
  await promisify(execFile)(MLFLOW_PYTHON, [script, database, experiment, String(runs)])
}
