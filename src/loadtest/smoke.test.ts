import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { client } from '../client.ts'
import { seededRandom } from '../math/random.ts'
import { type SmokeCheck, type SmokeParts, smoke } from './smoke.ts'

const INPUTS = [{ name: 'x', type: 'number', nullable: false, sensitive: false, protected: false }]
const version = (name: string, uses = { permitted: [], prohibited: [], required: false } as object): object => ({
  model: name,
  version: '1.0.0',
  format: 'xgboost-json',
  signature: { inputs: INPUTS, outputs: [{ name: 'y', type: 'number' }] },
  uses,
})

/** What a server answers, by method and path; a number is a status. */
const WELL: Readonly<Record<string, object | number | string>> = {
  'GET /healthz': { status: 'ok' },
  'GET /readyz': { ready: true, checks: [{ name: 'journal', ok: true }] },
  'GET /openapi.json': { openapi: '3.1.0', paths: { '/predict': {} } },
  'GET /models?limit=10000': {
    models: [
      { name: 'a', versions: ['1.0.0'] },
      { name: 'b', versions: ['1.0.0'] },
      { name: 'empty', versions: [] },
    ],
  },
  'GET /models/a': { versions: ['1.0.0'], aliases: {} },
  'GET /models/b': { versions: ['1.0.0'], aliases: { champion: '1.0.0' } },
  'GET /models/a/versions/1.0.0': version('a'),
  'GET /models/b/versions/1.0.0': version('b', { permitted: ['offer'], prohibited: [], required: true }),
  'POST /models/a/predict': { id: '1', version: '1.0.0', outputs: { y: 0.25 } },
  'POST /models/b/predict': { id: '2', version: '1.0.0', outputs: { y: 0.5 } },
  'GET /predictions/1': { record: { outputs: { y: 0.25 } } },
  'GET /predictions/2': { record: { outputs: { y: 0.5 } } },
  'GET /metrics': 'predictions_total{model="a",version="1.0.0"} 1\npredictions_total{model="b",version="1.0.0"} 1\n',
}

const PROBLEMS: Readonly<Record<number, string>> = { 403: 'forbidden', 404: 'not_found', 503: 'unavailable' }

function answerOf(answer: object | number | string = 404): Response {
  if (typeof answer === 'string') return new Response(answer)
  if (typeof answer === 'object') return Response.json(answer)
  return Response.json({ code: PROBLEMS[answer], detail: `Cannot: ${answer}` }, { status: answer })
}

async function of(
  changed: Readonly<Record<string, object | number | string>>,
  more: Partial<SmokeParts> = {},
): Promise<{ readonly checks: readonly SmokeCheck[]; readonly purposes: unknown[] }> {
  const purposes: unknown[] = []
  let now = 0
  const api = client(async ({ method, path, headers = {} }) => {
    if (method === 'POST') purposes.push(headers['bellwether-purpose'])
    return answerOf({ ...WELL, ...changed }[`${method} ${path}`])
  })
  const checks = await smoke({
    api,
    modelsMax: 20,
    waitMs: 0,
    random: seededRandom(1),
    now: () => now,
    pause: async ms => {
      now += ms
    },
    ...more,
  })
  return { checks, purposes }
}

const states = (checks: readonly SmokeCheck[], state: SmokeCheck['state']): string[] =>
  checks.filter(check => check.state === state).map(({ name, detail }) => `${name}: ${detail}`)

describe('smoke()', () => {
  test('asks each model for what it is made for, and finds all well', async () => {
    const { checks, purposes } = await of({})
    assert.deepEqual(states(checks, 'failed'), [])
    assert.equal(checks.length, 9)
    assert.deepEqual(purposes, [undefined, 'offer'], 'a purpose where one is required')
    assert.deepEqual((await of({}, { purpose: 'x', models: ['a'] })).purposes, ['x'])
  })

  test('asks no more models than it may, and says so', async () => {
    const { checks } = await of({}, { modelsMax: 1 })
    assert.deepEqual(
      checks.find(({ name }) => name === 'models')?.detail,
      '2 registered, 1 of them not asked: --all asks them',
    )
    assert.ok(!checks.some(({ name }) => name.startsWith('b')))
  })

  for (const [what, changed, found] of [
    ['a server that is not ready', { 'GET /readyz': 503 }, ['ready: Cannot: 503']],
    ['a record that is not there', { 'GET /predictions/1': 404 }, ['a: record: Cannot: 404']],
    [
      'a record that says something else',
      { 'GET /predictions/1': { record: { outputs: { y: 1 } } } },
      ['a: record: Cannot find it well: the record says {"y":1}, the answer said {"y":0.25}'],
    ],
    [
      'an answer without an output',
      { 'POST /models/a/predict': { id: '1', version: '1.0.0', outputs: { z: 1 } } },
      ['a: prediction: Cannot find it well: the answer lacks y'],
    ],
    [
      'metrics that do not count',
      { 'GET /metrics': 'predictions_total{model="b"} 1\n' },
      ['metrics: Cannot find it well: predictions_total does not count a'],
    ],
    [
      'no models',
      { 'GET /models?limit=10000': { models: [] } },
      ['models: Cannot find it well: no model is registered, so that nothing can be asked'],
    ],
    [
      'something else that answers',
      { 'GET /healthz': {} },
      ['alive: Cannot find it well: /healthz says undefined, wanted "ok"'],
    ],
  ] as const) {
    test(`finds ${what}, and goes on as far as it can`, async () => {
      assert.deepEqual(states((await of(changed)).checks, 'failed'), found)
    })
  }

  test('skips what the key may not do', async () => {
    const { checks } = await of({ 'GET /predictions/1': 403, 'GET /predictions/2': 403, 'GET /metrics': 403 })
    assert.deepEqual(states(checks, 'failed'), [])
    assert.deepEqual(
      checks.filter(({ state }) => state === 'skipped').map(({ name }) => name),
      ['a: record', 'b: record', 'metrics'],
    )
  })

  test('waits for a server that is being started, as long as it may', async () => {
    let asked = 0
    let now = 0
    const pause = async (ms: number): Promise<void> => {
      now += ms
    }
    const api = client(async ({ method, path }) => {
      asked++
      if (asked < 4) throw new Error('refused')
      return answerOf(asked < 8 && path === '/readyz' ? 503 : WELL[`${method} ${path}`])
    })
    const parts = { api, modelsMax: 1, waitMs: 5000, random: seededRandom(1), now: () => now, pause }
    assert.deepEqual(states(await smoke(parts), 'failed'), [])
    asked = -1000
    now = 0
    const gone = await smoke(parts)
    assert.deepEqual(
      gone.map(({ name, state }) => [name, state]),
      [['alive', 'failed']],
    )
    assert.ok(now > 4000 && now <= 5000, `${now} ms`)
  })
})
