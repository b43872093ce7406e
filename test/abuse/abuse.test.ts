/** Attacks of `attacks.ts` on the real program: whoever asks honestly meanwhile is answered, and nothing is left behind. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { tinyModel } from '../journeys/model.ts'
import { type RunningServer, startServer } from '../server.ts'
import { churn, hoard, honest, pour, requestText, type Target, trickle } from './attacks.ts'

const ROW = '{"age":20,"tenure":1}'
const CONNECTIONS_MAX = 300

let server: RunningServer
let target: Target

before(async () => {
  server = await startServer({
    env: {
      BELLWETHER_LIMITS_HEADER_TIMEOUT_MS: '800',
      BELLWETHER_LIMITS_REQUEST_TIMEOUT_MS: '1500',
      BELLWETHER_LIMITS_CONNECTIONS_MAX: String(CONNECTIONS_MAX),
      BELLWETHER_LIMITS_BODY_BYTES_MAX: '100000',
    },
  })
  const body = new FormData()
  body.append('name', 'tiny')
  body.append('version', '1.0.0')
  body.append('artifact', new File([tinyModel()], 'model.json'))
  const registered = await fetch(`${server.url}/models/register`, { method: 'POST', body })
  assert.equal(registered.status, 201, await registered.text())
  const { hostname, port } = new URL(server.url)
  target = { host: hostname, port: Number(port), path: '/models/tiny/predict', row: ROW }
})
after(async () => {
  assert.equal(await server.kill('SIGTERM'), 0)
  rmSync(server.data, { recursive: true, force: true })
})

/** While `attack` goes on, honest callers are answered; p99 is told, not judged: the machine may be busy. */
async function meanwhile<T>(attack: () => Promise<T>): Promise<T> {
  const others = honest(target, 20)
  const met = await attack()
  const { asked, failed, p99Ms } = await others.stop()
  assert.equal(failed, 0, `${failed} of ${asked} honest callers were not answered`)
  assert.ok(p99Ms < 3_000, `p99 ${p99Ms} ms`)
  return met
}

/** Twice as many connections as there may be, kept for a moment. */
async function hoarded(first: string): Promise<void> {
  let sockets: readonly Socket[] = []
  try {
    await meanwhile(async () => {
      sockets = await hoard(target, CONNECTIONS_MAX * 2, first)
      await new Promise(resolve => setTimeout(resolve, 200))
    })
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

describe('the server, while', () => {
  it('headers arrive a byte at a time', async () => {
    const text = 'POST /models/tiny/predict HTTP/1.1\r\nhost: localhost\r\nx-slow: '
    const { ends, lastedMs } = await meanwhile(() => trickle(target, 100, at => (at === 0 ? text : 'a'), 50))
    assert.deepEqual(ends, { 408: 100 })
    assert.ok(lastedMs < 5_000, `${lastedMs} ms`)
  })

  it('bodies arrive a byte at a time', async () => {
    const head = `POST ${target.path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n`
    const { ends, lastedMs } = await meanwhile(() => trickle(target, 100, at => (at === 0 ? head : ' '), 50))
    assert.deepEqual(ends, { 408: 100 })
    assert.ok(lastedMs < 6_000, `${lastedMs} ms`)
  })

  it('more connections than there may be are opened and kept, saying nothing or half a head', async () => {
    for (const first of ['', 'POST /models/tiny/predict HTTP/1.1\r\nhost: a\r\n']) {
      await hoarded(first)
    }
  })

  it('idle connections that have asked before are kept by the hundreds', async () => {
    await hoarded(requestText(target))
  })

  it('a connection sends thousands of requests at once', async () => {
    const statuses = await meanwhile(() => pour(target, requestText(target).repeat(3_000), 3_000))
    assert.equal(
      Object.values(statuses).reduce((sum, count) => sum + count, 0),
      3_000,
    )
    assert.deepEqual(Object.keys(statuses), ['200'])
  })

  it('a connection sends thousands of requests and reads no answer', async () => {
    const [socket] = await hoard(target, 1, '')
    socket!.pause()
    await meanwhile(async () => {
      const text = requestText(target).repeat(200)
      for (let i = 0; i < 50 && socket!.writableLength < 1_000_000; i++) {
        socket!.write(text)
        await new Promise(resolve => setTimeout(resolve, 10))
      }
    })
    socket!.destroy()
  })

  it('connections come and go', async () => {
    const failed = await meanwhile(() => churn(target, 3_000, 50))
    assert.equal(failed, 0)
  })

  const hostile: readonly (readonly [what: string, text: () => string, status: string])[] = [
    [
      '101 headers',
      () =>
        requestText(
          target,
          Array.from({ length: 101 }, (_, i) => `x-${i}: a`),
        ),
      '431',
    ],
    ['a header of 20 KiB', () => requestText(target, [`x-large: ${'a'.repeat(20_480)}`]), '431'],
    ['two lengths', () => requestText(target, ['content-length: 3']), '400'],
    ['a length and chunks', () => requestText(target, ['transfer-encoding: chunked']), '400'],
    ['chunks whose size is no number', () => chunked('zz\r\n{}\r\n0\r\n\r\n'), '400'],
    ['a folded header', () => requestText(target, ['x-folded: a\r\n b']), '400'],
    ['a header with a null in it', () => requestText(target, ['x-null: a\0b']), '400'],
    ['a space before the colon', () => requestText(target, ['x-space : a']), '400'],
    ['no host', () => requestText(target).replace('host: localhost\r\n', ''), '400'],
    ['a body of 10 GB', () => requestText(target).replace(/content-length: \d+/, 'content-length: 10000000000'), '413'],
    ['a path of 15,000 characters', () => requestText({ ...target, path: `/${'a'.repeat(15_000)}` }), '404'],
    ['dots that lead up', () => requestText({ ...target, path: '/../../etc/passwd' }), '404'],
    ['a method nobody knows', () => requestText(target).replace('POST', 'BREW'), '400'],
  ]
  for (const [what, text, status] of hostile) {
    it(`somebody sends ${what}`, async () => {
      assert.deepEqual(await pour(target, text(), 1), { [status]: 1 })
    })
  }

  it('and has not grown nor forgotten how to answer after all of it', async () => {
    const bytes = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
    assert.ok(bytes < 500_000_000, `${bytes} bytes`)
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${server.url}${target.path}`, { method: 'POST', headers, body: ROW })
    assert.equal(answer.status, 200)
    assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
    assert.doesNotMatch(server.stdout(), /"level":"error"/)
  })
})

function chunked(body: string): string {
  return requestText(target).replace(/content-length: \d+\r\n\r\n.*/s, `transfer-encoding: chunked\r\n\r\n${body}`)
}
