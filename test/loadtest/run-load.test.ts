/** The generator against servers that stall, refuse, break off and fall silent. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, createServer as createRawServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { requestBytes } from '../../src/loadtest/load-target.ts'
import { type Loaded, type LoadPlan, runLoad } from '../../src/loadtest/run-load.ts'
import { seededRandom } from '../../src/math/random.ts'

const never = new AbortController().signal

async function listening(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', socket => sockets.add(socket))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function planFor(port: number, more: Partial<LoadPlan> = {}): LoadPlan {
  const url = new URL(`http://127.0.0.1:${port}/predict?x=1`)
  return {
    endpoint: { host: '127.0.0.1', port, isSecure: false },
    requests: ['{"a":1}', '{"a":2}'].map(body => requestBytes(url, new Map([['x-own', 'yes']]), body)),
    rate: 100,
    arrivals: 'even',
    random: seededRandom(1),
    connections: 4,
    warmUpMs: 0,
    measuredMs: 1000,
    timeoutMs: 5000,
    ...more,
  }
}

async function load(t: TestContext, listener: RequestListener, more: Partial<LoadPlan> = {}): Promise<Loaded> {
  const port = await listening(t, createServer(listener))
  return runLoad(planFor(port, more), { signal: never, onProgress() {} })
}

describe('runLoad()', () => {
  test('sends what it was given, in turn, and counts what is due in the time that is measured', async t => {
    const seen: string[] = []
    const { tally, measuredMs } = await load(
      t,
      (request, response) => {
        let body = ''
        request.on('data', text => {
          body += text
        })
        request.on('end', () => {
          seen.push(`${request.method} ${request.url} ${request.headers['x-own']} ${body}`)
          response.end('ok')
        })
      },
      { warmUpMs: 200, measuredMs: 500, connections: 32 }, // on a busy machine four could all be in use
    )
    assert.equal(seen.length, 70)
    assert.deepEqual([...new Set(seen)].sort(), ['POST /predict?x=1 yes {"a":1}', 'POST /predict?x=1 yes {"a":2}'])
    assert.deepEqual([tally.due, tally.answered, measuredMs], [50, 50, 500])
    assert.equal(tally.latency.total, 50)
    assert.equal(tally.lateness.total, 50)
  })

  test('counts the waiting of those that were due while the server stalled', async t => {
    // From 300 ms to 700 ms nobody is answered: two fifths of all requests are due in that time.
    let openAt: number | undefined
    const { tally } = await load(
      t,
      (request, response) => {
        request.resume()
        const now = performance.now()
        openAt ??= now
        const since = now - openAt
        if (since < 300 || since >= 700) response.end('ok')
        else setTimeout(() => response.end('ok'), 700 - since)
      },
      { rate: 200 },
    )
    assert.equal(tally.answered, 200)
    const [latency, service] = [tally.latency.quantile(0.85) / 1000, tally.service.quantile(0.85) / 1000]
    // Of the due ones 40 % waited, evenly from 0 to 400 ms; of the sent ones, the four that were under way.
    assert.ok(latency > 150 && latency < 420, `${latency} ms`)
    assert.ok(service < 100, `${service} ms`)
    assert.ok(tally.latency.maximum > 380_000, `${tally.latency.maximum} µs`)
  })

  test('tells each way not to be answered by its name, with the first words of the server', async t => {
    let number = 0
    const { tally } = await load(
      t,
      (request, response) => {
        request.resume()
        switch (number++ % 10) {
          case 0:
            response.writeHead(503, { 'content-type': 'application/json' })
            response.end('{"detail":"Too busy"}')
            break
          case 1:
            request.socket.destroy()
            break
          case 2:
            break // never
          default:
            response.end('ok')
        }
      },
      { timeoutMs: 2000, connections: 64 }, // so patient that a busy machine's pauses are not mistaken for silence
    )
    assert.deepEqual(Object.fromEntries(tally.errors), { '503': 10, lost: 10, timeout: 10 })
    assert.equal(tally.samples.get('503'), '{"detail":"Too busy"}')
    assert.deepEqual([tally.due, tally.answered], [100, 70])
    // What was given up took at least so long; what broke or was refused says nothing of latency.
    assert.equal(tally.latency.total, 80)
    assert.ok(tally.latency.maximum >= 2_000_000)
  })

  test('gives up what no connection is free for in time', async t => {
    const { tally } = await load(t, request => void request.resume(), {
      connections: 1,
      measuredMs: 500,
      timeoutMs: 100,
    })
    const { timeout = 0, unsent = 0 } = Object.fromEntries(tally.errors)
    assert.equal(tally.due, 50)
    assert.equal(timeout + unsent, 50)
    assert.ok(timeout >= 2 && unsent >= 20, `${timeout} given up, ${unsent} not sent`)
  })

  test('tells of a server that went away while it was asked', async t => {
    const server = createServer((request, response) => void request.resume().on('end', () => response.end()))
    const port = await listening(t, server)
    const gone = { isGone: false }
    const watch = {
      signal: never,
      onProgress(elapsedMs: number): void {
        if (elapsedMs < 300 || gone.isGone) return
        gone.isGone = true
        server.close()
        server.closeAllConnections()
      },
    }
    const { tally } = await runLoad(planFor(port, { measuredMs: 800, timeoutMs: 200 }), watch)
    assert.equal(tally.due, 80)
    assert.ok(tally.answered >= 20 && (tally.errors.get('unsent') ?? 0) >= 20, JSON.stringify([...tally.errors]))
    assert.match(tally.samples.get('unsent') ?? '', /ECONNREFUSED/)
  })

  test('goes on where the server ends the connection with each answer, and where it writes in chunks', async t => {
    const closing = await load(t, (request, response) => {
      request.resume()
      response.setHeader('connection', 'close')
      response.write('a')
      response.end('b')
    })
    assert.deepEqual([closing.tally.answered, closing.tally.errors.size], [100, 0])
  })

  test('a connection that the server ends while it is idle is no error', async t => {
    let connections = 0
    const server = createRawServer(socket => {
      connections++
      socket.on('error', () => {})
      socket.on('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
        setTimeout(() => socket.end(), 20)
      })
    })
    const port = await listening(t, server)
    const plan = planFor(port, { rate: 20, connections: 2 })
    const { tally } = await runLoad(plan, { signal: never, onProgress() {} })
    assert.deepEqual([tally.answered, tally.errors.size], [20, 0])
    assert.ok(connections >= 19, `${connections} connections`)
  })

  test('a server that nobody can reach, and one that speaks something else', async t => {
    const server = createRawServer()
    const port = await listening(t, server)
    await new Promise<void>(resolve => server.close(() => resolve()))
    await assert.rejects(runLoad(planFor(port), { signal: never, onProgress() {} }), /ECONNREFUSED/)

    const other = await listening(
      t,
      createRawServer(socket => void socket.on('error', () => {}).once('data', () => socket.write('SSH-2.0\r\n\r\n'))),
    )
    const { tally } = await runLoad(planFor(other, { rate: 20, measuredMs: 200 }), { signal: never, onProgress() {} })
    assert.deepEqual(Object.fromEntries(tally.errors), { lost: 4 })
    assert.match(tally.samples.get('lost') ?? '', /does not begin like an answer/)
  })

  const skip = spawnSync('openssl', ['version']).status === 0 ? false : 'no openssl on the path to make a certificate'
  test('over TLS: only a server whose certificate is trusted', { skip }, async t => {
    const folder = mkdtempSync(join(tmpdir(), 'bellwether-tls-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const named = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    execFileSync('openssl', [...made, ...named, '-keyout', key, '-out', cert], { stdio: 'pipe' })
    const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      request.resume().on('end', () => response.end('ok'))
    })
    const port = await listening(t, server)
    const planned = (host: string): LoadPlan =>
      planFor(port, { endpoint: { host, port, isSecure: true }, rate: 50, measuredMs: 200 })
    await assert.rejects(runLoad(planned('127.0.0.1'), { signal: never, onProgress() {} }), /self-signed certificate/)

    const before = getCACertificates('default')
    setDefaultCACertificates([...before, readFileSync(cert, 'utf8')])
    t.after(() => setDefaultCACertificates(before))
    for (const host of ['127.0.0.1', 'localhost']) {
      const { tally } = await runLoad(planned(host), { signal: never, onProgress() {} })
      assert.deepEqual([tally.answered, tally.errors.size], [10, 0], host)
    }
  })

  test('an interruption keeps what was measured until then', async t => {
    const controller = new AbortController()
    const port = await listening(
      t,
      createServer((request, response) => void request.resume().on('end', () => response.end())),
    )
    const watch = {
      signal: controller.signal,
      onProgress: (elapsedMs: number) => void (elapsedMs > 300 && controller.abort()),
    }
    const { tally, measuredMs } = await runLoad(planFor(port, { measuredMs: 60_000 }), watch)
    assert.ok(measuredMs > 300 && measuredMs < 30_000, `${measuredMs} ms`)
    assert.ok(tally.answered > 20)
  })
})
