/** Whichever way runs are looked for, the same are found, in the same order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Database, openDatabase } from '../../platform/database.ts'
import { insertMany } from '../../platform/insert-many.ts'
import type { FreshPlace } from '../../platform/temporary.suite.ts'
import { findRuns } from './find-runs.ts'
import { runSearchOf, searchRuns } from './search-runs.ts'
import { trackingMigrations } from './tables.ts'

const text = 'text'
const whole = 'bigint'
const RUNS = 60
const ONE_BY_ONE = { few: 1_000, walked: 0 }
const WAYS = [{ few: 0, walked: 1_000 }, { few: 0, walked: 7 }, { few: 8, walked: 1 }, undefined]

const condition = fc.constantFrom(
  'metrics.acc > 0.3',
  'metrics.acc <= 0.6',
  'metrics.acc != 0.5',
  'metrics.loss = 0.1',
  "params.lr = '1'",
  "params.lr != '1'",
  "params.none = 'x'",
  "params.long LIKE 'aa%'",
  'params.lr IS NULL',
  'tags.team IS NOT NULL',
  "tags.team = 'b'",
  "attributes.run_name LIKE 'r1%'",
  "attributes.status IN ('RUNNING', 'FAILED')",
  "dataset.name = 'd1'",
)
const order = fc.constantFrom(
  [],
  ['start_time ASC'],
  ['attributes.start_time DESC'],
  ['metrics.acc DESC'],
  ['metrics.acc ASC'],
  ['params.lr DESC'],
  ['params.lr ASC'],
  ['params.long ASC'],
  ['tags.team DESC'],
  ['metrics.acc DESC', 'start_time ASC'],
  ['run_name'],
)
const asked = fc.record({
  filter: fc.array(condition, { maxLength: 3 }).map(all => all.join(' AND ')),
  order_by: order,
  experiment_ids: fc.constantFrom(['1'], ['1', '2'], ['2'], ['3']),
  run_view_type: fc.constantFrom('ACTIVE_ONLY', 'ALL', 'DELETED_ONLY'),
  max_results: fc.constantFrom(1, 3, 10, 1_000),
})

/** Times, values and tags come several times, so that the order has ties; some values are no numbers, and some are absent. */
async function filled(db: Database): Promise<void> {
  const ids = Array.from({ length: RUNS }, (_, at) => `${(at * 37) % 100}`.padStart(32, '0'))
  const runs = { id: text, experiment: whole, name: text, user_id: text, status: text, started_at: whole } as const
  const last = { artifact_uri: text, stage: text } as const
  await insertMany(
    db.sql,
    { table: 'mlflow_runs', columns: { ...runs, ...last } },
    ids.map((id, at) => {
      const status = ['RUNNING', 'FINISHED', 'FAILED'][at % 3]!
      return [id, 1 + (at % 2), `r${at}`, '', status, Math.trunc(at / 4), '', at % 7 === 0 ? 'deleted' : 'active']
    }),
  )
  const latest = {
    run: text,
    name: text,
    at: whole,
    step: whole,
    value: 'double precision',
    is_nan: 'integer',
  } as const
  const metrics = ids.flatMap((id, at) => [
    ...(at % 5 === 0 ? [] : [[id, 'acc', 1, 0, at % 11 === 0 ? 0 : (at % 8) / 10, at % 11 === 0 ? 1 : 0]]),
    [id, 'loss', 1, 0, (at % 3) / 10, 0],
  ])
  await insertMany(db.sql, { table: 'mlflow_latest', columns: latest }, metrics)
  const fact = { kind: text, owner: text, name: text, value: text, head: text } as const
  const facts = ids.flatMap((id, at) => {
    const long = 'a'.repeat(199 + (at % 3))
    return [
      ...(at % 4 === 0 ? [] : [['param', id, 'lr', String(at % 3), String(at % 3)]]),
      ...(at % 2 === 0 ? [] : [['run-tag', id, 'team', at % 6 === 1 ? 'b' : 'c', at % 6 === 1 ? 'b' : 'c']]),
      ['param', id, 'long', long, long.slice(0, 200)],
    ]
  })
  await insertMany(db.sql, { table: 'mlflow_facts', columns: fact }, facts)
  const dataset = { run: text, name: text, digest: text, source_type: text, source: text, tags: text } as const
  const sets = ids.flatMap((id, at) => (at % 3 === 0 ? ['1', '2'].map(one => [id, 'd1', one, '', '', '[]']) : []))
  await insertMany(db.sql, { table: 'mlflow_datasets', columns: dataset }, sets)
}

export function findRunsSuite(place: FreshPlace): void {
  test('every way finds the same runs in the same order, and pages join to the whole', async t => {
    const db = await openDatabase(await place(t), [trackingMigrations])
    t.after(() => db.close())
    await filled(db)
    await fc.assert(
      fc.asyncProperty(asked, async from => {
        const search = runSearchOf(db.engine, from)
        const ids = async (bounds?: typeof ONE_BY_ONE): Promise<string[]> =>
          (await findRuns(db.sql, search, bounds)).map(({ id }) => id)
        const wanted = await ids(ONE_BY_ONE)
        for (const way of WAYS) assert.deepEqual(await ids(way), wanted, JSON.stringify(way))
        const all = await paged(db, { ...from, max_results: 1_000 })
        if (from.max_results > 1) assert.deepEqual(await paged(db, from), all)
      }),
      { numRuns: 60 },
    )
  })
}

async function paged(db: Database, from: object): Promise<string[]> {
  const found: string[] = []
  for (let page_token: string | undefined = ''; page_token !== undefined; ) {
    const answer = await searchRuns({ db } as never, { ...from, page_token })
    const runs = answer['runs'] as readonly { readonly info: { readonly run_id: string } }[]
    found.push(...runs.map(({ info }) => info.run_id))
    page_token = answer['next_page_token'] as string | undefined
  }
  return found
}
