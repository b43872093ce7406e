/**
 * Purpose: values in Avro become the JSON they stand for, or are refused by name. Method: bytes written by hand and by avsc,
 * a registry over real HTTP, and whatever bytes a fuzzer finds.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import avro from 'avsc'
import fc from 'fast-check'
import { Problem } from '../../src/errors.ts'
import { ANSWER_SCHEMA, answerEncoder } from '../../src/serving/stream/avro-answers.ts'
import { type ReadValue, schemaReader } from '../../src/serving/stream/schema-registry.ts'
import { framed, startRegistry, type TestRegistry } from './registry.ts'

const CITY = { type: 'enum', name: 'City', namespace: 'shop', symbols: ['Bern', 'Rome'] }
const ROW = {
  type: 'record',
  name: 'Row',
  namespace: 'shop',
  fields: [
    { name: 'age', type: 'int' },
    { name: 'score', type: ['null', 'int', 'double'] },
    { name: 'total', type: 'long' },
    { name: 'name', type: ['string', 'null'] },
    { name: 'flags', type: { type: 'map', values: 'boolean' } },
  ],
}
const field = (type: unknown): object => ({ type: 'record', name: 'One', fields: [{ name: 'x', type }] })
const SCHEMAS = {
  '/schemas/ids/1': { schema: ROW },
  '/schemas/ids/2': {
    schema: { type: 'record', name: 'Home', fields: [{ name: 'city', type: 'shop.City' }] },
    references: [{ name: 'shop.City', subject: 'shop/city', version: 3 }],
  },
  '/subjects/shop%2Fcity/versions/3': { schema: CITY },
  '/schemas/ids/3': { schema: 'int' },
  '/schemas/ids/4': { schema: field('bytes') },
  '/schemas/ids/5': { schema: field({ type: 'array', items: 'null' }) },
  '/schemas/ids/6': { schema: {}, schemaType: 'PROTOBUF' },
  '/schemas/ids/7': { schema: { type: 'object' }, schemaType: 'JSON' },
  '/schemas/ids/8': { schema: field(['null', 'One']) },
  '/schemas/ids/9': { schema: { type: 'record', name: 'Broken', fields: 1 } },
  '/schemas/ids/11': { schema: { type: 'record', name: 'Proto', fields: [{ name: '__proto__', type: 'int' }] } },
  '/schemas/ids/10': { schema: field({ type: 'array', items: { type: 'record', name: 'None', fields: [] } }) },
}

let registry: TestRegistry
let read: ReadValue
before(async () => {
  registry = await startRegistry(SCHEMAS, `Basic ${Buffer.from('ann:pass:word').toString('base64')}`)
  read = schemaReader({ registry: `${registry.url}/`, registryUser: 'ann', registryPassword: 'pass:word' })
})
after(() => registry.stop())

const written = avro.Type.forSchema(ROW as avro.Schema, { wrapUnions: true })
const row = (more: object = {}): Buffer => {
  const value = Object.fromEntries([
    ...Object.entries({ age: -3, score: { int: 7 }, total: 2 ** 40, name: { string: 'Zoë' }, flags: { a: true } }),
    ...Object.entries(more),
  ])
  return framed(1, written.toBuffer(value))
}

async function problemOf(value: Buffer, reader: ReadValue = read): Promise<Problem> {
  const found = await reader(value).then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.ok(found instanceof Problem, `a problem, found ${String(found)}`)
  assert.match(found.message, /^Cannot /)
  return found
}

test('a record becomes the JSON of its fields, and its schema is asked for once', async () => {
  const before = registry.asked.length
  const all = await Promise.all([
    read(row()),
    read(row({ score: null, name: null })),
    read(row({ score: { double: 0.1 } })),
  ])
  assert.deepEqual(
    all.map(json => json.toString()),
    [
      '{"age":-3,"score":7,"total":1099511627776,"name":"Zoë","flags":{"a":true}}',
      '{"age":-3,"score":null,"total":1099511627776,"name":null,"flags":{"a":true}}',
      '{"age":-3,"score":0.1,"total":1099511627776,"name":"Zoë","flags":{"a":true}}',
    ],
  )
  assert.deepEqual(registry.asked.slice(before), ['/schemas/ids/1'])
})

test('bytes written by hand are read as the specification says; references are followed; JSON passes', async () => {
  assert.equal((await read(framed(2, Buffer.from([2])))).toString(), '{"city":"Rome"}')
  assert.equal((await read(framed(7, Buffer.from('{"x":1}')))).toString(), '{"x":1}')
  const json = Buffer.from('{"x":1}')
  assert.equal(await read(json), json)
})

test('what cannot be a row is refused by what is wrong with it', async () => {
  const nothing = Buffer.alloc(0)
  const cases: readonly (readonly [value: Buffer, code: string, detail: RegExp])[] = [
    [framed(3, Buffer.from([2])), 'unsupported_type', /an int, wanted a record/],
    [framed(4, nothing), 'unsupported_type', /x has the type bytes/],
    [framed(5, nothing), 'unsupported_type', /items of x take no bytes/],
    [framed(10, nothing), 'unsupported_type', /items of x take no bytes/],
    [framed(11, nothing), 'unsupported_type', /a field is called __proto__/],
    [framed(6, nothing), 'unsupported_type', /type PROTOBUF/],
    [framed(9, nothing), 'unsupported_type', /is not understood/],
    [framed(404, nothing), 'invalid', /knows no schema at \/schemas\/ids\/404/],
    [Buffer.from([0, 0, 1]), 'malformed', /has 3 bytes/],
    [row().subarray(0, 9), 'malformed', /not what its schema says/],
    [Buffer.concat([row(), nothing, Buffer.from([0])]), 'malformed', /not what its schema says/],
    [framed(8, Buffer.alloc(1_000_000, 2)), 'malformed', /not what its schema says/],
    [row({ score: { double: Number.NaN } }), 'invalid', /score not finite/],
  ]
  for (const [value, code, detail] of cases) {
    const problem = await problemOf(value)
    assert.equal(problem.code, code, problem.message)
    assert.match(problem.message, detail)
  }
  const none = schemaReader({ registry: '', registryUser: '', registryPassword: '' })
  assert.match((await problemOf(row(), none)).message, /stream.registry is not set/)
})

test('a registry that does not answer as one is waited for, and asked again', async () => {
  const reader = schemaReader({ registry: registry.url, registryUser: 'ann', registryPassword: 'pass:word' })
  for (const [status, code] of Object.entries({
    503: 'unavailable',
    429: 'unavailable',
    403: 'misconfigured',
    200: 'misconfigured',
  })) {
    registry.status = Number(status)
    assert.equal((await problemOf(row(), reader)).code, code)
  }
  registry.status = undefined
  assert.match((await reader(row())).toString(), /^\{"age":-3/)
  const stranger = schemaReader({ registry: registry.url, registryUser: '', registryPassword: '' })
  assert.equal((await problemOf(row(), stranger)).code, 'misconfigured')
  const nobody = schemaReader({ registry: 'http://127.0.0.1:1', registryUser: '', registryPassword: '' })
  assert.equal((await problemOf(row(), nobody)).code, 'unavailable')
})

test('any bytes are a row or a problem', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(1, 2, 8), fc.uint8Array({ maxLength: 64 }), async (id, bytes) => {
      const found = await read(framed(id, bytes)).catch((error: unknown) => error)
      if (!(found instanceof Problem)) assert.equal(typeof JSON.parse(String(found)), 'object')
    }),
    { numRuns: 300 },
  )
})

const ANSWER =
  '{"id":"i","model":"m","version":"1.0.0","release":null,"arm":"challenger","outputs":{"a":0.25,"é":1e-9}}'

test('answers are written by a schema that is registered once, and read back by avsc', async t => {
  const own = await startRegistry({})
  t.after(() => own.stop())
  const settings = { registry: own.url, registryUser: '', registryPassword: '' }
  const encoder = answerEncoder(settings, 'answers/of')
  const [encode] = await Promise.all([encoder(), encoder()])
  assert.deepEqual(own.asked, ['/subjects/answers%2Fof-value', '/subjects/answers%2Fof-value/versions'])
  const bytes = encode(ANSWER)
  assert.deepEqual([bytes[0], bytes.readUInt32BE(1)], [0, 70_000])
  const { schema } = own.subjects.get('answers%2Fof-value')!
  const reader = avro.Type.forSchema(JSON.parse(schema) as avro.Schema)
  const { outputs, ...rest } = reader.fromBuffer(bytes.subarray(5)) as { outputs: object }
  assert.deepEqual({ ...outputs }, { a: 0.25, é: 1e-9 })
  assert.deepEqual({ ...rest }, { id: 'i', model: 'm', version: '1.0.0', release: null, arm: 'challenger' })

  own.registering = 403
  const again = await answerEncoder(settings, 'answers/of')()
  assert.deepEqual(again(ANSWER), bytes, 'whoever may only read finds what is there')
})

test('a registry that does not take the schema is told, and asked again', async t => {
  const own = await startRegistry({})
  t.after(() => own.stop())
  const encoder = answerEncoder({ registry: own.url, registryUser: '', registryPassword: '' }, 'x')
  const problem = async (): Promise<Problem> =>
    encoder().then(
      () => assert.fail('it has an id'),
      (error: unknown) => error as Problem,
    )
  own.status = 503
  assert.equal((await problem()).code, 'unavailable')
  own.status = undefined
  for (const [status, code, said] of [
    [403, 'misconfigured', /answers with 403/],
    [409, 'misconfigured', /holds a schema that ours cannot follow/],
    [500, 'unavailable', /answers with 500/],
  ] as const) {
    own.registering = status
    const found = await problem()
    assert.equal(found.code, code)
    assert.match(found.message, said)
  }
  own.registering = undefined
  assert.ok((await encoder())(ANSWER).length > 5)
  assert.equal(ANSWER_SCHEMA.name, 'Prediction')
})
