/** One load of several threads, and a generator that is too slow, against servers in processes of their own. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, type TestContext, test } from 'node:test'
import { runThreads } from '../../src/loadtest/load-threads.ts'
import { loadReport } from '../../src/loadtest/report.ts'
import { type Loaded, type LoadPlan, runLoad } from '../../src/loadtest/run-load.ts'
import { seededRandom } from '../../src/math/random.ts'
import { serviceTargets } from '../../src/monitoring/service-levels.ts'

const never = new AbortController().signal

/** Answers each request after a while; its last line of output, when its input ends, counts what it got by body. */
const SERVER = `
const { createServer } = require('node:http')
const seen = {}
let sockets = 0
const server = createServer((request, response) => {
  let body = ''
  request.on('data', text => { body += text }).on('end', () => {
    seen[body] = (seen[body] ?? 0) + 1
    const wait = Number(process.argv[1])
    if (wait > 0) setTimeout(() => response.end('ok'), wait)
    else response.end('ok')
  })
})
server.on('connection', () => sockets++)
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.resume().on('end', () => { console.log(JSON.stringify({ seen, sockets })); process.exit() })
`

interface Seen {
  readonly seen: Readonly<Record<string, number>>
  readonly sockets: number
}

async function started(t: TestContext, waitMs: number): Promise<{ readonly port: number; end(): Promise<Seen> }> {
  const child = spawn(process.execPath, ['-e', SERVER, String(waitMs)], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)
  const [port] = (await once(lines, 'line')) as [string]
  return {
    port: Number(port),
    async end(): Promise<Seen> {
      const line = once(lines, 'line') as Promise<[string]>
      child.stdin.end()
      return JSON.parse((await line)[0]) as Seen
    },
  }
}

function request(body: string): Buffer {
  return Buffer.from(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
}

function planFor(port: number, more: Partial<LoadPlan> = {}): LoadPlan {
  return {
    endpoint: { host: '127.0.0.1', port, isSecure: false },
    requests: ['a', 'b', 'c', 'd', 'e', 'f'].map(request),
    rate: 600,
    arrivals: 'even',
    random: seededRandom(1),
    connections: 7,
    warmUpMs: 0,
    measuredMs: 1000,
    timeoutMs: 5000,
    ...more,
  }
}

const isLate = ({ tally, measuredMs }: Loaded): boolean =>
  loadReport({
    settings: {
      url: 'http://127.0.0.1/',
      rate: 1,
      arrivals: 'even',
      connections: 1,
      threads: 1,
      warmUpSeconds: 0,
      timeoutSeconds: 5,
      rows: 1,
      rowsFrom: '',
      targetsFrom: '',
    },
    targets: serviceTargets(undefined),
    tally,
    measuredMs,
    startedAt: 0,
    interrupted: false,
    server: {},
  }).isGeneratorLate

describe('runThreads()', () => {
  test('three threads send what one would: each request in turn, each once, over their connections together', async t => {
    const server = await started(t, 0)
    const told: number[] = []
    const { tally, measuredMs } = await runThreads(planFor(server.port), 3, {
      signal: never,
      onProgress: (_, due) => told.push(due),
    })
    assert.deepEqual([tally.due, tally.answered, measuredMs], [600, 600, 1000])
    assert.equal(tally.latency.total, 600)
    assert.equal(
      tally.parts.reduce((sum, { due }) => sum + due, 0),
      600,
    )
    assert.deepEqual(
      told.toSorted((a, b) => a - b),
      told,
    )
    assert.ok(told.length > 2 && told.at(-1)! <= 600, told.join())
    const { seen, sockets } = await server.end()
    assert.deepEqual(seen, { a: 100, b: 100, c: 100, d: 100, e: 100, f: 100 })
    assert.equal(sockets, 7)
  })

  test('arrivals at random keep their rate, and what waits for a slow server is counted', async t => {
    const { port } = await started(t, 100)
    const plan = planFor(port, { arrivals: 'poisson', rate: 150, connections: 4, timeoutMs: 20_000 })
    const { tally } = await runThreads(plan, 2, { signal: never, onProgress() {} })
    // Four deviations of a Poisson count.
    assert.ok(Math.abs(tally.due - 150) < 49, `${tally.due}`)
    // Four connections take 40 requests a second, and four times as many were due.
    assert.ok(tally.latency.maximum > 1.5e6, `${tally.latency.maximum} µs`)
    assert.ok(tally.service.quantile(0.5) < 1e6, `${tally.service.quantile(0.5)} µs`)
    assert.ok(tally.waited > tally.due / 2, `${tally.waited} of ${tally.due}`)
    assert.equal(isLate({ tally, measuredMs: 1000 }), false, 'the server was slow')
  })

  test('a server that nobody can reach, and an interruption', async t => {
    const server = await started(t, 0)
    await server.end()
    const quiet = { signal: never, onProgress() {} }
    await assert.rejects(runThreads(planFor(server.port), 2, quiet), /ECONNREFUSED/)

    const { port } = await started(t, 0)
    const controller = new AbortController()
    const { tally, measuredMs } = await runThreads(planFor(port, { measuredMs: 60_000 }), 2, {
      signal: controller.signal,
      onProgress: elapsedMs => void (elapsedMs > 300 && controller.abort()),
    })
    assert.ok(measuredMs > 300 && measuredMs < 30_000, `${measuredMs} ms`)
    assert.ok(tally.answered > 100 && tally.due < 36_000, `${tally.answered}`)
    const given = await runThreads(planFor(port), 2, { signal: AbortSignal.abort(), onProgress() {} })
    assert.deepEqual([given.tally.due, given.measuredMs], [0, 0])
  })
})

/** Keeps the thread busy, as a machine that has too little to give. */
function busyFor(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

test('a generator that is kept from its work says so, and does not blame the server', async t => {
  const { port } = await started(t, 0)
  const held = { signal: never, onProgress: () => busyFor(15) }
  const enough = await runLoad(planFor(port, { connections: 64 }), held)
  assert.ok(enough.tally.lateness.quantile(0.99) > 5000, `${enough.tally.lateness.quantile(0.99)} µs`)
  assert.equal(isLate(enough), true, 'with free connections')

  // With one connection, it waits for connections as it would before a slow server: that answers lie unread tells the two apart.
  const starved = await runLoad(planFor(port, { connections: 1, rate: 5000, timeoutMs: 500 }), {
    signal: never,
    onProgress: () => busyFor(60),
  })
  assert.ok(starved.tally.waited > starved.tally.due / 2, `${starved.tally.waited} of ${starved.tally.due}`)
  assert.ok(starved.tally.lag.maximum > 10_000, `${starved.tally.lag.maximum} µs`)
  assert.equal(isLate(starved), true, 'without')
})
