/**
 * Purpose: whatever a caller sends, they are told what was wrong with it, nothing changes, and one refusal is recorded
 * without a word of theirs that the signature does not know. Method: the whole application over real HTTP.
 */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import type { RefusalRecord } from '../../src/ledger/record.ts'
import { type Asked, ask, type RunningApp, STRICT, withApp } from './app.ts'

interface Case {
  readonly name: string
  /** Default: `/predict`. */
  readonly path?: string
  readonly body: string | Uint8Array | object
  readonly headers?: Readonly<Record<string, string>>
  readonly status: number
  readonly code: string
  /** Fields that the answer names, as a set. */
  readonly named?: readonly string[]
  readonly detail?: RegExp
  /** What the record names; default: nothing. */
  readonly recorded?: readonly string[]
}

const deep = `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`
const CASES: readonly Case[] = [
  { name: 'no JSON', body: '{"age":42', status: 400, code: 'malformed', detail: /the text ends/ },
  { name: 'nothing', body: '', status: 400, code: 'malformed', detail: /is empty/ },
  { name: 'a text', body: '"hello"', status: 422, code: 'invalid', detail: /the body is a text/ },
  { name: 'null', body: 'null', status: 422, code: 'invalid' },
  { name: 'an empty batch', body: [], status: 422, code: 'invalid', detail: /batch is empty/ },
  {
    name: 'wrong types, an unknown and a missing field',
    body: { age: 'old', shoe_size: 44 },
    status: 422,
    code: 'invalid',
    named: ['age', 'tenure', 'shoe_size'],
    recorded: ['age', 'tenure'],
  },
  {
    name: 'NaN',
    body: '{"age":NaN,"tenure":1}',
    status: 400,
    code: 'malformed',
    named: ['age'],
    detail: /send null/,
    recorded: ['age'],
  },
  {
    name: 'Infinity',
    body: '{"age":42,"tenure":-Infinity}',
    status: 400,
    code: 'malformed',
    named: ['tenure'],
    recorded: ['tenure'],
  },
  {
    name: '1e999',
    body: '{"age":1e999,"tenure":"x"}',
    status: 422,
    code: 'invalid',
    named: ['age', 'tenure'],
    detail: /not a finite number/,
    recorded: ['age', 'tenure'],
  },
  {
    name: 'a huge number',
    body: '{"age":42,"tenure":123456789012345678901234567890}',
    status: 422,
    code: 'invalid',
    named: ['tenure'],
    detail: /beyond 2\^53/,
    recorded: ['tenure'],
  },
  {
    name: 'a number of a million digits',
    body: `{"age":${'9'.repeat(1_000_000)},"tenure":1}`,
    status: 422,
    code: 'invalid',
    named: ['age'],
    recorded: ['age'],
  },
  {
    name: 'out of range',
    body: { age: 17, tenure: -1 },
    status: 422,
    code: 'invalid',
    named: ['age', 'tenure'],
    recorded: ['age', 'tenure'],
  },
  {
    name: 'a huge text',
    body: { age: 'x'.repeat(2_000_000), tenure: 1 },
    status: 422,
    code: 'invalid',
    named: ['age'],
    recorded: ['age'],
  },
  { name: 'deep nesting', body: deep, status: 400, code: 'malformed', detail: /nested more than 32 deep/ },
  { name: 'a million opened brackets', body: '['.repeat(1_000_000), status: 400, code: 'malformed' },
  { name: '20 MB', body: ' '.repeat(20_000_000), status: 413, code: 'too_large' },
  {
    name: 'a wrong content type',
    body: 'age,tenure\n42,1',
    headers: { 'content-type': 'text/csv' },
    status: 415,
    code: 'unsupported_type',
    detail: /text\/csv/,
  },
  {
    name: 'another charset',
    body: '{}',
    headers: { 'content-type': 'application/json; charset=utf-16' },
    status: 415,
    code: 'unsupported_type',
  },
  { name: 'bytes that are no UTF-8', body: new Uint8Array([0x7b, 0xff, 0x7d]), status: 400, code: 'malformed' },
  {
    name: 'a byte order mark',
    body: '\ufeff{"age":42,"tenure":1}',
    status: 400,
    code: 'malformed',
    detail: /byte order mark/,
  },
  {
    name: 'half a surrogate pair',
    body: '{"age":"\\ud800","tenure":1}',
    status: 400,
    code: 'malformed',
    named: ['age'],
    recorded: ['age'],
  },
  {
    name: 'a duplicate key',
    body: '{"age":42,"age":43,"tenure":1}',
    status: 400,
    code: 'malformed',
    named: ['age'],
    detail: /age is given more than once/,
    recorded: ['age'],
  },
  {
    name: '__proto__',
    body: '{"age":42,"tenure":1,"__proto__":{"polluted":true}}',
    status: 422,
    code: 'invalid',
    named: ['__proto__'],
  },
  {
    name: 'constructor',
    body: '{"age":42,"tenure":1,"constructor":{"prototype":{"polluted":true}}}',
    status: 422,
    code: 'invalid',
    named: ['constructor'],
  },
  {
    name: 'an unknown model',
    path: '/models/nope/predict',
    body: {},
    status: 404,
    code: 'not_found',
    detail: /"nope": it is not registered/,
  },
  {
    name: 'an unknown version',
    path: '/models/tiny/versions/9.9.9/predict',
    body: {},
    status: 404,
    code: 'not_found',
    detail: /there are 1.0.0/,
  },
  {
    name: 'rows of a batch',
    body: [{ age: 42, tenure: 1 }, { age: 1, tenure: 1 }, 7],
    status: 422,
    code: 'invalid',
    named: ['[1].age', '[2]'],
    recorded: ['age'],
  },
  {
    name: 'too many rows',
    body: Array.from({ length: 51 }, () => ({ age: 42, tenure: 1 })),
    status: 413,
    code: 'too_large',
    detail: /at most 50/,
  },
  {
    name: 'a prohibited purpose',
    body: { age: 42, tenure: 1 },
    headers: { 'bellwether-purpose': 'credit-decision' },
    status: 403,
    code: 'forbidden',
    named: ['Bellwether-Purpose'],
  },
  {
    name: 'a purpose of another use',
    body: { age: 42, tenure: 1 },
    headers: { 'bellwether-purpose': 'marketing' },
    status: 403,
    code: 'forbidden',
  },
  {
    name: 'a purpose that is a novel',
    body: { age: 42, tenure: 1 },
    headers: { 'bellwether-purpose': 'because I want to' },
    status: 422,
    code: 'invalid',
    named: ['Bellwether-Purpose'],
  },
  {
    name: 'a subject beyond measure',
    body: { age: 42, tenure: 1 },
    headers: { 'bellwether-subject': 'x'.repeat(257) },
    status: 422,
    code: 'invalid',
    named: ['Bellwether-Subject'],
  },
]

async function refusals(app: RunningApp): Promise<RefusalRecord[]> {
  return (await app.records()).filter(record => record.kind === 'refusal') as RefusalRecord[]
}

const counted = (records: readonly RefusalRecord[]): number => records.reduce((sum, { count }) => sum + count, 0)

function judge({ status, code, named, detail }: Case, answer: Asked): void {
  assert.equal(answer.status, status, JSON.stringify(answer.body))
  assert.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8')
  assert.equal(answer.body['code'], code)
  assert.equal(answer.body['status'], status)
  if (detail !== undefined) assert.match(String(answer.body['detail']), detail)
  const fields = (answer.body['errors'] ?? []) as { field: string }[]
  if (named !== undefined) assert.deepEqual(fields.map(({ field }) => field).sort(), [...named].sort())
  assert.ok(JSON.stringify(answer.body).length < 2_000, 'an answer does not repeat what was sent')
}

describe('a bad invocation', () => {
  it('is told what was wrong, changes nothing, and is recorded once', async () => {
    await withApp({ 'limits.batchRowsMax': 50 }, async app => {
      await app.register('tiny', '1.0.0', STRICT)
      for (const [at, bad] of CASES.entries()) {
        const before = counted(await refusals(app))
        const answer = await ask(app.url + (bad.path ?? '/predict'), bad.body, {
          'x-request-id': `case-${at}`,
          ...bad.headers,
        })
        try {
          judge(bad, answer)
          const all = await refusals(app)
          assert.equal(counted(all), before + 1, 'one refusal')
          // Like ones within a second are one record with a count, which keeps what the first of them was.
          const latest = all.at(-1)!
          if (latest.requestId === `case-${at}`) {
            assert.deepEqual(
              [latest.code, latest.status, latest.fields ?? []],
              [bad.code, bad.status, bad.recorded ?? []],
            )
          }
        } catch (error) {
          throw new Error(`${bad.name}: ${error instanceof Error ? error.message : error}`, { cause: error })
        }
      }
      const all = await app.records()
      assert.equal(counted(all.filter(record => record.kind === 'refusal') as RefusalRecord[]), CASES.length)
      assert.equal(all.filter(record => record.kind === 'prediction').length, 0)
      const text = JSON.stringify(all)
      for (const word of ['shoe_size', 'nope', 'polluted', 'because I want', 'marketing'])
        assert.ok(!text.includes(word), word)
      assert.equal(({} as { polluted?: unknown }).polluted, undefined)
      assert.equal(
        (await ask(`${app.url}/predict`, { age: 42, tenure: 1 })).status,
        200,
        'and the next one is answered',
      )
    })
  })

  it('that never arrives whole is told so and recorded', async () => {
    await withApp({ 'limits.requestTimeoutMs': 1_000 }, async app => {
      await app.register('tiny')
      const { port } = new URL(app.url)
      const head =
        'POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"age":'
      const answer = await new Promise<string>((resolve, reject) => {
        let text = ''
        const socket = connect(Number(port), '127.0.0.1', () => socket.write(head))
        socket.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        socket.on('close', () => resolve(text))
        socket.on('error', reject)
      })
      assert.match(answer, /^HTTP\/1.1 408 /)
      const [refusal] = await refusals(app)
      assert.deepEqual([refusal!.code, refusal!.status, refusal!.count], ['timeout', 408, 1])
    })
  })

  it('in a flood is counted to the last one, in few records', async () => {
    await withApp({}, async app => {
      await app.register('tiny', '1.0.0', STRICT)
      const send = () => ask(`${app.url}/predict`, { age: 1, tenure: 1 })
      const answers = await Promise.all(Array.from({ length: 200 }, send))
      assert.ok(answers.every(({ status }) => status === 422))
      const all = await refusals(app)
      assert.equal(counted(all), 200)
      assert.ok(all.length < 20, `${all.length} records`)
    })
  })
})
