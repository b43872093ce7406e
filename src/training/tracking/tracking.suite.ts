/** What is kept of experiments, runs and models, on either database: asked through the routes, as clients ask. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { Problem } from '../../errors.ts'
import { CHANGE_TOPIC } from '../../ledger/changes.ts'
import type { ChangeRecord } from '../../ledger/record.ts'
import { openKeyring } from '../../platform/crypto.ts'
import { openDatabase } from '../../platform/database.ts'
import { uuid7 } from '../../platform/ids.ts'
import { openObjects } from '../../platform/objects.ts'
import { outbox, outboxMigrations } from '../../platform/outbox.ts'
import { type FreshPlace, temporaryFolder } from '../../platform/temporary.suite.ts'
import type { Answer, Route, RouteRequest } from '../../route.ts'
import { groupCommit } from './group-commit.ts'
import { putPlans } from './planned.ts'
import { trackingRoutes } from './routes.ts'
import { trackingMigrations } from './tables.ts'
import { webhookMigrations } from './webhook-tables.ts'

type Told = Record<string, unknown>
type Ask = (what: string, from?: unknown, more?: Partial<RouteRequest>) => Promise<Answer>

const START = 1_700_000_000_000

/** @param changes takes what would stand in the ledger. */
async function opened(t: TestContext, place: FreshPlace, changes: ChangeRecord[] = []): Promise<Ask> {
  const db = await openDatabase(await place(t), [outboxMigrations, trackingMigrations, webhookMigrations])
  t.after(() => db.close())
  let now = START
  const clock = { now: () => now++ }
  const folder = temporaryFolder(t)
  const objects = openObjects(folder, await openKeyring(join(folder, 'keys')))
  const box = outbox(db)
  const recorded = async (): Promise<void> => {
    await box.drain(CHANGE_TOPIC, async ({ payload }) => void changes.push(JSON.parse(payload) as ChangeRecord))
  }
  const parts = { db, clock, ids: uuid7(clock), objects, artifactBytesMax: 1_000_000, ...groupCommit(db, putPlans) }
  const routes = trackingRoutes({ ...parts, recorded }) as Route[]
  return async (what, from = {}, more = {}) => {
    const [method, path] = what.split(' ') as [string, string]
    const isShort = !path.startsWith('/')
    const route = routes.find(one => one.method === method && one.path === (isShort ? `/api/2.0/mlflow/${path}` : path))
    assert.ok(route, what)
    const asked = {
      params: {},
      query: {},
      headers: {},
      actor: { id: 'key:tester' },
      ...(method === 'GET' ? { query: from } : { body: from }),
      ...more,
    }
    return await route.handle(asked as unknown as RouteRequest)
  }
}

async function told(answer: Promise<Answer>): Promise<Told> {
  return (await answer).body as Told
}

const refused = (code: string) => (error: unknown) => error instanceof Problem && error.code === code

export function trackingSuite(place: FreshPlace): void {
  runs(place)
  charting(place)
  together(place)
  searching(place)
  registering(place)
  keeping(place)
  recording(place)
}

async function begun(ask: Ask, more: object = {}): Promise<string> {
  const { run } = (await told(ask('POST runs/create', { experiment_id: '0', ...more }))) as {
    run: { info: { run_id: string } }
  }
  return run.info.run_id
}

async function found(ask: Ask, filter: string, order: readonly string[] = [], more: object = {}): Promise<string[]> {
  const asked = { experiment_ids: ['0'], filter, order_by: order, ...more }
  const answer = (await told(ask('POST runs/search', asked))) as { runs?: { info: { run_name: string } }[] }
  return (answer.runs ?? []).map(({ info }) => info.run_name)
}

function runs(place: FreshPlace): void {
  test('a run keeps its latest metrics, all points, and parameters that do not change', async t => {
    const ask = await opened(t, place)
    const run_id = await begun(ask, { run_name: 'a' })
    const metrics = [
      { key: 'm', value: 2, timestamp: 5, step: 2 },
      { key: 'm', value: 1, timestamp: 9, step: 1 },
      { key: 'm', value: 1, timestamp: 9, step: 1 },
      { key: 'n', value: 'NaN', timestamp: 1 },
      { key: 'i', value: '-Infinity', timestamp: 1 },
    ]
    await ask('POST runs/log-batch', { run_id, metrics, params: [{ key: 'p', value: 'x' }] })
    await ask('POST runs/log-parameter', { run_id, key: 'p', value: 'x' })
    await assert.rejects(ask('POST runs/log-parameter', { run_id, key: 'p', value: 'y' }), refused('invalid'))
    await assert.rejects(
      ask('POST runs/log-batch', {
        run_id,
        metrics: [{ key: 'm', value: 7, timestamp: 9, step: 9 }],
        params: [{ key: 'p', value: 'z' }],
      }),
      refused('invalid'),
    )
    const { run } = (await told(ask('GET runs/get', { run_id }))) as { run: { data: object } }
    assert.deepEqual(
      { ...run.data, tags: [] },
      {
        metrics: [
          { key: 'i', value: -Number.MAX_VALUE, timestamp: 1, step: 0 },
          { key: 'm', value: 2, timestamp: 5, step: 2 },
          { key: 'n', value: 'NaN', timestamp: 1, step: 0 },
        ],
        params: [{ key: 'p', value: 'x' }],
        tags: [],
      },
    )
    const history = await told(ask('GET metrics/get-history', { run_id, metric_key: 'm', max_results: '1' }))
    assert.deepEqual(history['metrics'], [{ key: 'm', value: 2, timestamp: 5, step: 2 }])
    const page_token = history['next_page_token']
    const rest = await told(ask('GET metrics/get-history', { run_id, metric_key: 'm', max_results: '1', page_token }))
    assert.deepEqual(rest, { metrics: [{ key: 'm', value: 1, timestamp: 9, step: 1 }] })
    await ask('POST runs/delete', { run_id })
    await assert.rejects(ask('POST runs/set-tag', { run_id, key: 't', value: 'v' }), refused('invalid'))
    await ask('POST runs/restore', { run_id })
    await ask('POST runs/set-tag', { run_id, key: 't', value: 'v' })
  })
}

function charting(place: FreshPlace): void {
  test('a chart has points from the first to the last, as many as are asked for, however many there are', async t => {
    const ask = await opened(t, place)
    const run_id = await begun(ask)
    const log = (key: string, at: (step: number) => number) =>
      ask('POST runs/log-batch', {
        run_id,
        metrics: Array.from({ length: 900 }, (_, step) => ({ key, value: step / 2, timestamp: at(step), step })),
      })
    // Told twice, a point is kept once.
    for (const _ of ['told', 'told again']) await log('timed', step => 1_000 + 7 * step)
    await log('at once', () => 1_000)
    const curve = async (metric_key: string, more: object): Promise<number[]> => {
      const { metrics } = await told(
        ask('GET metrics/get-history-bulk-interval', { run_ids: [run_id], metric_key, ...more }),
      )
      return (metrics as { step: number; value: number; run_id: string }[]).map(({ step, value, run_id: of }) => {
        assert.deepEqual([value, of], [step / 2, run_id])
        return step
      })
    }
    for (const key of ['timed', 'at once']) {
      const steps = await curve(key, { max_results: '10' })
      assert.equal(steps.length, 10)
      assert.deepEqual([steps[0], steps.at(-1)], [0, 899])
      for (const [at, step] of steps.slice(0, -1).entries()) assert.ok(Math.abs(step - at * 100) <= 1, String(steps))
      assert.equal((await curve(key, {})).length, 900)
      const some = await curve(key, { start_step: 200, end_step: 400, max_results: 5 })
      assert.deepEqual([some[0], some.at(-1), some.length], [200, 400, 5])
      assert.deepEqual(await curve(key, { max_results: 1 }), [899])
    }
    await assert.rejects(curve('timed', { start_step: 3 }), refused('invalid'))
    await assert.rejects(curve('timed', { max_results: 2_501 }), refused('invalid'))
  })
}

function together(place: FreshPlace): void {
  test('writes that come at once are all kept, and those that fail take none along', async t => {
    const ask = await opened(t, place)
    const run_id = await begun(ask)
    const all = await Promise.allSettled(
      Array.from({ length: 300 }, (_, step) =>
        ask('POST runs/log-metric', {
          run_id: step % 10 === 0 ? 'none' : run_id,
          key: 'm',
          value: step,
          timestamp: 1,
          step,
        }),
      ),
    )
    assert.equal(all.filter(({ status }) => status === 'rejected').length, 30)
    const history = await told(ask('GET metrics/get-history', { run_id, metric_key: 'm' }))
    assert.equal((history['metrics'] as unknown[]).length, 270)
  })
}

function searching(place: FreshPlace): void {
  test('runs are found and ordered by everything they have', async t => {
    const ask = await opened(t, place)
    for (const [at, name] of ['a', 'b', 'c', 'd'].entries()) {
      const run_id = await begun(ask, { run_name: name, start_time: at, tags: [{ key: 'team', value: `T${at % 2}` }] })
      await ask('POST runs/log-batch', {
        run_id,
        metrics: name === 'd' ? [] : [{ key: 'acc', value: name === 'c' ? 'NaN' : at / 10, timestamp: 1 }],
        params: [{ key: 'lr', value: `0.${at}` }],
      })
      const dataset = { name: `set_${name}`, digest: 'x', source_type: 'local', source: '{}' }
      await ask('POST runs/log-inputs', {
        run_id,
        datasets: [{ dataset, tags: [{ key: 'mlflow.data.context', value: 'train' }] }],
      })
    }
    assert.deepEqual(await found(ask, ''), ['d', 'c', 'b', 'a'])
    assert.deepEqual(await found(ask, 'metrics.acc > 0.05'), ['b'])
    assert.deepEqual(await found(ask, 'metrics.acc >= 0 AND params.lr != "0.1"'), ['a'])
    assert.deepEqual(await found(ask, "tags.team LIKE 't%'"), [])
    assert.deepEqual(await found(ask, "tags.team ILIKE 't_' AND tags.team = 'T1'"), ['d', 'b'])
    assert.deepEqual(await found(ask, "attributes.run_name IN ('a', 'c') AND start_time < 1.5"), ['a'])
    assert.deepEqual(
      await found(ask, "dataset.name LIKE 'set%' AND dataset.context = 'train' AND dataset.name != 'set_a'"),
      ['d', 'c', 'b'],
    )
    assert.deepEqual(await found(ask, 'tags.none IS NULL AND params.lr IS NOT NULL', ['params.lr ASC']), [
      'a',
      'b',
      'c',
      'd',
    ])
    assert.deepEqual(await found(ask, '', ['metrics.acc DESC']), ['b', 'a', 'c', 'd'])
    assert.deepEqual(await found(ask, '', ['metrics.acc ASC']), ['a', 'b', 'c', 'd'])
    assert.deepEqual(await found(ask, '', ['end_time DESC', 'run_name'], { max_results: 2 }), ['a', 'b'])
    for (const wrong of ["status > 'x'", 'metrics.a LIKE 1', 'nothing = 1', "start_time = 'x'", "metrics.a = 'x'"])
      await assert.rejects(found(ask, wrong), refused('invalid'), wrong)
  })
}

function registering(place: FreshPlace): void {
  test('versions are numbered once each, whoever asks at once, and keep what they have when renamed', async t => {
    const ask = await opened(t, place)
    await ask('POST registered-models/create', { name: 'm' })
    await assert.rejects(ask('POST registered-models/create', { name: 'm' }), refused('conflict'))
    await Promise.all(
      Array.from({ length: 8 }, () => ask('POST model-versions/create', { name: 'm', source: 's3://b/x' })),
    )
    const wrong = ['/etc/passwd', 'file:///etc', 's3://b/../x', 's3://b/%252e%252e/x']
    for (const source of wrong)
      await assert.rejects(ask('POST model-versions/create', { name: 'm', source }), refused('invalid'), source)
    await ask('POST model-versions/set-tag', { name: 'm', version: '3', key: 'k', value: 'v' })
    await ask('POST registered-models/alias', { name: 'm', alias: 'best', version: '3' })
    await ask('POST registered-models/rename', { name: 'm', new_name: 'longer' })
    const { model_version } = await told(ask('GET registered-models/alias', { name: 'longer', alias: 'best' }))
    const { version, tags } = model_version as { version: string; tags: unknown }
    assert.deepEqual({ version, tags }, { version: '3', tags: [{ key: 'k', value: 'v' }] })
    const versions = await told(
      ask('GET model-versions/search', { filter: "name = 'longer' AND version_number > 2.5" }),
    )
    assert.equal((versions['model_versions'] as unknown[]).length, 6)
    await ask('DELETE registered-models/delete', { name: 'longer' })
    await assert.rejects(ask('GET registered-models/get', { name: 'longer' }), refused('not_found'))
  })

  test('experiments have names of their own, and logged models what is logged of them', async t => {
    const ask = await opened(t, place)
    const made = await Promise.all(['x', 'y', 'z'].map(name => told(ask('POST experiments/create', { name }))))
    assert.equal(new Set(made.map(one => one['experiment_id'])).size, 3)
    await assert.rejects(ask('POST experiments/create', { name: 'x' }), refused('conflict'))
    const { model } = await told(
      ask('POST logged-models', { experiment_id: '1', name: 'net', params: [{ key: 'd', value: '3' }] }),
    )
    const { model_id } = (model as { info: { model_id: string } }).info
    const run_id = await begun(ask)
    await ask('POST runs/log-metric', { run_id, key: 'f1', value: 0.5, timestamp: 1, model_id })
    const filter = "name = 'net' AND metrics.f1 > 0.4 AND params.d = '3'"
    const order_by = [{ field_name: 'metrics.f1', ascending: false }]
    const answer = await told(ask('POST logged-models/search', { experiment_ids: ['1'], filter, order_by }))
    assert.equal((answer['models'] as unknown[]).length, 1)
    const listed = await told(ask('POST experiments/search', { filter: "name LIKE 'x%'", order_by: ['name ASC'] }))
    assert.equal((listed['experiments'] as unknown[]).length, 1)
  })
}

function keeping(place: FreshPlace): void {
  test('artifacts come back as they were, and paths lead nowhere else', async t => {
    const ask = await opened(t, place)
    const at = '/api/2.0/mlflow-artifacts/artifacts/*'
    const put = (path: string, text: string) =>
      ask(`PUT ${at}`, {}, { params: { '*': path }, upload: Readable.from([Buffer.from(text)]) })
    await put('1/r/artifacts/a.txt', 'first')
    await put('1/r/artifacts/a.txt', 'second')
    await put('1/r/artifacts/in/b.txt', 'b')
    const answer = await ask(`GET ${at}`, {}, { params: { '*': '1/r/artifacts/a.txt' } })
    assert.equal((await buffer(answer.stream!)).toString(), 'second')
    const files = await told(ask('GET /api/2.0/mlflow-artifacts/artifacts', { path: '1/r/artifacts' }))
    assert.deepEqual(files['files'], [
      { path: 'a.txt', is_dir: false, file_size: 6 },
      { path: 'in', is_dir: true },
    ])
    for (const path of ['../x', '/etc/passwd', 'a/../../b', 'a\\..\\b', 'a/%2e%2e/b', 'C:/x', 'a//b', 'a\0b'])
      await assert.rejects(put(path, 'x'), refused('invalid'), path)
    await ask(`DELETE ${at}`, {}, { params: { '*': '1/r/artifacts/in' } })
    await assert.rejects(ask(`GET ${at}`, {}, { params: { '*': '1/r/artifacts/in/b.txt' } }), refused('not_found'))
  })
}

function recording(place: FreshPlace): void {
  test('what disappears, comes back or is pointed to stands in the ledger; what was refused and what is logged does not', async t => {
    const changes: ChangeRecord[] = []
    const ask = await opened(t, place, changes)
    const run_id = await begun(ask)
    await ask('POST runs/log-metric', { run_id, key: 'm', value: 1, timestamp: 1 })
    await ask('POST runs/delete', { run_id })
    await ask('POST runs/restore', { run_id })
    await assert.rejects(ask('POST experiments/delete', { experiment_id: '77' }), refused('not_found'))
    await ask('POST registered-models/create', { name: 'm' })
    await ask('POST model-versions/create', { name: 'm', source: 's3://b/x' })
    await ask('POST registered-models/alias', { name: 'm', alias: 'best', version: '1' })
    const at = '/api/2.0/mlflow-artifacts/artifacts/*'
    const params = { '*': '0/x/a.txt' }
    await ask(`PUT ${at}`, {}, { params, upload: Readable.from([Buffer.from('a')]) })
    await ask(`DELETE ${at}`, {}, { params })
    const told = changes.map(({ action, target, detail }) => `${action} ${target} ${JSON.stringify(detail)}`)
    assert.deepEqual(told, [
      `run:deleted mlflow-run:${run_id} {}`,
      `run:restored mlflow-run:${run_id} {}`,
      'mlflow-model:registered mlflow-model:m {}',
      'mlflow-version:registered mlflow-model:m/1 {"source":"s3://b/x"}',
      'mlflow-alias:moved mlflow-model:m/1 {"alias":"best"}',
      'artifact:deleted mlflow-artifact:0/x/a.txt {"files":1}',
    ])
    assert.ok(changes.every(({ actor }) => actor === 'key:tester'))
  })
}
