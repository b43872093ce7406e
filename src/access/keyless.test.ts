import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../errors.ts'
import { isLoopback, judgeBinding, keylessGuard } from './keyless.ts'

test('isLoopback() knows every spelling of this machine, and nothing else', () => {
  const own = [
    '127.0.0.1',
    '127.255.0.3',
    'localhost',
    'LOCALHOST',
    '::1',
    '[::1]',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
  ]
  for (const host of own) assert.ok(isLoopback(host), host)
  const foreign = [
    '0.0.0.0',
    '::',
    '',
    '10.0.0.1',
    '192.168.1.2',
    'example.org',
    '::2',
    '::ffff:10.0.0.1',
    'fe80::1%lo',
  ]
  const tricks = [
    '127.0.0.1.example.org',
    'localhost.example.org',
    '127.1',
    '2130706433',
    '[127.0.0.1',
    '1::1',
    '128.0.0.1',
  ]
  for (const host of [...foreign, ...tricks]) assert.ok(!isLoopback(host), host)
})

test('isLoopback() takes of all IPv4 addresses those of 127/8', () => {
  fc.assert(fc.property(fc.ipV4(), host => assert.equal(isLoopback(host), host.split('.')[0] === '127')))
})

test('judgeBinding() refuses the network while there are no keys, and says how to make one', () => {
  judgeBinding({ host: '127.0.0.1', hasKeys: false })
  judgeBinding({ host: '0.0.0.0', hasKeys: true })
  for (const host of ['0.0.0.0', '::', '192.168.1.2', 'example.org']) {
    assert.throws(
      () => judgeBinding({ host, hasKeys: false }),
      (error: Problem) =>
        error.code === 'misconfigured' &&
        error.message.includes(host) &&
        error.message.includes('bellwether key create'),
    )
  }
})

/** Host, Origin, whether it is answered. */
const REQUESTS: readonly (readonly [string | undefined, string | undefined, boolean])[] = [
  ['localhost:8080', undefined, true],
  ['127.0.0.1:8080', undefined, true],
  ['[::1]:8080', undefined, true],
  ['localhost', undefined, true],
  [undefined, undefined, true],
  ['localhost:8080', 'http://localhost:8080', true],
  ['LocalHost:8080', 'http://localhost:8080', true],
  // DNS rebinding: a foreign name that leads here.
  ['evil.example:8080', undefined, false],
  ['evil.example:8080', 'http://evil.example:8080', false],
  ['127.0.0.1.evil.example', undefined, false],
  ['localhost@evil.example', undefined, false],
  ['', undefined, false],
  ['localhost:8080:1', undefined, false],
  // A page of another origin: another site, another port, a sandbox, another scheme.
  ['localhost:8080', 'https://evil.example', false],
  ['localhost:8080', 'http://localhost:3000', false],
  ['localhost:8080', 'https://localhost:8080', false],
  ['localhost:8080', 'http://127.0.0.1:8080', false],
  ['localhost:8080', 'null', false],
  ['localhost:8080', '', false],
  [undefined, 'http://localhost:8080', false],
]

test('keylessGuard() answers programs and our own pages, and no page of anybody else', () => {
  for (const [host, origin, isAnswered] of REQUESTS) {
    const said = `Host ${host}, Origin ${origin}`
    if (isAnswered) assert.doesNotThrow(() => keylessGuard(host, origin), said)
    else
      assert.throws(
        () => keylessGuard(host, origin),
        (error: Problem) => error.code === 'forbidden',
        said,
      )
  }
})

test('keylessGuard() throws nothing but a Problem, whatever the headers', () => {
  const header = fc.option(fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), fc.domain()), { nil: undefined })
  fc.assert(
    fc.property(header, header, (host, origin) => {
      try {
        keylessGuard(host, origin)
      } catch (error) {
        assert.ok(error instanceof Problem)
      }
    }),
  )
})
