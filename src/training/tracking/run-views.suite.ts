/** What pages are told of runs, on either database: logged as clients log, asked as the dashboard asks. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { Problem } from '../../errors.ts'
import { openKeyring } from '../../platform/crypto.ts'
import { openDatabase } from '../../platform/database.ts'
import { uuid7 } from '../../platform/ids.ts'
import { openObjects } from '../../platform/objects.ts'
import { outboxMigrations } from '../../platform/outbox.ts'
import { type FreshPlace, temporaryFolder } from '../../platform/temporary.suite.ts'
import type { Answer, Route, RouteRequest } from '../../route.ts'
import { groupCommit } from './group-commit.ts'
import { putPlans } from './planned.ts'
import { trackingRoutes } from './routes.ts'
import { PARENT } from './run-rows.ts'
import { runViewRoutes } from './run-view-routes.ts'
import { trackingMigrations } from './tables.ts'
import { webhookMigrations } from './webhook-tables.ts'

// biome-ignore lint/suspicious/noExplicitAny: an answer is looked into where a test expects something
type Told = any
interface Asking {
  log(path: string, body: object): Promise<Told>
  look(path: string, more?: Partial<RouteRequest>): Promise<Told>
}

const START = 1_700_000_000_000

async function opened(t: TestContext, place: FreshPlace): Promise<Asking> {
  const db = await openDatabase(await place(t), [outboxMigrations, trackingMigrations, webhookMigrations])
  t.after(() => db.close())
  let now = START
  const clock = { now: () => now++ }
  const folder = temporaryFolder(t)
  const objects = openObjects(folder, await openKeyring(join(folder, 'keys')))
  const parts = { db, clock, ids: uuid7(clock), objects, artifactBytesMax: 1_000_000, ...groupCommit(db, putPlans) }
  const routes = [...trackingRoutes({ ...parts, recorded: async () => {} }), ...runViewRoutes(parts)] as Route[]
  const ask = async (method: string, path: string, more: object): Promise<Answer> => {
    const route = routes.find(one => one.method === method && one.path === path)
    assert.ok(route, path)
    const asked = { params: {}, query: {}, headers: {}, actor: { id: 'key:tester' }, ...more }
    return await route.handle(asked as unknown as RouteRequest)
  }
  return {
    log: async (path, body) =>
      path.startsWith('/')
        ? (await ask('PUT', '/api/2.0/mlflow-artifacts/artifacts/*', { params: { '*': path.slice(1) }, ...body })).body
        : (await ask('POST', `/api/2.0/mlflow/${path}`, { body })).body,
    look: async (path, more = {}) => JSON.parse((await ask('GET', path, more)).text ?? 'null') as Told,
  }
}

async function begun(asking: Asking, name: string, data: object = {}): Promise<string> {
  const body = { experiment_id: '0', run_name: name, start_time: START }
  const { run } = await asking.log('runs/create', body)
  await asking.log('runs/log-batch', { run_id: run.info.run_id, ...data })
  return run.info.run_id as string
}

const metric = (key: string, value: number | string, step = 0) => ({ key, value, step, timestamp: START + step })
const RUNS = '/runs/experiments/:experiment/runs'
const inDefault = { params: { experiment: '0' } }
const invalid = (pattern: RegExp) => (error: unknown) =>
  error instanceof Problem && error.code === 'invalid' && pattern.test(error.message)

export function runViewsSuite(place: FreshPlace): void {
  tables(place)
  ofOneRun(place)
  curvesAndFiles(place)
}

function tables(place: FreshPlace): void {
  test('a table has the columns that most runs have, or those that are wanted, and says what others there are', async t => {
    const asking = await opened(t, place)
    const parent = await begun(asking, 'a', {
      metrics: [metric('loss', 0.5), metric('system/cpu', 1), metric('odd', 'NaN')],
      params: [{ key: 'lr', value: '0.1' }],
    })
    const tags = [
      { key: PARENT, value: parent },
      { key: 'team', value: 'b' },
    ]
    await begun(asking, 'b', { metrics: [metric('loss', '-Infinity')], tags })
    const usual = await asking.look(RUNS, { ...inDefault, query: { limit: 1, order: 'run_name' } })
    assert.deepEqual(usual.columns, ['metrics.loss', 'metrics.odd', 'params.lr'])
    assert.deepEqual(usual.names.metrics, ['loss', 'odd', 'system/cpu'])
    assert.deepEqual(
      usual.runs.map(({ name, children, metrics, params }: Told) => [name, children, metrics, params]),
      [['a', 1, { loss: 0.5, odd: 'NaN' }, { lr: '0.1' }]],
    )
    const query = { limit: 1, order: 'run_name', page: usual.next, columns: 'tags.team,metrics.loss,metrics.none' }
    const wanted = await asking.look(RUNS, { ...inDefault, query })
    assert.equal(wanted.next, undefined)
    assert.deepEqual(wanted.runs[0].metrics, { loss: '-Infinity' })
    assert.deepEqual(
      [wanted.runs[0].tags, wanted.runs[0].parent, wanted.runs[0].params],
      [{ team: 'b' }, { id: parent, name: 'a' }, {}],
    )
    const found = async (filter: string): Promise<number> =>
      (await asking.look(RUNS, { ...inDefault, query: { filter } })).runs.length
    assert.deepEqual([await found('metrics.loss > 0'), await found("tags.team ILIKE 'B'")], [1, 1])
    await assert.rejects(found('metrics.loss >'), invalid(/^Cannot read the filter/))
    for (const [columns, pattern] of [
      ['loss', /the column 'loss': wanted metrics\.NAME/],
      ['metrics.', /the column 'metrics\.'/],
      ['metrics.a,'.repeat(201), /201 columns: at most 200/],
    ] as const)
      await assert.rejects(asking.look(RUNS, { ...inDefault, query: { columns } }), invalid(pattern))
  })
}

function ofOneRun(place: FreshPlace): void {
  test('a run tells what went in and came out, whom it is nested in and what is nested in it', async t => {
    const asking = await opened(t, place)
    const parent = await begun(asking, 'outer', { metrics: [metric('loss', 2, 1), metric('loss', 1, 2)] })
    const child = await begun(asking, 'inner', { tags: [{ key: PARENT, value: parent }] })
    const dataset = { name: 'train', digest: 'd1', source_type: 'local', source: '{}' }
    await asking.log('runs/log-inputs', { run_id: child, datasets: [{ dataset, tags: [] }] })
    const inner = await asking.look('/runs/:run', { params: { run: child } })
    assert.deepEqual(inner.parent, { id: parent, name: 'outer' })
    assert.deepEqual([inner.in.name, inner.datasets[0].name], ['Default', 'train'])
    const outer = await asking.look('/runs/:run', { params: { run: parent } })
    assert.deepEqual(outer.nested, [{ id: child, name: 'inner', status: 'RUNNING' }])
    assert.deepEqual(outer.latest, [{ name: 'loss', value: 1, step: 2, at: START + 2 }])
    const all = await asking.look('/runs/compare', { query: { runs: `${child},${parent},${child}` } })
    assert.deepEqual(
      all.runs.map(({ name }: Told) => name),
      ['inner', 'outer'],
    )
    const gone = asking.look('/runs/compare', { query: { runs: `${child},${'0'.repeat(32)}` } })
    await assert.rejects(gone, /^Problem: Cannot find a run with the id '0{32}'/)
    await assert.rejects(
      asking.look('/runs/compare', { query: { runs: ',' } }),
      invalid(/found 0 of them, wanted 1 to/),
    )
    const { experiments } = await asking.look('/runs/experiments', { query: { search: "FAU'" } })
    assert.deepEqual(experiments, [])
    const [one] = (await asking.look('/runs/experiments', { query: { search: 'FAU' } })).experiments
    assert.deepEqual([one.id, one.name, one.runs, one.lastRunAt], ['0', 'Default', 2, START])
    assert.equal((await asking.look('/runs/experiments/:experiment', { params: { experiment: '0' } })).runs, 2)
  })
}

function curvesAndFiles(place: FreshPlace): void {
  test('curves have so many points as are wanted, whatever there is', async t => {
    const asking = await opened(t, place)
    const points = Array.from({ length: 500 }, (_, step) => metric('loss', 1 / (step + 1), step))
    const long = await begun(asking, 'long', { metrics: points })
    const short = await begun(asking, 'short', { metrics: [metric('loss', 'NaN', 7)] })
    const query = { runs: `${long},${short}`, metrics: 'loss,none', points: 20 }
    const { curves } = await asking.look('/runs/curves', { query })
    assert.deepEqual(
      curves.map(({ run, metric }: Told) => [run, metric]),
      [
        [long, 'loss'],
        [short, 'loss'],
      ],
    )
    assert.equal(curves[0].points.length, 20)
    assert.deepEqual([curves[0].points[0], curves[0].points.at(-1)[0]], [[0, START, 1], 499])
    assert.deepEqual(curves[1].points, [[7, START + 7, 'NaN']])
    const many = Array.from({ length: 101 }, (_, at) => `m${at}`).join(',')
    await assert.rejects(
      asking.look('/runs/curves', { query: { ...query, metrics: many } }),
      invalid(/202 curves: at most 200/),
    )
  })

  test('files are listed with where they are fetched', async t => {
    const asking = await opened(t, place)
    const run = await begun(asking, 'files')
    await asking.log(`/0/${run}/artifacts/a dir/ü?.txt`, { upload: Readable.from([Buffer.from('text')]) })
    const root = await asking.look('/runs/:run/artifacts', { params: { run } })
    assert.deepEqual(root.files, [{ path: 'a dir', isFolder: true }])
    const { files } = await asking.look('/runs/:run/artifacts', { params: { run }, query: { path: 'a dir' } })
    const address = `/api/2.0/mlflow-artifacts/artifacts/0/${run}/artifacts/a%20dir/%C3%BC%3F.txt`
    assert.deepEqual(files, [{ path: 'a dir/ü?.txt', isFolder: false, bytes: 4, address }])
    await assert.rejects(
      asking.look('/runs/:run/artifacts', { params: { run }, query: { path: '../..' } }),
      invalid(/./),
    )
  })
}
