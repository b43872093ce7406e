/**
 * Purpose: a Kafka topic is answered, each message once. Method: the real program against a real broker; every form of
 * message, what cannot be answered, and SIGKILL at seeded random moments, after which answers and records are counted.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type RunningServer, startServer } from '../server.ts'
import { skipUnless } from '../services.ts'
import { type Message, type Sent, startKafka, type TestKafka } from './kafka.ts'
import { entriesOf, newStream } from './new-stream.ts'

const skip = skipUnless('kafka')
const ROUNDS = Number(process.env['CRASH_ROUNDS'] ?? 3)
const MESSAGES_A_ROUND = 400
/** After the first answers of a life. */
const LIFE_MS_MAX = 150
/** So many kills do not all miss what they are meant for. */
const MANY_ROUNDS = 20
const SEED = 20_261_123

let kafka: TestKafka
before(async () => {
  if (skip === false) kafka = await startKafka()
})
after(async () => {
  if (skip === false) await kafka.stop()
})

function header(message: Message, name: string): string | undefined {
  return message.headers.get(name)
}

const ROW = '{"age":50,"tenure":2}'
const EVENT = { specversion: '1.0', id: 'e-1', source: '/shop', type: 'asked' }
const BINARY = { ce_specversion: '1.0', ce_id: 'e-2', ce_source: '/shop', ce_type: 'asked' }
const SENT: readonly Sent[] = [
  { key: 'json', value: ROW, headers: { 'Bellwether-Subject': 'ann' } },
  {
    key: 'structured',
    value: JSON.stringify({ ...EVENT, data: { age: 30, tenure: 1 } }),
    headers: { 'content-type': 'application/cloudevents+json' },
  },
  { key: 'binary', value: ROW, headers: { ...BINARY, 'content-type': 'application/json' } },
  { key: 'field', value: '{"age":"old","tenure":2}' },
  { key: 'broken', value: '{"age":' },
  { key: 'list', value: `[${ROW}]` },
  { key: 'event', value: ROW, headers: { ...BINARY, ce_specversion: '0.3' } },
  { key: 'type', value: '<a/>', headers: { ...BINARY, 'content-type': 'text/xml' } },
]
const DEAD = { field: 'invalid', broken: 'malformed', list: 'invalid', event: 'invalid', type: 'unsupported_type' }

test('each form of message is answered in its form, and what cannot be answered says why', { skip }, async t => {
  const stream = await newStream(t, kafka, 'forms', 2)
  await kafka.send(stream.input, SENT)
  const server = await startServer(stream)
  t.after(() => server.kill('SIGKILL'))
  const found = await kafka.read([stream.output, stream.dead], messages => messages.length === SENT.length)
  const by = new Map(found.map(message => [message.key, message]))

  const entries = await entriesOf(server)
  assert.equal(entries.length, SENT.length, 'each message has one record')
  const json = JSON.parse(by.get('json')!.value) as { id: string; outputs: object; model: string; release: string }
  assert.equal(json.model, 'tiny')
  const kept = entries.find(({ id }) => id === json.id)!
  assert.match(kept.requestId, /^forms-in\/[01]\/\d+$/)
  assert.ok(kept.subject !== undefined && kept.subject !== 'ann', 'the subject is a pseudonym')

  const structured = JSON.parse(by.get('structured')!.value) as { type: string; id: string; data: { id: string } }
  assert.equal(structured.type, 'dev.bellwether.prediction')
  assert.equal(structured.id, structured.data.id)
  assert.equal(header(by.get('binary')!, 'ce_id'), (JSON.parse(by.get('binary')!.value) as { id: string }).id)

  for (const [key, code] of Object.entries(DEAD)) {
    const letter = by.get(key)!
    assert.equal(letter.topic, stream.dead)
    assert.equal(header(letter, 'bellwether-problem-code'), code, key)
    const reason = JSON.parse(header(letter, 'bellwether-problem')!) as { detail: string; requestId: string }
    assert.match(reason.detail, /^Cannot /)
    assert.equal(entries.find(({ requestId }) => requestId === reason.requestId)!.code, code)
    assert.equal(letter.value, SENT.find(sent => sent.key === key)!.value, 'the message as it came')
  }
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  assert.match(metrics, /stream_messages_total\{topic="forms-in",result="answered"\} 3/)
  assert.match(metrics, /stream_lag\{topic="forms-in",partition="0"\} \d+/)
  assert.equal(await server.kill('SIGTERM'), 0)
})

/** Mulberry32: small, seeded, good enough to choose moments. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Some of them cannot be answered: they too have one record and one dead letter. */
function messages(round: number): Sent[] {
  return Array.from({ length: MESSAGES_A_ROUND }, (_, n) => {
    const key = `${round}-${n}`
    return { key, value: n % 20 === 7 ? '{"age":"old","tenure":1}' : JSON.stringify({ age: 18 + (n % 70), tenure: n }) }
  })
}

function repeated(values: readonly string[]): string[] {
  const seen = new Set<string>()
  return values.filter(value => seen.size === seen.add(value).size)
}

/** Resolves when a life has begun to answer. */
async function answering({ stdout }: RunningServer): Promise<void> {
  while (!stdout().includes('"door":"stream"')) await new Promise(resolve => setTimeout(resolve, 10))
}

/** Messages that a life found recorded and not answered: its log says so when it begins. */
function replaysOf({ stdout }: RunningServer): number {
  return [...stdout().matchAll(/"replays":(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0)
}

test(`each message has one answer and one record after ${ROUNDS} kills`, {
  skip,
  timeout: ROUNDS * 60_000,
}, async t => {
  const stream = await newStream(t, kafka, 'kills', 3)
  const random = seeded(SEED)
  let replays = 0
  for (let round = 0; round < ROUNDS; round++) {
    await kafka.send(stream.input, messages(round))
    const server = await startServer(stream)
    t.after(() => server.kill('SIGKILL'))
    await answering(server)
    await new Promise(resolve => setTimeout(resolve, Math.ceil(random() * LIFE_MS_MAX)))
    assert.equal(await server.kill('SIGKILL'), 'SIGKILL')
    replays += replaysOf(server)
  }
  const server = await startServer(stream)
  t.after(() => server.kill('SIGKILL'))
  const wanted = ROUNDS * MESSAGES_A_ROUND
  await kafka.read([stream.output, stream.dead], found => found.length >= wanted)
  replays += replaysOf(server)
  assert.equal(await server.kill('SIGTERM'), 0)

  const answers = await kafka.readAll([stream.output, stream.dead])
  const keys = answers.map(({ key }) => key!)
  assert.deepEqual(repeated(keys), [], 'none is answered twice')
  assert.equal(keys.length, wanted, 'none is without an answer')
  const reader = await startServer({ data: stream.data })
  const entries = await entriesOf(reader)
  await reader.kill('SIGTERM')
  assert.deepEqual(repeated(entries.map(({ requestId }) => requestId)), [], 'none is recorded twice')
  assert.equal(entries.length, wanted, 'none is without a record')
  const ids = new Set(entries.map(({ id }) => id))
  assert.equal(ids.size, wanted)
  const told = answers
    .filter(({ topic }) => topic === stream.output)
    .map(({ value }) => (JSON.parse(value) as { id: string }).id)
  assert.deepEqual(
    told.filter(id => !ids.has(id)),
    [],
    'each answer names its record',
  )
  t.diagnostic(`${wanted} messages; ${replays} had a record whose answer had not arrived`)
  if (ROUNDS >= MANY_ROUNDS) assert.ok(replays > 0, 'some kill came between record and answer')
})
