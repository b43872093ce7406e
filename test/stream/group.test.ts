/**
 * Purpose: a group whose members come, go and are killed answers each message once; questions in Avro are answered.
 * Method: real programs with data folders of their own, a real broker, and a registry over HTTP.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import avro from 'avsc'
import { startServer } from '../server.ts'
import { skipUnless } from '../services.ts'
import { startKafka, type TestKafka } from './kafka.ts'
import { entriesOf, newMember, newStream } from './new-stream.ts'
import { framed, startRegistry } from './registry.ts'

const skip = skipUnless('kafka')
const MESSAGES = 600

let kafka: TestKafka
before(async () => {
  if (skip === false) kafka = await startKafka()
})
after(async () => {
  if (skip === false) await kafka.stop()
})

async function send(topic: string, phase: string): Promise<void> {
  const rows = Array.from({ length: MESSAGES }, (_, n) => ({
    key: `${phase}-${n}`,
    value: `{"age":${18 + (n % 70)},"tenure":${n}}`,
  }))
  await kafka.send(topic, rows)
}

const unique = (texts: readonly string[]): number => new Set(texts).size

test('members come, go and are killed: one answer and one record for each message', {
  skip,
  timeout: 120_000,
}, async t => {
  const stream = await newStream(t, kafka, 'group', 4)
  const other = await newMember(t)
  const answered = (count: number) => kafka.read([stream.output], found => found.length >= count)
  const start = async (data: string) => {
    const server = await startServer({ data, env: stream.env })
    t.after(() => server.kill('SIGKILL'))
    return server
  }
  await send(stream.input, 'alone')
  const first = await start(stream.data)
  await answered(1)
  const second = await start(other)
  await answered(MESSAGES)
  await send(stream.input, 'killed')
  await answered(MESSAGES + 1)
  assert.equal(await first.kill('SIGKILL'), 'SIGKILL')
  await answered(2 * MESSAGES)
  const third = await start(stream.data)
  await send(stream.input, 'left')
  await answered(2 * MESSAGES + 1)
  assert.equal(await second.kill('SIGTERM'), 0)
  await answered(3 * MESSAGES)

  const answers = await kafka.readAll([stream.output, stream.dead])
  assert.equal(answers.length, 3 * MESSAGES)
  assert.equal(unique(answers.map(({ key }) => key!)), 3 * MESSAGES, 'none is answered twice')
  const mine = await entriesOf(third)
  assert.equal(await third.kill('SIGTERM'), 0)
  const again = await startServer({ data: other })
  t.after(() => again.kill('SIGKILL'))
  const theirs = await entriesOf(again)
  for (const ids of [mine, theirs].map(entries => entries.map(({ id }) => id))) {
    assert.equal(unique(ids), ids.length, 'no ledger has a record twice')
  }
  // What the killed one had recorded and not committed, another recorded too: by the same id.
  const records = new Set([...mine, ...theirs].map(({ id }) => id))
  assert.equal(records.size, 3 * MESSAGES)
  const told = answers.map(({ value }) => (JSON.parse(value) as { id: string }).id)
  assert.ok(
    told.every(id => records.has(id)),
    'each answer names its record',
  )
  assert.ok(theirs.length > 0 && mine.length > 0, 'both members answered')
  t.diagnostic(`${mine.length + theirs.length - records.size} records are in both ledgers`)
})

const ROW: avro.Schema = {
  type: 'record',
  name: 'Row',
  fields: [
    { name: 'age', type: 'int' },
    { name: 'tenure', type: ['null', 'double'] },
  ],
}

test('questions in Avro are answered, and wait for their registry', { skip, timeout: 60_000 }, async t => {
  const registry = await startRegistry({ '/schemas/ids/300': { schema: ROW } })
  t.after(() => registry.stop())
  const stream = await newStream(t, kafka, 'avro', 1)
  const bytes = avro.Type.forSchema(ROW, { wrapUnions: true }).toBuffer({ age: 50, tenure: { double: 2 } })
  const event = {
    ce_specversion: '1.0',
    ce_id: 'e-1',
    ce_source: '/shop',
    ce_type: 'asked',
    'content-type': 'avro/binary',
  }
  await kafka.send(stream.input, [
    { key: 'bare', value: framed(300, bytes) },
    { key: 'event', value: framed(300, bytes), headers: event },
    { key: 'unknown', value: framed(301, bytes) },
    { key: 'json', value: '{"age":50,"tenure":2}' },
  ])
  registry.status = 503
  const server = await startServer({ ...stream, env: { ...stream.env, BELLWETHER_STREAM_REGISTRY: registry.url } })
  t.after(() => server.kill('SIGKILL'))
  while (!server.stdout().includes('The stream waits')) await new Promise(resolve => setTimeout(resolve, 10))
  registry.status = undefined
  const found = await kafka.read([stream.output, stream.dead], all => all.length === 4)
  const by = new Map(found.map(message => [message.key, message]))
  const outputs = (key: string): unknown => (JSON.parse(by.get(key)!.value) as { outputs: unknown }).outputs
  assert.deepEqual(outputs('bare'), outputs('json'))
  assert.deepEqual(outputs('event'), outputs('json'))
  assert.equal(by.get('event')!.headers.get('ce_type'), 'dev.bellwether.prediction')
  assert.equal(by.get('unknown')!.headers.get('bellwether-problem-code'), 'invalid')
  const known = registry.asked.filter(path => path.endsWith('/300')).length
  assert.equal((await entriesOf(server)).length, 4, `one record each, after ${known} questions to the registry`)
  assert.equal(await server.kill('SIGTERM'), 0)
})

test('a member with a name keeps its partitions while it is started again, also after a crash', {
  skip,
  timeout: 120_000,
}, async t => {
  const stream = await newStream(t, kafka, 'static', 4)
  const other = await newMember(t)
  const start = async (data: string, instance: string) => {
    const env = { ...stream.env, BELLWETHER_STREAM_INSTANCE_ID: instance, BELLWETHER_STREAM_SESSION_MS: '60000' }
    const server = await startServer({ data, env })
    t.after(() => server.kill('SIGKILL'))
    return server
  }
  const partitionsOf = (text: string): string[] =>
    [...text.matchAll(/"partitions":\[([\d,]*)\]/g)].map(([, found]) => found!)
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise(resolve => setTimeout(resolve, 10))
  }
  const one = await start(stream.data, 'one')
  const two = await start(other, 'two')
  await until(() => partitionsOf(two.stdout()).some(found => found.length > 0))
  await until(() => partitionsOf(one.stdout()).at(-1)?.length === partitionsOf(two.stdout()).at(-1)?.length)
  const [ofOne, ofTwo] = [partitionsOf(one.stdout()).at(-1)!, partitionsOf(two.stdout())]
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const last = signal === 'SIGTERM' ? one : await start(stream.data, 'one')
    await until(() => partitionsOf(last.stdout()).at(-1) === ofOne)
    await last.kill(signal)
  }
  const again = await start(stream.data, 'one')
  await send(stream.input, 'static')
  await kafka.read([stream.output], found => found.length >= MESSAGES)
  assert.deepEqual(partitionsOf(again.stdout()), [ofOne], 'the same partitions, at once')
  assert.deepEqual(partitionsOf(two.stdout()), ofTwo, 'the other was not disturbed')
  const answers = await kafka.readAll([stream.output, stream.dead])
  assert.equal(unique(answers.map(({ key }) => key!)), MESSAGES)
  assert.equal(answers.length, MESSAGES)
})

test('answers in Avro: nothing is answered before their schema has an id', { skip, timeout: 60_000 }, async t => {
  const registry = await startRegistry({ '/schemas/ids/300': { schema: ROW } })
  t.after(() => registry.stop())
  const stream = await newStream(t, kafka, 'avro-answers', 1)
  const event = { ce_specversion: '1.0', ce_id: 'e-1', ce_source: '/shop', ce_type: 'asked' }
  const structured = JSON.stringify({
    specversion: '1.0',
    id: 'e-2',
    source: '/s',
    type: 't',
    data: { age: 50, tenure: 2 },
  })
  await kafka.send(stream.input, [
    { key: 'bare', value: '{"age":50,"tenure":2}' },
    { key: 'event', value: '{"age":50,"tenure":2}', headers: event },
    { key: 'structured', value: structured, headers: { 'content-type': 'application/cloudevents+json' } },
    { key: 'dead', value: '{"age":"old","tenure":2}' },
  ])
  registry.registering = 500
  const more = { BELLWETHER_STREAM_REGISTRY: registry.url, BELLWETHER_STREAM_ANSWERS: 'avro' }
  const server = await startServer({ ...stream, env: { ...stream.env, ...more } })
  t.after(() => server.kill('SIGKILL'))
  while (!server.stdout().includes('The stream waits')) await new Promise(resolve => setTimeout(resolve, 10))
  assert.deepEqual(await entriesOf(server), [])
  registry.registering = undefined
  const found = await kafka.readBytes([stream.output, stream.dead], all => all.length === 4)
  const by = new Map(found.map(message => [message.key, message]))
  const { id, schema } = registry.subjects.get('avro-answers-out-value')!
  const reader = avro.Type.forSchema(JSON.parse(schema) as avro.Schema)
  const answerOf = (key: string) => {
    const { value, headers } = by.get(key)!
    assert.deepEqual([value[0], value.readUInt32BE(1), headers.get('content-type')], [0, id, 'avro/binary'])
    return reader.fromBuffer(value.subarray(5)) as { id: string; model: string; outputs: Record<string, number> }
  }
  const [bare, binary] = [answerOf('bare'), answerOf('event')]
  assert.equal(bare.model, 'tiny')
  assert.equal(by.get('event')!.headers.get('ce_id'), binary.id)
  const inJson = JSON.parse(by.get('structured')!.value.toString()) as { data: { outputs: Record<string, number> } }
  for (const { outputs } of [bare, binary]) assert.deepEqual({ ...outputs }, inJson.data.outputs)
  assert.equal(by.get('dead')!.value.toString(), '{"age":"old","tenure":2}')
  const entries = await entriesOf(server)
  assert.equal(entries.length, 4)
  assert.ok(entries.some(entry => entry.id === bare.id))
  assert.equal(await server.kill('SIGTERM'), 0)
})
