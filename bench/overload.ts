/**
 * What is still answered in time when more is asked than can be: `npm run bench:overload -- [--seconds 8] [--factors 1,2,3,6]
 * [--rows 100] [--deadline 500]`.
 *
 * First how many requests a second the server answers at most (64 connections, each asks again when it is answered: the
 * peak). Then multiples of that come by a schedule that waits for nobody, over as many
 * connections as that needs. *Goodput* is what is
 * answered within the deadline. The same with waiting unlimited shows what the limits of waiting are for.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { features, sample } from '../examples/churn/bank.ts'
import { closedLoop } from './closed-loop.ts'
import type { OverloadFound, OverloadPlan } from './overload-load.ts'
import { machine, pinned, registerExample, remove, startServer, temporaryFolder } from './processes.ts'

const run = promisify(execFile)
const SERVER_CORE = 0
const LOAD_CORE = 1
/** Enough that no request has to wait for one: who waits at the generator tells nothing of the server. */
const CONNECTIONS_MIN = 64
const CONNECTIONS_MAX = 8_000
const BODIES = 97
const WARM_UP_SECONDS = 2

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    factors: { type: 'string', default: '1,2,3,6' },
    rows: { type: 'string', default: '100' },
    deadline: { type: 'string', default: '500' },
  },
})
const seconds = Number(values.seconds)
const deadlineMs = Number(values.deadline)
const { measure, generator } = closedLoop([], false)

interface Mode {
  readonly name: string
  readonly env: Readonly<Record<string, string>>
}

const MODES: readonly Mode[] = [
  { name: 'as delivered', env: {} },
  {
    name: 'waiting unlimited',
    env: { BELLWETHER_LIMITS_QUEUE_MAX: '65536', BELLWETHER_LIMITS_QUEUE_MS_MAX: '3600000' },
  },
]

function bodiesOf(folder: string, rows: number): string {
  const path = join(folder, `bodies-${rows}.jsonl`)
  const customers = sample('overload', BODIES + rows).map(features)
  const body = (at: number): string =>
    rows === 1 ? JSON.stringify(customers[at]) : JSON.stringify(customers.slice(at, at + rows))
  writeFileSync(path, Array.from({ length: BODIES }, (_, at) => `${body(at)}\n`).join(''))
  return path
}

async function generate(plan: OverloadPlan): Promise<OverloadFound> {
  const script = new URL('overload-load.ts', import.meta.url).pathname
  const [program, args] = pinned(LOAD_CORE, [process.execPath, script, JSON.stringify(plan)])
  return JSON.parse((await run(program, args)).stdout) as OverloadFound
}

function row(cells: readonly (string | number)[]): void {
  process.stdout.write(`| ${cells.join(' | ')} |\n`)
}

async function measureMode({ name, env }: Mode, folder: string, rows: number): Promise<void> {
  const place = join(folder, `${name.replaceAll(' ', '-')}-${rows}`)
  mkdirSync(place)
  const data = join(place, 'data')
  registerExample(data)
  Object.assign(process.env, env)
  const server = await startServer(data, SERVER_CORE)
  for (const key of Object.keys(env)) delete process.env[key]
  try {
    const bodies = bodiesOf(folder, rows)
    await measure(server, '/predict', bodies, WARM_UP_SECONDS)
    const peak = (await measure(server, '/predict', bodies, seconds)).requestsPerSecond
    for (const factor of values.factors.split(',').map(Number)) {
      process.stderr.write(`${name}, ${rows} rows a request, ${factor} × the peak\n`)
      const url = `${server.url}/predict`
      const load = { url, bodies, seconds, warmUpSeconds: WARM_UP_SECONDS, deadlineMs }
      const rate = factor * peak
      const wanted = Math.ceil((rate * deadlineMs * 1.3) / 1000)
      const connections = Math.min(CONNECTIONS_MAX, Math.max(CONNECTIONS_MIN, wanted))
      const found = await generate({ ...load, rate, connections })
      const asked = found.due / seconds
      const errors = Object.entries(found.errors).map(([why, count]) => `${why}: ${Math.round(count / seconds)}`)
      const share = found.goodPerSecond / peak
      const told = [asked, found.goodPerSecond].map(rate => Math.round(rate).toLocaleString('en'))
      const ms = [found.p50Ms, found.p99Ms].map(value => value?.toFixed(1) ?? '–')
      row([name, rows, `${factor} ×`, ...told, share.toFixed(2), ...ms, errors.join(', ') || 'none'])
    }
  } finally {
    await server.stop()
  }
}

const folder = temporaryFolder()
try {
  row(['', 'rows', 'load', 'asked/s', 'good/s', 'of the peak', 'p50 ms', 'p99 ms', 'others a second'])
  row(Array.from({ length: 9 }, () => '---'))
  for (const rows of values.rows.split(',').map(Number)) {
    for (const mode of MODES) await measureMode(mode, folder, rows)
  }
  process.stdout.write(
    `\nGood: answered within ${deadlineMs} ms. Latency of what was answered, from when it was sent; the ` +
      `peak by ${generator}.\n${machine()}; server on one core, the generator on the other.\n`,
  )
} finally {
  remove(folder)
}
