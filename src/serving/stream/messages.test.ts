/**
 * Purpose: ids of places, forms of messages and the note of what is settled hold by themselves. Method: properties over any
 * place and any header, and the examples of CloudEvents' Kafka binding.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../../errors.ts'
import { answerMessage, deadLetter, formOf, readMessage, type StreamMessage } from './envelope.ts'
import { type Place, placeId, placeText } from './place-id.ts'
import { openRecorded } from './recorded.ts'

const place: fc.Arbitrary<Place> = fc.record({
  group: fc.stringMatching(/^[\w.-]{1,20}$/),
  topic: fc.stringMatching(/^[\w.-]{1,20}$/),
  partition: fc.nat(),
  offset: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  timestamp: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
})

test('a place has one id, a UUIDv7, and another place another', () => {
  fc.assert(
    fc.property(place, one => {
      const id = placeId(one)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.equal(placeId({ ...one }), id)
      for (const other of [{ group: `${one.group}x` }, { topic: `${one.topic}x` }, { partition: one.partition + 1 }]) {
        assert.notEqual(placeId({ ...one, ...other }), id)
      }
      assert.notEqual(placeId({ ...one, offset: one.offset + 1n }), id)
      assert.equal(placeText(one), `${one.topic}/${one.partition}/${one.offset}`)
    }),
  )
  const at = { group: 'g', topic: 't', partition: 0, offset: 0n, timestamp: 1_700_000_000_000n }
  assert.equal(Number.parseInt(placeId(at).replace('-', '').slice(0, 12), 16), 1_700_000_000_000)
})

const message = (value: string, headers: Readonly<Record<string, string>> = {}): StreamMessage => ({
  key: Buffer.from('k'),
  value: Buffer.from(value),
  headers: new Map(Object.entries(headers)),
})
const EVENT = { specversion: '1.0', id: 'e', source: '/s', type: 'asked' }
const BINARY = { ce_specversion: '1.0', ce_id: 'e', ce_source: '/s', ce_type: 'asked' }
const STRUCTURED = { 'content-type': 'application/cloudevents+json; charset=UTF-8' }

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof Problem) return error.code
    throw error
  }
  return 'none'
}

test('each form says its features and its context', () => {
  const bare = readMessage(message('{}', { 'bellwether-subject': 'ann', other: 'x' }))
  assert.deepEqual([bare.body.toString(), bare.context], ['{}', { 'bellwether-subject': 'ann' }])
  const text = JSON.stringify({ ...EVENT, bellwethersubject: 'ann', data: { a: 1 } })
  const structured = readMessage(message(text, STRUCTURED))
  assert.deepEqual([structured.body.toString(), structured.context], ['{"a":1}', { 'bellwether-subject': 'ann' }])
  const binary = readMessage(message('{"a":1}', { ...BINARY, ce_traceparent: '00-x' }))
  assert.deepEqual([binary.body.toString(), binary.context, binary.eventId], ['{"a":1}', { traceparent: '00-x' }, 'e'])
  const typed = message('{}', { ...BINARY, 'content-type': 'avro/binary' })
  assert.equal(readMessage(typed, true).eventId, 'e')
  assert.equal(
    codeOf(() => readMessage(typed)),
    'unsupported_type',
  )
})

test('an event that is none says what is wrong', () => {
  const cases: readonly (readonly [StreamMessage, string])[] = [
    [message('[]', STRUCTURED), 'malformed'],
    [message('{', STRUCTURED), 'malformed'],
    [message('{}', STRUCTURED), 'invalid'],
    [message(JSON.stringify(EVENT), STRUCTURED), 'invalid'],
    [message(JSON.stringify({ ...EVENT, specversion: '0.3', data: {} }), STRUCTURED), 'invalid'],
    [message(JSON.stringify({ ...EVENT, datacontenttype: 'text/xml', data: '' }), STRUCTURED), 'unsupported_type'],
    [message('{}', { ...BINARY, ce_id: '' }), 'invalid'],
  ]
  for (const [one, code] of cases)
    assert.equal(
      codeOf(() => readMessage(one)),
      code,
      one.value.toString(),
    )
})

test('an answer has the form and the key of its question; a dead letter is what came, with its reason', () => {
  const answered = { id: 'i', at: 0, json: '{"outputs":1}', model: 'a b' }
  for (const headers of [{}, STRUCTURED, BINARY]) {
    const one = message('{}', headers)
    const made = answerMessage(one, answered)
    assert.equal(formOf(made), formOf(one))
    assert.equal(made.key, one.key)
  }
  const event = JSON.parse(answerMessage(message('{}', STRUCTURED), answered).value.toString()) as object
  assert.partialDeepStrictEqual(event, { id: 'i', source: '/models/a%20b', time: '1970-01-01T00:00:00.000Z' })
  const one = message('?', { own: 'x' })
  const letter = deadLetter(one, { topic: 't', partition: 1, offset: 2n }, new Problem('invalid', 'Cannot'), 't/1/2')
  assert.equal(letter.value, one.value)
  assert.partialDeepStrictEqual(Object.fromEntries(letter.headers), {
    own: 'x',
    'bellwether-problem-code': 'invalid',
    'bellwether-offset': '2',
  })
})

test('what is behind the note is found, also where the note is lost or knows too much', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'recorded-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const all: string[] = []
  const add = (door: string, requestId: string): number => all.push(JSON.stringify({ door, requestId }))
  const ledger = {
    get size(): number {
      return all.length
    },
    async *lines(from: number): AsyncGenerator<string[]> {
      yield all.slice(from)
    },
  }
  const open = () => openRecorded(folder, 'g\nt', ledger)
  const found = async (): Promise<string[]> => {
    const recorded = open()
    const keys = [...(await recorded.unsettled()).keys()]
    recorded.close()
    return keys
  }
  add('stream', 't/0/0')
  const recorded = open()
  recorded.settle()
  recorded.close()
  add('rest', 'r')
  add('stream', 't/0/1')
  assert.deepEqual(await found(), ['t/0/1'])
  const note = join(folder, readdirSync(folder)[0]!)
  writeFileSync(note, 'half')
  assert.deepEqual(await found(), ['t/0/0', 't/0/1'])
  writeFileSync(note, `${'9'.repeat(16)}\n`)
  assert.deepEqual(await found(), [])
})
