import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { redactFields, redactText } from './redact.ts'

const KEY = `bw_0123456789ab_${'aB3_-'.repeat(8)}xyz`

test('redactText() takes out what has the form of a secret, wherever it stands', () => {
  const cases: [string, string][] = [
    [`the key ${KEY} came`, 'the key [redacted] came'],
    ['Authorization: Bearer abc.DEF-123_456', 'Authorization: Bearer [redacted]'],
    ['"basic dXNlcjpwYXNz"', '"basic [redacted]"'],
    ['postgres://ann:p4$$w0rd@db:5432/x', 'postgres://ann:[redacted]@db:5432/x'],
    ['-----BEGIN PRIVATE KEY-----\\nMC4CAQ\\n-----END PRIVATE KEY----- rest', '[redacted] rest'],
    ['-----BEGIN EC PRIVATE KEY-----\nMC4CAQ', '[redacted]'],
  ]
  for (const [text, wanted] of cases) assert.equal(redactText(text), wanted)
})

test('redactText() leaves alone what is no secret', () => {
  for (const text of [
    'a bearer of news',
    'basic facts',
    'http://127.0.0.1:8080/@x',
    'bw_short',
    'http://a/b?c=d:e@f',
    '',
  ]) {
    assert.equal(redactText(text), text)
  }
})

test('a secret that is anywhere in a text is nowhere in the redacted one', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      // Letters that touch the key would make another word of it.
      const text = `${before} ${KEY} ${after}`
      assert.ok(!redactText(text).includes(KEY))
    }),
  )
})

test('redactFields() takes out the values of fields that are called like secrets, at any depth and of any kind', () => {
  const found = redactFields({
    Authorization: 'x',
    headers: { cookie: ['a', 'b'], 'x-api-key': 'k', accept: '*/*', 'set-cookie': 5 },
    list: [{ dbPassword: { deep: 'x' } }, { client_secret: null }],
    keys: { master: 'x', id: 'key:1' },
    token: undefined,
    tokens: 12,
  })
  assert.deepEqual(found, {
    Authorization: '[redacted]',
    headers: { cookie: '[redacted]', 'x-api-key': '[redacted]', accept: '*/*', 'set-cookie': '[redacted]' },
    list: [{ dbPassword: '[redacted]' }, { client_secret: '[redacted]' }],
    keys: { master: '[redacted]', id: 'key:1' },
    token: undefined,
    tokens: 12,
  })
})

test('redactFields() makes of anything something that JSON can say', () => {
  const circle: Record<string, unknown> = { name: 'circle' }
  circle['self'] = circle
  const shared = { a: 1 }
  const error = Object.assign(new Error('outer', { cause: new TypeError('inner') }), {
    headers: { authorization: 'x' },
  })
  const found = JSON.parse(
    JSON.stringify(
      redactFields({ circle, twice: [shared, shared], big: 10n, bytes: Buffer.from('abc'), at: new Date(0), error }),
    ),
  )
  assert.deepEqual(found.circle, { name: 'circle', self: '[…]' })
  assert.deepEqual(found.twice, [{ a: 1 }, { a: 1 }])
  assert.equal(found.big, '10')
  assert.equal(found.bytes, '[3 bytes]')
  assert.equal(found.at, '1970-01-01T00:00:00.000Z')
  assert.equal(found.error.type, 'Error')
  assert.equal(found.error.headers.authorization, '[redacted]')
  assert.match(found.error.message, /outer/)
  assert.match(JSON.stringify(found.error.cause), /inner/)
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string(),
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true }),
      ),
      fields => {
        assert.equal(typeof JSON.stringify(redactFields(fields)), 'string')
      },
    ),
  )
})
