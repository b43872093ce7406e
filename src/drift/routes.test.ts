/** Each caller at each route, and what is answered. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import Value from 'typebox/value'
import { permits, ROLE_NAMES } from '../access/roles.ts'
import { client } from '../client.ts'
import { asProblem, Problem, problemDocument } from '../errors.ts'
import type { Command, CommandContext } from '../platform/command.ts'
import { openTerminal } from '../platform/terminal.ts'
import type { Route } from '../route.ts'
import { driftCommands } from './commands.ts'
import { type Served, START_AT, served, WINDOW_MS } from './drift-served.suite.ts'
import { mixed } from './drift-world.suite.ts'
import type { DriftReport } from './report.ts'
import { driftRoutes } from './routes.ts'

const REPORT = '/models/:name/drift'
const FEATURE = '/models/:name/drift/:feature'
const usual = (count: number): Float64Array => mixed(count, u => 18 + 60 * u)
const older = (count: number): Float64Array => mixed(count, u => 70 + 20 * u)
const scores = (count: number): Float64Array => mixed(count)

interface Answered {
  readonly status: number
  readonly body: Record<string, unknown> & DriftReport
}
type Asked = { readonly params?: Record<string, string>; readonly query?: Record<string, unknown> }

function routesOf({ watch, drift, clock, catalogue }: Served): Route[] {
  const answering = () => '1.0.0'
  return driftRoutes({ watch, drift, now: clock.now, windowMs: WINDOW_MS, catalogue, answering }) as Route[]
}

function caller(world: Served): (path: string, asked?: Asked, roles?: readonly string[]) => Promise<Answered> {
  const routes = routesOf(world)
  return async (path, { params = {}, query = {} } = {}, roles = ['admin']) => {
    const route = routes.find(found => found.path === path)!
    const actor = { id: 'key:1', name: 'somebody', roles }
    try {
      if (!permits(actor, route.permission)) throw new Problem('forbidden', 'Cannot do this')
      const request = { requestId: 'r', actor, source: '127.0.0.1', headers: {}, body: undefined, query }
      const answer = await route.handle({
        ...request,
        params: { name: 'churn', ...params },
        parts: (async function* () {})(),
      })
      const body = JSON.parse(JSON.stringify(answer.body))
      Value.Assert(route.answers[200] as never, body)
      return { status: 200, body }
    } catch (error) {
      return { status: asProblem(error).status, body: problemDocument(asProblem(error), 'r') as never }
    }
  }
}

test('the routes answer those who may, and nobody else', async t => {
  const call = caller(await served(t))
  const allowed = ['viewer', 'scientist', 'operator', 'approver', 'auditor', 'admin']
  for (const path of [REPORT, FEATURE]) {
    for (const role of ROLE_NAMES) {
      const { status } = await call(path, { params: { feature: 'age' } }, [role])
      assert.equal(status, allowed.includes(role) ? 200 : 403, `${role} at ${path}`)
    }
    assert.equal((await call(path, { params: { feature: 'age' } }, [])).status, 403)
  }
})

test('a version that was never asked is idle, and one without a reference says so', async t => {
  const call = caller(await served(t))
  const { body } = await call(REPORT)
  assert.deepEqual([body.state, body.readings, body.matrix.windows, body.window], ['idle', [], [], undefined])
  const none = await call(REPORT, { query: { version: '2.0.0' } })
  assert.deepEqual([none.status, none.body.state], [200, 'no reference'])
  const age = await call(FEATURE, { params: { feature: 'age' } })
  assert.deepEqual([age.body['referenceRows'], age.body.readings, age.body.window], [5_000, [], undefined])
})

test('the report has every reading, the state with its cause, its changes, and a matrix by time and by size', async t => {
  const world = await served(t)
  world.serve('1.0.0', usual(600), scores(600))
  world.clock.set(START_AT + WINDOW_MS)
  world.serve('1.0.0', older(600), scores(600))
  const call = caller(world)
  const { body } = await call(REPORT)
  assert.deepEqual([body.state, body.cause?.feature, body.window?.rows], ['drift', 'age', 500])
  assert.deepEqual(
    body.readings.map(({ feature, statistic }) => `${feature} ${statistic}`),
    [
      ...['psi', 'ks', 'kl', 'js', 'js2', 'wasserstein', 'chi2'].map(statistic => `age ${statistic}`),
      'income undefined',
      ...['psi', 'ks', 'kl', 'js', 'js2', 'wasserstein', 'chi2'].map(statistic => `score ${statistic}`),
    ],
  )
  assert.deepEqual(
    body.matrix.windows.map(({ rows, verdict }) => [rows, verdict]),
    [
      [600, 'ok'],
      [600, 'drift'],
    ],
  )
  const [age] = body.matrix.rows
  assert.deepEqual([age!.feature, age!.cells.map(({ verdict }) => verdict)], ['age', ['ok', 'drift']])
  assert.deepEqual(body.matrix.rows[1]!.cells[0], { verdict: 'not watched', columnVerdict: 'not watched' })
  const bySize = await call(REPORT, { query: { by: 'size', statistic: 'ks' } })
  assert.equal(bySize.body.matrix.statistic, 'ks')
  assert.ok(bySize.body.matrix.windows.every(({ rows }) => rows === 500))
  assert.ok(bySize.body.matrix.windows.length >= 2)
})

test('a range is judged as one window, and windows of time are put together by step', async t => {
  const world = await served(t)
  for (let minute = 0; minute < 4; minute++) {
    world.clock.set(START_AT + minute * WINDOW_MS)
    world.serve('1.0.0', minute < 3 ? usual(200) : older(200), scores(200))
  }
  const call = caller(world)
  const range = { since: START_AT, until: START_AT + 3 * WINDOW_MS }
  const { body } = await call(REPORT, { query: range })
  assert.deepEqual([body.window?.rows, body.window?.verdict, body.matrix.windows.length], [600, 'ok', 3])
  const steps = await call(REPORT, { query: { since: START_AT - (START_AT % (2 * WINDOW_MS)), step: 2 * WINDOW_MS } })
  assert.deepEqual(
    steps.body.matrix.windows.map(({ rows, from }) => [rows, from % (2 * WINDOW_MS)]),
    [
      [400, 0],
      [400, 0],
    ],
  )
  const wrong: readonly Asked['query'][] = [
    { since: 5, until: 5 },
    { since: 0, step: WINDOW_MS },
  ]
  for (const query of wrong) assert.equal((await call(REPORT, { query: query! })).status, 422, JSON.stringify(query))
  assert.equal((await call(REPORT, { query: { step: WINDOW_MS - 1 } })).body.matrix.windows.length, 4)
  const far = await call(REPORT, { query: { since: 0 } })
  assert.equal(far.body.window?.rows, 800)
})

test('a feature is told bin by bin, of the last predictions or of a time', async t => {
  const world = await served(t)
  world.serve('1.0.0', usual(300), scores(300))
  world.clock.set(START_AT + WINDOW_MS)
  world.serve('1.0.0', older(300), scores(300))
  const call = caller(world)
  const latest = await call(FEATURE, { params: { feature: 'age' } })
  const bins = latest.body['bins'] as { kind: string; reference: number; current: number }[]
  const sum = (of: 'reference' | 'current'): number => bins.reduce((all, bin) => all + bin[of], 0)
  assert.deepEqual([sum('reference'), sum('current')], [5_000, 500])
  assert.deepEqual([...new Set(bins.map(({ kind }) => kind))], ['range', 'above'])
  assert.ok(latest.body.readings.every(({ feature }) => feature === 'age'))
  const first = await call(FEATURE, { params: { feature: 'age' }, query: { from: START_AT, to: START_AT + WINDOW_MS } })
  assert.deepEqual([first.body.window?.rows, first.body.window?.verdict], [300, 'ok'])
  const never = await call(FEATURE, { params: { feature: 'age' }, query: { from: 5, to: 4 } })
  assert.match(String(never.body['detail']), /from is 5, wanted a time before to, which is 4/)
  const score = await call(FEATURE, { params: { feature: 'score' }, query: { kind: 'output' } })
  assert.equal(score.body['kind'], 'output')
})

test('what is not there is not found', async t => {
  const call = caller(await served(t))
  assert.equal((await call(REPORT, { params: { name: 'other' } })).status, 404)
  assert.equal((await call(REPORT, { query: { version: '9.9.9' } })).status, 404)
  const unknown = await call(FEATURE, { params: { feature: 'shoe size' } })
  assert.match(
    String(unknown.body['detail']),
    /Cannot compare shoe size of churn@1\.0\.0: its columns are age, income, score/,
  )
  assert.equal((await call(FEATURE, { params: { feature: 'score' }, query: { kind: 'feature' } })).status, 404)
  const none = await call(FEATURE, { params: { feature: 'age' }, query: { version: '2.0.0' } })
  assert.match(String(none.body['detail']), /registered without reference data/)
})

async function said(t: TestContext, world: Served, values: Readonly<Record<string, unknown>>) {
  const call = caller(world)
  const server = client(async ({ path }) => {
    const url = new URL(path, 'http://localhost')
    const numbers = [...url.searchParams].map(([name, text]) => [name, /^\d+$/.test(text) ? Number(text) : text])
    const { status, body } = await call(REPORT, {
      params: { name: decodeURIComponent(url.pathname.split('/')[2]!) },
      query: Object.fromEntries(numbers),
    })
    return new Response(JSON.stringify(body), { status })
  })
  let text = ''
  const write = (more: string): void => {
    text += more
  }
  const stream = { write }
  const terminal = openTerminal({ stdout: stream, stderr: stream } as never, { json: false, env: {} })
  const [command] = driftCommands as readonly [Command]
  const context = { args: { model: 'churn' }, options: values, terminal, api: async () => server, signal: t.signal }
  const status = await command.run(context as unknown as CommandContext)
  return { text, status }
}

test('the command tells a table and a sentence, and its status where it is asked to check', async t => {
  const world = await served(t)
  assert.equal((await said(t, world, {})).text, 'churn@1.0.0: no predictions to compare\n')
  world.serve('1.0.0', older(500), scores(500))
  const { text, status } = await said(t, world, { check: true })
  assert.equal(status, 1)
  const lines = text.split('\n')
  assert.match(lines[0]!, /^churn@1\.0\.0: drift since 2027-\S+Z$/)
  assert.match(lines[1]!, /^500 predictions, 2027-/)
  assert.match(lines[3]!, /^feature +psi +ks +verdict$/)
  assert.match(lines[4]!, /^age +\d\.?\d* +0\.\d+ +drift$/)
  assert.match(text, /\nage has drifted: its PSI of /)
  assert.match(text, /\nincome is not watched: it is sensitive/)
  assert.match((await said(t, world, { all: true })).text, /feature +psi +ks +kl +js +js2 +wasserstein +chi2 +verdict/)
  assert.equal((await said(t, world, { since: '2027-01-01' })).status, undefined)
  assert.match((await said(t, world, { version: '2.0.0' })).text, /registered without reference data/)
  await assert.rejects(said(t, world, { since: 'yesterday' }), /--since is "yesterday", wanted a time/)
})
