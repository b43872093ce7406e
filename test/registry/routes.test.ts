/** Each caller at each route, and each way to send a registration. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { ROLE_NAMES } from '../../src/access/roles.ts'
import { sqlitePlace } from '../../src/platform/temporary.suite.ts'
import { type Answered, type Asked, called, field, file } from '../../src/registry/called.suite.ts'
import { registryTest, submit } from '../../src/registry/registry-world.suite.ts'
import { registryRoutes } from '../../src/registry/routes.ts'
import { bytesOf, stumpModel, TWO_FEATURES, TWO_FEATURES_CSV } from '../../src/registry/stumps.suite.ts'
import type { Part } from '../../src/route.ts'

const artifact = (): Part => file('artifact', stumpModel(TWO_FEATURES))
const YAML = 'name: churn\nversion: 1.0.0\n'

const at = (params: Readonly<Record<string, string>>, body?: unknown): Asked => ({ params, body })

/** Statuses of nobody's role, then of each role in the order of `ROLE_NAMES`. */
const TABLE: readonly (readonly [route: string, asked: () => Asked, allowed: readonly string[], status: number])[] = [
  ['GET /models', () => ({}), ['viewer', 'scientist', 'operator', 'approver', 'auditor', 'admin'], 200],
  [
    'GET /models/:name',
    () => at({ name: 'churn' }),
    ['viewer', 'scientist', 'operator', 'approver', 'auditor', 'admin'],
    200,
  ],
  [
    'GET /models/:name/versions/:version',
    () => at({ name: 'churn', version: '1.0.0' }),
    ['viewer', 'scientist', 'operator', 'approver', 'auditor', 'admin'],
    200,
  ],
  [
    'GET /models/:name/versions/:version/profile',
    () => at({ name: 'churn', version: 'champion' }),
    ['viewer', 'scientist', 'operator', 'approver', 'auditor', 'admin'],
    200,
  ],
  [
    'GET /schemas/model.yaml',
    () => ({}),
    ['nobody', 'viewer', 'scientist', 'operator', 'approver', 'auditor', 'service', 'admin'],
    200,
  ],
  [
    'PUT /models/:name/aliases/:alias',
    () => at({ name: 'churn', alias: 'champion' }, { version: '1.0.0' }),
    ['operator', 'approver', 'admin'],
    200,
  ],
  [
    'DELETE /models/:name/aliases/:alias',
    () => at({ name: 'churn', alias: 'gone' }),
    ['operator', 'approver', 'admin'],
    404,
  ],
  [
    'POST /models/register',
    () => ({ parts: [field('model', YAML.replace('1.0.0', '2.0.0')), artifact()] }),
    ['scientist', 'admin'],
    201,
  ],
]

registryTest('callers and routes: who is answered what', sqlitePlace, async ({ registry }) => {
  await submit(registry, { reference: TWO_FEATURES_CSV })
  const { call } = called(registry)
  const routes = registryRoutes({ registry, bytesMax: 1, recorded: async () => {} }).map(
    ({ method, path }) => `${method} ${path}`,
  )
  assert.deepEqual(TABLE.map(([route]) => route).sort(), routes.sort())
  for (const [route, asked, allowed, status] of TABLE) {
    for (const role of ['nobody', ...ROLE_NAMES]) {
      const answered = await call(route, role === 'nobody' ? [] : [role], asked())
      const wanted = allowed.includes(role) ? [status, 200] : [403]
      assert.ok(wanted.includes(answered.status), `${route} by ${role}: ${answered.status}`)
    }
  }
})

registryTest('what is read of a model and a version', sqlitePlace, async ({ registry }) => {
  const { version } = await submit(registry, { reference: TWO_FEATURES_CSV })
  await submit(registry, { manifest: { name: 'churn', version: '1.1.0' } })
  const { call } = called(registry)
  const read = async (route: string, params: Readonly<Record<string, string>>) =>
    await call(`GET ${route}`, ['viewer'], { params })
  assert.deepEqual((await read('/models/:name', { name: 'churn' })).body, {
    name: 'churn',
    versions: ['1.0.0', '1.1.0'],
    aliases: { champion: '1.0.0' },
  })
  assert.deepEqual((await read('/models/:name/versions/:version', { name: 'churn', version: 'champion' })).body, {
    ...version,
    aliases: ['champion'],
  })
  assert.equal(
    (
      (await read('/models/:name/versions/:version/profile', { name: 'churn', version: '1.0.0' })).body as {
        rows: number
      }
    ).rows,
    4,
  )
  assert.equal(((await read('/schemas/model.yaml', {})).body as { title: string }).title, 'model.yaml')
  for (const [route, params] of [
    ['/models/:name', { name: 'gone' }],
    ['/models/:name/versions/:version', { name: 'gone', version: '1.0.0' }],
    ['/models/:name/versions/:version', { name: 'churn', version: '3.0.0' }],
    ['/models/:name/versions/:version/profile', { name: 'churn', version: '1.1.0' }],
  ] as const) {
    assert.equal((await read(route, params)).status, 404)
  }
})

registryTest('models are listed page by page', sqlitePlace, async ({ registry }) => {
  for (const name of ['c', 'a', 'b']) await submit(registry, { manifest: { name, version: '1.0.0' } })
  const { call } = called(registry)
  const page = async (query: object) => {
    const { models, next } = (await call('GET /models', ['viewer'], { query: { ...query } })).body as {
      models: { name: string }[]
      next?: string
    }
    return [models.map(({ name }) => name).join(''), next]
  }
  assert.deepEqual(await page({}), ['abc', undefined])
  assert.deepEqual(await page({ limit: 2 }), ['ab', 'b'])
  assert.deepEqual(await page({ limit: 2, after: 'b' }), ['c', undefined])
  assert.deepEqual(await page({ after: 'zz' }), ['', undefined])
})

registryTest('a registration: 201, the same again 200, other content 409', sqlitePlace, async ({ registry }) => {
  const { call, recordings } = called(registry)
  const post = (parts: readonly Part[]): Promise<Answered> => call('POST /models/register', ['scientist'], { parts })
  const first = await post([file('reference', bytesOf(TWO_FEATURES_CSV)), artifact(), field('model', YAML)])
  assert.deepEqual([first.status, first.location], [201, '/models/churn/versions/1.0.0'])
  const body = first.body as { created: boolean; version: { aliases: string[] }; notes: string[] }
  assert.deepEqual([body.created, body.version.aliases, body.notes.length], [true, ['champion'], 2])
  assert.equal(recordings(), 1)
  const again = await post([file('model', bytesOf(YAML)), artifact(), file('reference', bytesOf(TWO_FEATURES_CSV))])
  assert.deepEqual([again.status, (again.body as { created: boolean }).created], [200, false])
  assert.equal(recordings(), 1)
  assert.equal((await post([field('name', 'churn'), field('version', '1.0.0'), artifact()])).status, 409)
  assert.equal((await post([artifact(), field('version', '1.0.1'), field('name', 'churn')])).status, 201)
})

const WRONG: readonly (readonly [string, () => readonly Part[], number, RegExp])[] = [
  ['nothing', () => [], 422, /part artifact is missing/],
  ['no artifact', () => [field('model', YAML)], 422, /part artifact is missing/],
  [
    'no manifest',
    () => [artifact()],
    422,
    /part model is missing; wanted the text of model\.yaml, or the fields name and version/,
  ],
  ['a name alone', () => [artifact(), field('name', 'a')], 422, /part model is missing/],
  [
    'a manifest and a name',
    () => [artifact(), field('model', YAML), field('name', 'a')],
    422,
    /part name is given beside model/,
  ],
  [
    'an artifact as a text',
    () => [field('artifact', '{}'), field('model', YAML)],
    422,
    /part artifact is a text, wanted a file/,
  ],
  ['a part twice', () => [artifact(), artifact()], 422, /part artifact comes twice/],
  ['a part nobody knows', () => [field('extra', 'x')], 422, /part extra is not known, wanted model, name/],
  [
    'a manifest that is no UTF-8',
    () => [file('model', Uint8Array.of(0xff)), artifact()],
    400,
    /part model is not UTF-8/,
  ],
  ['a manifest that is no YAML', () => [field('model', 'a: ['), artifact()], 400, /Cannot read model\.yaml: line 1/],
  [
    'a manifest that is too large',
    () => [file('model', new Uint8Array((1 << 20) + 1)), artifact()],
    413,
    /part model has more than/,
  ],
  [
    'an artifact that is none',
    () => [field('model', YAML), file('artifact', bytesOf('hello'))],
    422,
    /Cannot load the artifact/,
  ],
  [
    'an artifact cut short',
    () => [field('model', YAML), file('artifact', stumpModel(TWO_FEATURES).subarray(0, 900))],
    422,
    /the end at byte 900/,
  ],
  [
    'an artifact beyond the limit',
    () => [field('model', YAML), file('artifact', new Uint8Array(1_000_001))],
    413,
    /1000000 bytes/,
  ],
  [
    'a ragged reference',
    () => [field('model', YAML), artifact(), file('reference', bytesOf('age,balance\n1\n'))],
    422,
    /line 2 has 1 cells/,
  ],
  [
    'an upload that breaks',
    () => [field('model', YAML), { kind: 'file', name: 'artifact', filename: 'x', stream: broken() }],
    500,
    /an unexpected fault/,
  ],
]

function broken(): Readable {
  return Readable.from(
    (async function* () {
      yield bytesOf('{"learner"')
      throw new Error('connection reset')
    })(),
  )
}

registryTest('registrations that are refused leave nothing', sqlitePlace, async ({ registry, records }) => {
  const { call } = called(registry)
  for (const [what, parts, status, message] of WRONG) {
    const answered = await call('POST /models/register', ['scientist'], { parts: parts() })
    assert.equal(answered.status, status, what)
    assert.match((answered.body as Error).message, message, what)
    assert.deepEqual(registry.catalogue.names(), [])
    assert.deepEqual(await records(), [])
  }
})

test('the schema of model.yaml is JSON Schema with a word on every key', async () => {
  const { manifestSchema } = await import('../../src/registry/manifest-schema.ts')
  const { properties } = manifestSchema as unknown as { properties: Record<string, { description?: string }> }
  const undescribed = Object.keys(properties).filter(key => properties[key]?.description === undefined)
  assert.deepEqual(undescribed, ['signature', 'uses'])
})
