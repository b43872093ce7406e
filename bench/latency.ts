/**
 * Latency on one core below saturation: `npm run bench:latency -- [--shares 0.7] [--seconds 20] [--rounds 3] [--own]`.
 *
 * First how many requests a second the server answers at most, with 64 connections in a closed loop; then, with so many
 * connections, shares of that rate in an open loop (`bellwether bench`), arriving equally spaced and at random. The rate of
 * each round is a share of a maximum measured just before, because machines drift; and a bare `node:http` echo is asked as much right
 * afterwards: its latency is what the machine has at that moment.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { LoadReport } from '../src/loadtest/report.ts'
import { CONNECTIONS, closedLoop } from './closed-loop.ts'
import { openLoop } from './open-loop.ts'
import {
  bodiesFile,
  type Measured,
  machine,
  median,
  registerExample,
  remove,
  startEcho,
  startServer,
  temporaryFolder,
} from './processes.ts'

const SERVER_CORE = 0
const BODIES = 997
const WARM_UP_SECONDS = 3
const PEAK_SECONDS = 4
const { values } = parseArgs({
  options: {
    shares: { type: 'string', default: '0.7' },
    seconds: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
    own: { type: 'boolean', default: false },
  },
})
const { measure, generator } = closedLoop([], values.own)

function row(name: string, reports: readonly LoadReport[]): string {
  const figure = (of: (report: LoadReport) => number | undefined): string => {
    const all = reports.map(report => of(report) ?? Number.NaN)
    return `${median(all).toFixed(2)} (${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)})`
  }
  const cells = [
    figure(({ rate }) => rate),
    figure(({ latencyMs }) => latencyMs?.p50),
    figure(({ latencyMs }) => latencyMs?.p99),
    figure(({ latencyMs }) => latencyMs?.p999),
    figure(({ latencyMs }) => latencyMs?.max),
    figure(({ latenessMs, lagMs }) => (latenessMs?.p99 ?? 0) + (lagMs?.p99 ?? 0)),
    String(reports.filter(({ isGeneratorLate }) => isGeneratorLate).length),
    String(reports.reduce((sum, { requests, answered }) => sum + requests - answered, 0)),
  ]
  return `| ${name} | ${cells.join(' | ')} |`
}

async function measureAll(server: Measured, echo: Measured, bodies: string): Promise<Map<string, LoadReport[]>> {
  const found = new Map<string, LoadReport[]>()
  const add = (name: string, report: LoadReport): void => void found.set(name, [...(found.get(name) ?? []), report])
  await measure(server, '/predict', bodies, WARM_UP_SECONDS)
  await measure(echo, '/', bodies, WARM_UP_SECONDS)
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const share of values.shares.split(',')) {
      for (const arrivals of ['even', 'poisson'] as const) {
        process.stderr.write(`round ${round} of ${values.rounds}, ${share} of the maximum, ${arrivals}\n`)
        const peak = await measure(server, '/predict', bodies, PEAK_SECONDS)
        const rate = peak.requestsPerSecond * Number(share)
        const load = { rows: bodies, rate, seconds: Number(values.seconds), connections: CONNECTIONS, arrivals }
        const name = `${share} of the maximum, ${arrivals}`
        add(name, await openLoop({ ...load, url: `${server.url}/predict` }))
        add(`${name}: the echo`, await openLoop({ ...load, url: `${echo.url}/` }))
      }
    }
  }
  return found
}

const folder = temporaryFolder()
try {
  const data = join(folder, 'data')
  const bodies = bodiesFile(folder, BODIES)
  registerExample(data)
  const server = await startServer(data, SERVER_CORE)
  const echo = await startEcho(SERVER_CORE)
  try {
    const found = await measureAll(server, echo, bodies)
    const lines = [
      '| load | requests/s | p50 ms | p99 ms | p99.9 ms | max ms | generator late, p99 ms | rounds it spoiled | errors |',
      '|---|---|---|---|---|---|---|---|---|',
      ...[...found].map(([name, reports]) => row(name, reports)),
      '',
      `Latency from when a request was due; ${CONNECTIONS} connections, ${values.rounds} rounds of ${values.seconds} s; the maximum by ${generator}.`,
      `${machine()}; server on one core, the generator on another.`,
      '',
    ]
    process.stdout.write(lines.join('\n'))
  } finally {
    await Promise.all([server.stop(), echo.stop()])
  }
} finally {
  remove(folder)
}
