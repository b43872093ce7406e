/** Each caller at each route, and what each part of a table's upload may be. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { permits, ROLE_NAMES } from '../access/roles.ts'
import { asProblem, Problem } from '../errors.ts'
import type { JudgedWindow } from '../ledger/quality-question.ts'
import type { PredictionRecord } from '../ledger/record.ts'
import { manualClock } from '../platform/clock.ts'
import { uuid7 } from '../platform/ids.ts'
import type { Catalogue } from '../registry/catalogue.ts'
import type { ModelVersion } from '../registry/version.ts'
import type { Part, Route, RouteRequest } from '../route.ts'
import type { GivenOutcome } from './outcome.ts'
import { feedbackRoutes } from './routes.ts'

const START_AT = 1_790_000_000_000
const ID = '019aaaac-7601-70f2-8d7e-919e8cdb1208'
const PREDICTION = { kind: 'prediction', id: ID, at: START_AT, model: 'churn', version: '1.0.0' } as PredictionRecord
const VERSION = {
  ...{ model: 'churn', version: '1.0.0', task: 'binary', objective: 'binary:logistic' },
  signature: { inputs: [], outputs: [{ name: 'p', type: 'number' }] },
} as unknown as ModelVersion

const CATALOGUE: Catalogue = {
  has: model => model === 'churn',
  names: () => ['churn'],
  versions: () => ['1.0.0'],
  aliases: () => [],
  resolve: (_, reference) => (reference === '1.0.0' ? reference : undefined),
  version: () => VERSION,
  standing: () => undefined,
}

function scene() {
  const clock = manualClock(START_AT)
  const written: string[] = []
  const given: GivenOutcome[] = []
  const take = async (outcomes: readonly GivenOutcome[]) => {
    given.push(...outcomes)
    return outcomes.map(() => ({ status: 'recorded', id: 'o', predictionId: ID }) as const)
  }
  const window = ({ since, until }: { since: number; until: number }): JudgedWindow => {
    return { from: since, to: until, predictions: 0, outcomes: 0, metrics: {} }
  }
  const routes = feedbackRoutes({
    registry: { catalogue: CATALOGUE },
    releases: { choose: model => ({ model, version: '1.0.0', release: null, arm: null }) },
    intake: { takeAll: take, takeGood: take },
    quality: { windows: async (_, range) => [window(range)], total: async (_, range) => window(range) },
    metrics: { count: () => undefined },
    ledger: {
      append: async texts => void written.push(...texts),
      find: async id => (id === ID ? PREDICTION : undefined),
      changesTo: async () => [],
    },
    seals: { open: async () => text => `sealed ${text.length}`, unseal: async () => '{}' },
    clock,
    ids: uuid7(clock),
    batchRowsMax: 10,
    importBytesMax: 1 << 20,
  }) as Route[]
  const call = async (name: string, roles: readonly string[], asked: Partial<RouteRequest> = {}): Promise<number> => {
    const route = routes.find(({ method, path }) => `${method} ${path}` === name)!
    try {
      const actor = { id: 'key:1', name: 'somebody', roles }
      if (!permits(actor, route.permission)) throw new Problem('forbidden', 'Cannot do this')
      const request = { requestId: 'r', actor, source: '127.0.0.1', params: { name: 'churn' }, query: {}, headers: {} }
      const answer = await route.handle({ ...request, body: undefined, parts: Readable.from([]), ...asked })
      return answer.status ?? 200
    } catch (error) {
      return asProblem(error).status
    }
  }
  return { routes, call, written, given }
}

type Named = readonly [name: string, text: string]

function upload(...parts: readonly Named[]): Partial<RouteRequest> {
  const made = parts.map(([name, text]): Part => {
    if (name !== 'file') return { kind: 'field', name, value: text }
    return { kind: 'file', name, filename: 'x.csv', stream: Readable.from([Buffer.from(text)]) }
  })
  return { parts: Readable.from(made) }
}

const TELLERS = ['scientist', 'operator', 'service', 'admin']
const REVIEWERS = ['scientist', 'operator', 'approver', 'admin']
const READERS = ['viewer', 'scientist', 'operator', 'approver', 'auditor', 'admin']
const CSV = `prediction_id,value\n${ID},1\n`

const TABLE: readonly (readonly [
  route: string,
  allowed: readonly string[],
  status: number,
  asked: () => Partial<RouteRequest>,
])[] = [
  ['POST /outcomes', TELLERS, 201, () => ({ body: { predictionId: ID, value: 1 } })],
  ['POST /outcomes/import', TELLERS, 200, () => upload(['file', CSV])],
  ['POST /reviews', REVIEWERS, 201, () => ({ body: { predictionId: ID, verdict: 'agree', comment: 'yes' } })],
  ['GET /models/:name/metrics', READERS, 200, () => ({})],
]

test('callers and routes: who is answered what', async () => {
  const { routes, call, written, given } = scene()
  assert.deepEqual(routes.map(({ method, path }) => `${method} ${path}`).sort(), TABLE.map(([route]) => route).sort())
  for (const [route, allowed, status, asked] of TABLE) {
    for (const role of [undefined, ...ROLE_NAMES]) {
      const before = written.length + given.length
      const answered = await call(route, role === undefined ? [] : [role], asked())
      const isAllowed = role !== undefined && allowed.includes(role)
      assert.equal(answered, isAllowed ? status : 403, `${route} by ${role}`)
      if (!isAllowed) assert.equal(written.length + given.length, before, 'a refused caller leaves nothing')
    }
  }
})

test('a table comes as a file, after the model of its rows', async () => {
  const { call, given } = scene()
  const send = (...parts: readonly Named[]) => call('POST /outcomes/import', ['service'], upload(...parts))
  const bySubject = 'subject,value,happened_at\ncustomer-17,1,2026-09-21\n'
  assert.equal(await send(['model', 'churn'], ['file', bySubject]), 200)
  assert.deepEqual([given.length, given[0]?.model, given[0]?.subject], [1, 'churn', 'customer-17'])
  const before = given.length
  for (const [parts, status] of [
    [[], 422],
    [[['model', 'churn']], 422],
    [
      [
        ['model', 'nobody'],
        ['file', bySubject],
      ],
      404,
    ],
    [[['file', bySubject]], 422],
    [
      [
        ['colour', 'red'],
        ['file', CSV],
      ],
      422,
    ],
    [[['file', '']], 422],
    [[['file', 'prediction_id\n']], 422],
    [[['file', '"prediction_id,value\n']], 422],
  ] as const) {
    assert.equal(await send(...parts), status, JSON.stringify(parts))
  }
  assert.equal(given.length, before)
  assert.equal(await send(['file', 'prediction_id,value\n']), 200, 'no rows are none')
})

test('what an expert says goes into the ledger without the words', async () => {
  const { call, written } = scene()
  await call('POST /reviews', ['approver'], {
    body: { predictionId: ID, verdict: 'value', value: 1, comment: 'secret' },
  })
  const [record] = written.map(text => JSON.parse(text) as Record<string, unknown>)
  const { action, target, model, actor, detail } = record!
  assert.deepEqual([action, target, model, actor], ['prediction:reviewed', `prediction:${ID}`, 'churn', 'key:1'])
  assert.deepEqual(detail, { verdict: 'value', value: true, sealedComment: 'sealed 20' })
})

test('a version that is not there has no quality', async () => {
  const { call } = scene()
  const ask = (name: string, query: object) =>
    call('GET /models/:name/metrics', ['viewer'], { params: { name }, query: { ...query } })
  assert.equal(await ask('churn', { version: '1.0.0' }), 200)
  assert.equal(await ask('churn', { version: '9.0.0' }), 404)
  assert.equal(await ask('nobody', {}), 404)
})
