/** What a good invocation answers and leaves behind, by every route and protocol, and who may ask. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { canonical } from '../../src/ledger/canonical.ts'
import type { PredictionRecord, RefusalRecord } from '../../src/ledger/record.ts'
import { isUuid7 } from '../../src/platform/ids.ts'
import { tinyAnswer } from '../journeys/model.ts'
import { ask, type RunningApp, STRICT, withApp } from './app.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const TRACE = '0af7651916cd43dd8448eb211c80319c'

async function predictions(app: RunningApp): Promise<PredictionRecord[]> {
  return (await app.records()).filter(record => record.kind === 'prediction') as PredictionRecord[]
}

function near(found: unknown, age: number, tenure: number): void {
  const wanted = tinyAnswer(age, tenure)
  assert.ok(Math.abs((found as number) - wanted) < 1e-6, `${found} is not ${wanted}`)
}

interface Answered {
  readonly id: string
  readonly outputs: Readonly<Record<string, number>>
}

describe('an answer', () => {
  it('is recorded as it was given, with its context, before it is given', async () => {
    await withApp({}, async app => {
      await app.register('tiny', '1.0.0', `${STRICT}explain: always\n`)
      const headers = {
        'bellwether-subject': 'customer-17',
        'bellwether-unit': 'session-4',
        'bellwether-purpose': 'retention-offer',
        'x-request-id': 'req-1',
        traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
      }
      const answer = await ask(`${app.url}/predict`, { tenure: 2, age: 47.0 }, headers)
      assert.equal(answer.status, 200)
      assert.equal(answer.headers.get('x-request-id'), 'req-1')
      assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
      const { id, outputs, ...named } = answer.body as unknown as Answered
      assert.deepEqual(named, { model: 'tiny', version: '1.0.0', release: 'all', arm: 'champion' })
      near(outputs['tiny_probability'], 47, 2)
      assert.ok(isUuid7(id))

      const [record, ...others] = await predictions(app)
      assert.deepEqual(others, [])
      const { at, latencyMs, subject, unit, ...rest } = record!
      assert.deepEqual(rest, {
        kind: 'prediction',
        id,
        door: 'rest',
        actor: 'local',
        source: '127.0.0.1',
        model: 'tiny',
        version: '1.0.0',
        release: 'all',
        arm: 'champion',
        requestId: 'req-1',
        traceId: TRACE,
        purpose: 'retention-offer',
        features: { age: 47, tenure: 2 },
        outputs,
        explanation: { bias: 1.5, contributions: { age: 1, tenure: -0.5 } },
      })
      assert.ok(Math.abs(at - Date.now()) < 60_000 && latencyMs >= 0)
      assert.ok(subject && unit && subject !== unit)
      assert.doesNotMatch(canonical(record), /customer-17|session-4/)
    })
  })

  it('can be found from the latencies, where its caller keeps the trace', async () => {
    await withApp({}, async app => {
      await app.register('tiny', '1.0.0')
      const other = 'a'.repeat(32)
      const row = { tenure: 2, age: 47.0 }
      await ask(`${app.url}/predict`, row, { traceparent: `00-${TRACE}-b7ad6b7169203331-01` })
      await ask(`${app.url}/predict`, row, { traceparent: `00-${other}-b7ad6b7169203331-00` })
      const exposed = await fetch(`${app.url}/metrics`, { headers: { accept: 'application/openmetrics-text' } })
      const found = [
        ...(await exposed.text()).matchAll(/^prediction_latency_seconds_bucket.* # \{trace_id="(\w+)"\}/gm),
      ]
      assert.deepEqual(
        found.map(([, traceId]) => traceId),
        [TRACE],
      )
    })
  })

  it('goes through the release, or to the version or alias that is pinned', async () => {
    await withApp({}, async app => {
      await app.register('tiny', '1.0.0')
      await app.register('tiny', '1.1.0')
      const versionOf = async (path: string): Promise<unknown[]> => {
        const { body } = await ask(app.url + path, { age: 20, tenure: 1 })
        return [body['version'], body['release'], body['arm']]
      }
      const point = (alias: string, version: string) =>
        app.transport({
          method: 'PUT',
          path: `/models/tiny/aliases/${alias}`,
          headers: JSON_TYPE,
          body: JSON.stringify({ version }),
        })
      await point('champion', '1.0.0')
      await point('next', '1.1.0')
      assert.deepEqual(await versionOf('/predict'), ['1.0.0', 'all', 'champion'])
      await point('champion', '1.1.0')
      assert.deepEqual(await versionOf('/models/tiny/predict'), ['1.1.0', 'all', 'champion'])
      assert.deepEqual(await versionOf('/models/tiny/versions/1.1.0/predict'), ['1.1.0', null, null])
      assert.deepEqual(await versionOf('/models/tiny/versions/next/predict'), ['1.1.0', null, null])
      const pinned = (await predictions(app)).at(-1)!
      assert.equal('release' in pinned || 'arm' in pinned, false)
    })
  })

  it('to a batch has one prediction and one record for each row', async () => {
    await withApp({}, async app => {
      await app.register('tiny', '1.0.0', STRICT)
      const rows = Array.from({ length: 300 }, (_, at) => ({
        age: 18 + (at % 60),
        tenure: at % 7 === 0 ? null : at % 10,
      }))
      const { status, body } = await ask(`${app.url}/models/tiny/predict`, rows)
      assert.equal(status, 200)
      const answered = body['predictions'] as Answered[]
      const records = await predictions(app)
      assert.deepEqual(
        answered.map(({ id }) => id),
        records.map(({ id }) => id),
      )
      assert.equal(new Set(records.map(({ id }) => id)).size, 300)
      for (const [at, { age, tenure }] of rows.entries()) {
        if (tenure !== null) near(answered[at]!.outputs['tiny_probability'], age, tenure)
        assert.deepEqual(records[at]!.features, tenure === null ? { age } : { age, tenure })
        assert.deepEqual(records[at]!.outputs, answered[at]!.outputs)
      }
    })
  })

  it('seals what is sensitive, and answers 1,000 callers at once each their own', async () => {
    const manifest = `
signature:
  inputs:
    - {name: age, type: integer, sensitive: true}
    - {name: tenure, type: integer, nullable: true}
`
    await withApp({}, async app => {
      await app.register('secret', '1.0.0', manifest)
      const rows = Array.from({ length: 1_000 }, (_, at) => ({ age: at % 90, tenure: at % 11 }))
      const answers = await Promise.all(
        rows.map((row, at) => ask(`${app.url}/predict`, row, { 'bellwether-subject': `s${at % 5}` })),
      )
      const records = new Map((await predictions(app)).map(record => [record.id, record]))
      for (const [at, { age, tenure }] of rows.entries()) {
        const { status, body } = answers[at]!
        assert.equal(status, 200)
        const { id, outputs } = body as unknown as Answered
        near(outputs['secret_probability'], age, tenure)
        const record = records.get(id)!
        assert.deepEqual([record.features, record.outputs, typeof record.sealed], [{ tenure }, outputs, 'string'])
      }
      const found = await app.transport({
        method: 'GET',
        path: `/predictions/${(answers[7]!.body as unknown as Answered).id}`,
      })
      const { sensitive } = (await found.json()) as { sensitive: unknown }
      assert.deepEqual(sensitive, { age: 7 })
    })
  })
})

const TENSOR = { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP64', data: [20, 1] }] }
const EVERYBODY = ['nobody', 'stranger', 'admin', 'service', 'viewer']
/** Path, what is sent (nothing: GET), and who is answered. */
const ROUTES: readonly (readonly [path: string, body: object | undefined, allowed: readonly string[]])[] = [
  ['/predict', { age: 20, tenure: 1 }, ['admin', 'service']],
  ['/models/tiny/predict', { age: 20, tenure: 1 }, ['admin', 'service']],
  ['/models/tiny/versions/1.0.0/predict', { age: 20, tenure: 1 }, ['admin', 'service']],
  ['/v2/models/tiny/infer', TENSOR, ['admin', 'service']],
  ['/v2/models/tiny/versions/1.0.0/infer', TENSOR, ['admin', 'service']],
  ['/v2/repository/index', {}, ['admin', 'viewer']],
  ['/v2/models/tiny', undefined, ['admin', 'viewer']],
  ['/v2/models/tiny/ready', undefined, ['admin', 'viewer']],
  ['/v2/models/tiny/versions/1.0.0', undefined, ['admin', 'viewer']],
  ['/v2/models/tiny/versions/1.0.0/ready', undefined, ['admin', 'viewer']],
  ['/metrics', undefined, ['admin', 'viewer']],
  ['/openapi.json', undefined, ['admin', 'viewer']],
  ['/v2', undefined, EVERYBODY],
  ['/v2/health/live', undefined, EVERYBODY],
  ['/v2/health/ready', undefined, EVERYBODY],
  ['/healthz', undefined, EVERYBODY],
  ['/readyz', undefined, EVERYBODY],
  ['/docs', undefined, EVERYBODY],
]

describe('who may ask', () => {
  it('is decided for every route, and refusals are recorded', async () => {
    await withApp({}, async app => {
      await app.register('tiny', '1.0.0')
      const callers: Record<string, string | undefined> = { nobody: undefined, stranger: 'bw_0123456789ab_x' }
      for (const role of ['admin', 'service', 'viewer']) callers[role] = await keyOf(app, role)
      for (const [path, body, allowed] of ROUTES) {
        for (const [name, secret] of Object.entries(callers)) {
          const headers: Record<string, string> = secret === undefined ? {} : { authorization: `Bearer ${secret}` }
          assert.equal(await statusOf(app.url + path, body, headers), wantedOf(name, allowed), `${name} asks ${path}`)
        }
      }
      const refused = (await app.records()).filter(record => record.kind === 'refusal') as RefusalRecord[]
      const sum = (code: string): number =>
        refused.filter(record => record.code === code).reduce((total, { count }) => total + count, 0)
      assert.deepEqual(
        [sum('unauthenticated'), sum('forbidden')],
        [10, 5],
        'five invocation routes, by each refused caller',
      )
      assert.ok(refused.some(({ model }) => model === 'tiny'))
      assert.equal((await predictions(app)).length, 10)
    })
  })
})

function wantedOf(caller: string, allowed: readonly string[]): number {
  if (allowed.includes(caller)) return 200
  return caller === 'nobody' || caller === 'stranger' ? 401 : 403
}

async function keyOf(app: RunningApp, role: string): Promise<string> {
  const body = JSON.stringify({ name: role, roles: [role] })
  const answer = await app.transport({ method: 'POST', path: '/keys', headers: JSON_TYPE, body })
  return ((await answer.json()) as { secret: string }).secret
}

async function statusOf(url: string, body: object | undefined, headers: Record<string, string>): Promise<number> {
  if (body !== undefined) return (await ask(url, body, headers)).status
  const response = await fetch(url, { headers })
  await response.arrayBuffer()
  return response.status
}
