/** The quick reader of heads takes little, and that as Node's parser does. */
import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { readQuickHead } from './http-quick-head.ts'

const read = (text: string) => readQuickHead(Buffer.from(text, 'latin1'))
const told = (text: string) => {
  const { url, headers, headBytes, bodyBytes } = read(text)!
  return { url, headers, headBytes, bodyBytes }
}
const USUAL = 'POST /predict HTTP/1.1\r\nHost: a:1\r\nContent-Type: application/json\r\ncontent-length: 2\r\n'

it('takes a usual head', () => {
  assert.deepEqual(told(`${USUAL}Authorization:\t Bearer x \r\nConnection: Keep-Alive\r\nX-Empty:\r\n\r\n{}`), {
    url: '/predict',
    headers: {
      host: 'a:1',
      'content-type': 'application/json',
      'content-length': '2',
      authorization: 'Bearer x',
      connection: 'Keep-Alive',
      'x-empty': '',
    },
    headBytes: 149,
    bodyBytes: 2,
  })
})

describe('takes the head before again', () => {
  const again = (text: string, next: string) => {
    const head = read(text)!
    const isTaken = head.takeAgain(Buffer.from(next, 'latin1'))
    return isTaken ? [head.headBytes, head.bodyBytes, head.headers['content-length']] : undefined
  }
  const with_ = (length: string) => `${USUAL.replace(': 2', `: ${length}`)}a: b\r\n\r\n`
  const size = with_('2').length

  it('with any length', () => {
    assert.deepEqual(again(with_('2'), with_('2')), [size, 2, '2'])
    assert.deepEqual(again(with_('2'), `${with_('1234')}and a body`), [size + 3, 1234, '1234'])
    assert.deepEqual(again(with_('1234'), with_('0')), [size, 0, '0'])
    assert.deepEqual(again(with_('999999999'), with_('1')), [size, 1, '1'])
  })

  it('and no other, nor a part of it', () => {
    for (const other of ['', '+2', '1234567890', '2 ', ' 2', '0x2'])
      assert.equal(again(with_('2'), with_(other)), undefined)
    for (let bytes = 0; bytes < size; bytes++) assert.equal(again(with_('2'), with_('2').slice(0, bytes)), undefined)
    for (const place of [0, 6, 30, size - 5, size - 1]) {
      const text = with_('2')
      assert.equal(again(text, `${text.slice(0, place)}!${text.slice(place + 1)}`), undefined)
    }
  })
})

describe('leaves to Node what is unusual:', () => {
  const cases: Readonly<Record<string, string>> = {
    'another method': `${USUAL.replace('POST', 'PUT')}\r\n{}`,
    'a method in lower case': `${USUAL.replace('POST', 'post')}\r\n{}`,
    'another version': `${USUAL.replace('/1.1', '/1.0')}\r\n{}`,
    'a whole address': `${USUAL.replace('/predict', 'http://a/predict')}\r\n{}`,
    'a fragment': `${USUAL.replace('/predict', '/predict#a')}\r\n{}`,
    'a blank in the path': `${USUAL.replace('/predict', '/pre dict')}\r\n{}`,
    'two blanks': `${USUAL.replace(' /', '  /')}\r\n{}`,
    'an empty line before': `\r\n${USUAL}\r\n{}`,
    'a head that is not whole': USUAL,
    'lines without a carriage return': `${USUAL}\r\n{}`.replaceAll('\r', ''),
    'a bare line feed': `${USUAL}a: b\nc: d\r\n\r\n{}`,
    'a bare carriage return': `${USUAL}a: b\rc: d\r\n\r\n{}`,
    'a folded line': `${USUAL}a: b\r\n c\r\n\r\n{}`,
    'a line without a colon': `${USUAL}abc\r\n\r\n{}`,
    'no name': `${USUAL}: b\r\n\r\n{}`,
    'a blank behind a name': `${USUAL}a : b\r\n\r\n{}`,
    'a blank before a name': `${USUAL} a: b\r\n\r\n{}`,
    'an underscore in a name': `${USUAL}a_b: b\r\n\r\n{}`,
    'a name of every object': `${USUAL}constructor: b\r\n\r\n{}`,
    'a zero byte': `${USUAL}a: b\0c\r\n\r\n{}`,
    'a field twice': `${USUAL}a: b\r\nA: c\r\n\r\n{}`,
    'an empty field twice': `${USUAL}a:\r\na:\r\n\r\n{}`,
    'two lengths': `${USUAL}Content-Length: 2\r\n\r\n{}`,
    'a length with a sign': `${USUAL.replace(': 2', ': +2')}\r\n{}`,
    'a list of lengths': `${USUAL.replace(': 2', ': 2, 2')}\r\n{}`,
    'a huge length': `${USUAL.replace(': 2', ': 99999999999')}\r\n{}`,
    'no length': `${USUAL.replace(/content-length: 2\r\n/, '')}\r\n`,
    'no host': `${USUAL.replace(/Host: .*\r\n/, '')}\r\n{}`,
    chunks: `${USUAL}Transfer-Encoding: chunked\r\n\r\n{}`,
    'a body to be asked for': `${USUAL}Expect: 100-continue\r\n\r\n{}`,
    'another protocol': `${USUAL}Upgrade: h2c\r\n\r\n{}`,
    'the last request': `${USUAL}Connection: close\r\n\r\n{}`,
    'a page of somewhere': `${USUAL}Origin: https://a\r\n\r\n{}`,
    'a packed body': `${USUAL}Content-Encoding: gzip\r\n\r\n{}`,
    'many headers': `${USUAL}${Array.from({ length: 101 }, (_, i) => `a${i}: b\r\n`).join('')}\r\n{}`,
    'a long head': `${USUAL}a: ${'b'.repeat(9_000)}\r\n\r\n{}`,
  }
  for (const [what, text] of Object.entries(cases)) it(what, () => assert.equal(read(text), undefined))
})

describe('beside Node', () => {
  let server: Server
  let met: { url: string | undefined; headers: IncomingHttpHeaders } | undefined
  before(async () => {
    server = createServer((message, response) => {
      met = { url: message.url, headers: message.headers }
      response.writeHead(200, { connection: 'close' }).end()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  })
  after(() => server.close())

  const byNode = (text: string): Promise<typeof met> =>
    new Promise((resolve, reject) => {
      met = undefined
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1', () => socket.write(text, 'latin1'))
      socket.on('close', () => resolve(met)).on('error', reject)
      socket.resume()
    })
  const odd = fc.constantFrom('\t', ' ', '\r', '\n', '\0', ':', '\x7f', '\xe9', '_', '"', ',', '\r\n', ' \r\n')
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.stringMatching(/^[a-zA-Z0-9-]{1,4}$/) },
    { weight: 1, arbitrary: odd },
  )
  const text = fc.array(piece, { maxLength: 4 }).map(pieces => pieces.join(''))
  const field = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.stringMatching(/^[xX]-[a-zA-Z]{1,3}$/), text) },
    { weight: 1, arbitrary: fc.tuple(text, text) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('Connection', 'Content-Length', 'host', 'cookie', 'TE'), text) },
  )

  it('understands the same where it takes a head', async () => {
    let taken = 0
    await fc.assert(
      fc.asyncProperty(fc.array(field, { maxLength: 5 }), text, async (fields, path) => {
        const line = `POST /${path} HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n`
        const whole = `${line}${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n{}`
        const head = read(whole)
        if (head === undefined) return
        taken++
        assert.deepEqual({ url: head.url, headers: head.headers }, await byNode(whole))
      }),
      { numRuns: 1_000 },
    )
    assert.ok(taken > 100, `took ${taken}`)
  })
})
