/**
 * The table of attacks in docs/security.md: `npm run bench:abuse`. Each is made on a server as delivered (but for the times, so
 * that the table is made in a minute), while an honest caller asks fifty times a second, each time by a new connection.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { churn, type Honest, hoard, honest, pour, requestText, type Target, trickle } from '../test/abuse/attacks.ts'
import {
  bodiesFile,
  machine,
  registerExample,
  remove,
  residentBytes,
  startServer,
  temporaryFolder,
} from './processes.ts'

const SERVER_CORE = 0
const CONNECTIONS_MAX = 2_000
const SETTINGS = {
  BELLWETHER_LIMITS_HEADER_TIMEOUT_MS: '2000',
  BELLWETHER_LIMITS_REQUEST_TIMEOUT_MS: '3000',
  BELLWETHER_LIMITS_CONNECTIONS_MAX: String(CONNECTIONS_MAX),
}

interface Attack {
  readonly name: string
  readonly sent: string
  readonly run: (target: Target) => Promise<string>
}

const counts = (ends: Readonly<Record<string, number>>): string =>
  Object.entries(ends)
    .map(([end, count]) => `${count.toLocaleString('en')} × ${end}`)
    .join(', ')

const head = ({ path }: Target, length: number): string =>
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`

async function kept(target: Target, first: string): Promise<string> {
  const sockets = await hoard(target, CONNECTIONS_MAX * 2, first)
  await new Promise(resolve => setTimeout(resolve, 1_000))
  for (const socket of sockets) socket.destroy()
  return `no more than ${CONNECTIONS_MAX.toLocaleString('en')} kept; those that brought nothing, or are idle, make room`
}

const ATTACKS: readonly Attack[] = [
  { name: 'none', sent: 'nothing, to compare', run: () => new Promise(resolve => setTimeout(resolve, 3_000, '–')) },
  {
    name: 'slow headers',
    sent: '1,000 connections, a byte of a header each 100 ms',
    run: async target => {
      const text = `POST ${target.path} HTTP/1.1\r\nhost: localhost\r\nx: `
      const { ends, lastedMs } = await trickle(target, 1_000, at => (at === 0 ? text : 'a'), 100)
      return `${counts(ends)}, all within ${(lastedMs / 1000).toFixed(1)} s`
    },
  },
  {
    name: 'slow bodies',
    sent: '1,000 connections, a byte of a body each 100 ms',
    run: async target => {
      const { ends, lastedMs } = await trickle(target, 1_000, at => (at === 0 ? head(target, 1_000) : ' '), 100)
      return `${counts(ends)}, all within ${(lastedMs / 1000).toFixed(1)} s`
    },
  },
  { name: 'hoarded connections', sent: '4,000 that say nothing', run: target => kept(target, '') },
  { name: 'hoarded idle connections', sent: '4,000 that ask once', run: target => kept(target, requestText(target)) },
  {
    name: 'churn',
    sent: '20,000 connections, each ended as soon as it is there',
    run: async target => `${await churn(target, 20_000, 100)} refused`,
  },
  {
    name: 'pipelining',
    sent: '10,000 requests on one connection without waiting',
    run: async target => counts(await pour(target, requestText(target).repeat(10_000), 10_000)),
  },
  {
    name: 'oversize',
    sent: 'a body of 10 GB, announced',
    run: async target => counts(await pour(target, head(target, 1e10), 1)),
  },
  {
    name: 'oversize, unannounced',
    sent: 'chunks without end',
    run: async target => {
      const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`
      const start = head(target, 0).replace('content-length: 0', 'transfer-encoding: chunked')
      const { ends } = await trickle(target, 4, at => (at === 0 ? start : chunk.repeat(16)), 5)
      return counts(ends)
    },
  },
  {
    name: 'many headers',
    sent: '1,000 headers in one request',
    run: async target => counts(await pour(target, requestText(target, Array(1_000).fill('x: a')), 1)),
  },
  {
    name: 'large headers',
    sent: 'one header of 1 MB',
    run: async target => counts(await pour(target, requestText(target, [`x: ${'a'.repeat(1e6)}`]), 1)),
  },
  {
    name: 'smuggling',
    sent: 'a length and chunks in one request',
    run: async target => counts(await pour(target, requestText(target, ['transfer-encoding: chunked']), 1)),
  },
  {
    name: 'deep nesting',
    sent: 'a body of 4 million brackets',
    run: async target => counts(await pour(target, requestText({ ...target, row: '['.repeat(4e6) }), 1)),
  },
]

function told({ asked, failed, p50Ms, p99Ms }: Honest): string {
  if (asked === 0) return 'over before anybody asked'
  return `${asked - failed} of ${asked}, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`
}

const folder = temporaryFolder()
try {
  const data = join(folder, 'data')
  registerExample(data)
  Object.assign(process.env, SETTINGS)
  const server = await startServer(data, SERVER_CORE)
  try {
    const { hostname, port } = new URL(server.url)
    const row = readFileSync(bodiesFile(folder, 1), 'utf8').trim()
    const target = { host: hostname, port: Number(port), path: '/predict', row }
    for (let i = 0; i < 500; i++) await pour(target, requestText(target), 1)
    process.stdout.write('| attack | what was sent | what happened | others answered meanwhile | memory after |\n')
    process.stdout.write('|---|---|---|---|---|\n')
    for (const { name, sent, run } of ATTACKS) {
      const others = honest(target, 20)
      const happened = await run(target)
      const met = told(await others.stop())
      const memory = `${Math.round(residentBytes(server.pid) / 1e6)} MB`
      process.stdout.write(`| ${[name, sent, happened, met, memory].join(' | ')} |\n`)
    }
    process.stdout.write(`\n${machine()}; the server on one core, attackers and honest callers on the others.\n`)
  } finally {
    await server.stop()
  }
} finally {
  remove(folder)
}
