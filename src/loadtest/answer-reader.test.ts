import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { AnswerReader } from './answer-reader.ts'

/** The bytes in pieces that end at these places. */
function pieces(text: string, cuts: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text, 'latin1')
  const places = [...new Set([0, ...cuts.map(cut => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b)
  return places.slice(1).map((place, i) => bytes.subarray(places[i], place))
}

const ANSWERS: readonly (readonly [string, string, number, boolean, string])[] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 200, true, ''],
  ['no body', 'HTTP/1.1 204 No Content\r\ncontent-length: 7\r\n\r\n', 204, true, ''],
  ['an empty body', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', 200, true, ''],
  ['no reason', 'HTTP/1.1 503\r\ncontent-length: 2\r\n\r\nno', 503, true, 'no'],
  ['an interim answer', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx', 200, true, ''],
  ['the end of the connection', 'HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 1\r\n\r\nx', 200, false, ''],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx', 200, false, ''],
  ['a kept HTTP/1.0', 'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\nx', 200, true, ''],
  ['chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', 200, true, ''],
  [
    'chunks with extensions and a trailer',
    'HTTP/1.1 422 No\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\n{\r\n0A\r\n"why":"x"}\r\n0\r\nx-sum: 1\r\n\r\n',
    422,
    true,
    '{"why":"x"}',
  ],
]

describe('AnswerReader', () => {
  for (const [what, text, status, isKept, sample] of ANSWERS) {
    test(`finds the end of an answer with ${what}, however it is cut, and not before`, () => {
      fc.assert(
        fc.property(fc.array(fc.nat(), { maxLength: 6 }), cuts => {
          const reader = new AnswerReader()
          for (let round = 0; round < 2; round++) {
            const parts = pieces(text, cuts)
            const found = parts.map(part => reader.read(part))
            assert.deepEqual(
              found,
              parts.map((_, i) => i === parts.length - 1),
            )
            assert.deepEqual([reader.status, reader.isKept, reader.sample], [status, isKept, sample])
          }
        }),
      )
    })
  }

  test('a body without a length ends with the connection', () => {
    const reader = new AnswerReader()
    assert.equal(reader.read(Buffer.from('HTTP/1.1 500 Oh\r\n\r\nwhy')), false)
    assert.equal(reader.read(Buffer.from(' not')), false)
    assert.equal(reader.end(), true)
    assert.deepEqual([reader.status, reader.isKept, reader.sample], [500, false, 'why not'])
  })

  test('a connection that ends within an answer has given none', () => {
    const reader = new AnswerReader()
    reader.read(Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel'))
    assert.equal(reader.end(), false)
    assert.equal(new AnswerReader().end(), false)
  })

  test('keeps no more of a long error than its beginning', () => {
    const reader = new AnswerReader()
    const body = 'x'.repeat(10_000)
    assert.equal(reader.read(Buffer.from(`HTTP/1.1 500 Oh\r\ncontent-length: ${body.length}\r\n\r\n${body}`)), true)
    assert.equal(reader.sample.length, 2048)
  })

  for (const [what, text, message] of [
    ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n', /does not begin like an answer/],
    ['a second answer', 'HTTP/1.1 204 No\r\n\r\nHTTP/1.1 204 No\r\n\r\n', /bytes behind the answer/],
    ['a head without end', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}`, /head is longer/],
    ['a chunk without size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', /no hexadecimal number/],
    ['too long a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n', /longer than its size/],
  ] as const) {
    test(`refuses ${what}`, () => {
      assert.throws(() => new AnswerReader().read(Buffer.from(text)), message)
    })
  }
})
