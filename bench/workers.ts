/**
 * What workers bring and what they cost: `npm run bench:workers -- [--workers 2] [--rounds 3] [--seconds 8] [--connections 64] [--share 0.3]`.
 *
 * The same model answers in one process and with workers, in turn, over the same connections. Requests a second tell the gain where
 * the machine has a core for each worker, one for the process that keeps the records and one for the load; on a smaller one they
 * compete. Processor time for each request does not depend on that: of all processes it tells how much faster cores that do nothing
 * else become, of the thread that writes the records how many workers it can serve.
 *
 * Then both are measured again with what answers held to a share of a core: the one process, and each of the workers. So there is room
 * for the process that keeps the records and for the load, as on a machine with a core for each.
 */
import { execFile } from 'node:child_process'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { childrenOf, holdToShare } from './core-share.ts'
import type { LoadResult } from './load.ts'
import {
  bodiesFile,
  cpuSeconds,
  type Measured,
  machine,
  mainThreadSeconds,
  median,
  registerExample,
  remove,
  startFree,
  temporaryFolder,
} from './processes.ts'

const run = promisify(execFile)
const BODIES = 997
const WARM_UP_SECONDS = 4

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    connections: { type: 'string', default: '64' },
    share: { type: 'string', default: '0.3' },
  },
})
const workers = Number(values.workers)
const rounds = Number(values.rounds)
const share = Number(values.share)

interface Round {
  readonly rate: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Processor microseconds for each request: of all processes with all their threads, and of the thread that writes the records. */
  readonly allUs: number
  readonly ownerUs: number
}

async function measure(server: Measured, bodies: string, seconds: number): Promise<Round> {
  const before = { all: cpuSeconds(server.pid), owner: mainThreadSeconds(server.pid) }
  const generator = new URL('load.ts', import.meta.url).pathname
  const told = ['--url', `${server.url}/predict`, '--bodies', bodies, '--seconds', String(seconds)]
  const { stdout } = await run(process.execPath, [generator, ...told, '--connections', values.connections])
  const result = JSON.parse(stdout) as LoadResult
  if (result.failures > 0) throw new Error(`Cannot compare: ${result.failures} of ${result.requests} requests failed`)
  const perRequest = (spent: number): number => (spent * 1e6) / result.requests
  return {
    rate: result.requestsPerSecond,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    allUs: perRequest(cpuSeconds(server.pid) - before.all),
    ownerUs: perRequest(mainThreadSeconds(server.pid) - before.owner),
  }
}

function row(name: string, all: readonly Round[]): string {
  const figure = (of: (round: Round) => number, digits: number): string =>
    median(all.map(of)).toLocaleString('en', { maximumFractionDigits: digits })
  const cells = [
    figure(r => r.rate, 0),
    figure(r => r.p50Ms, 2),
    figure(r => r.p99Ms, 2),
    figure(r => r.allUs, 1),
    figure(r => r.ownerUs, 1),
  ]
  return `| ${name} | ${cells.join(' | ')} |`
}

function report(alone: readonly Round[], crew: readonly Round[]): void {
  const ratio = (of: (alone: Round, crew: Round) => number): number =>
    median(alone.map((one, at) => of(one, crew[at]!)))
  const measured = ratio((one, many) => many.rate / one.rate)
  const byCpu = ratio((one, many) => (workers * one.allUs) / many.allUs)
  const most = median(crew.map(({ ownerUs }) => 1e6 / ownerUs))
  const lines = [
    '| | requests/s | p50 ms | p99 ms | CPU µs a request | of them, the thread that writes the records |',
    '|---|---|---|---|---|---|',
    row('one process', alone),
    row(`${workers} workers`, crew),
    '',
    `Measured on ${cpus().length} cores, the load on one of them: **${measured.toFixed(2)}** times one process`,
    `By processor time, on ${workers} cores that do nothing else: **${byCpu.toFixed(2)}** times one process`,
    `The thread that writes the records is the bound at ${Math.round(most / 1000)} thousand requests/s`,
    '',
    `${machine()}; bench/load.ts with ${values.connections} connections; ${rounds} rounds of ${values.seconds} s, in turn.`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** Both in turn, round after round. */
async function measureAll(servers: readonly Measured[], bodies: string, what: string): Promise<Round[][]> {
  const measured: Round[][] = [[], []]
  for (let round = 1; round <= rounds; round++) {
    process.stderr.write(`${what}, round ${round} of ${rounds}\n`)
    for (const at of round % 2 === 0 ? [1, 0] : [0, 1]) {
      measured[at]!.push(await measure(servers[at]!, bodies, Number(values.seconds)))
    }
  }
  return measured
}

async function measureHeld([one, many]: readonly Measured[], bodies: string): Promise<Round[][] | undefined> {
  const pids = [one!.pid, ...childrenOf(many!.pid, /workers\/main/)]
  if (pids.length !== workers + 1) throw new Error(`Cannot hold the workers: found ${pids.length - 1} of ${workers}`)
  const held = pids.map(pid => holdToShare(pid, share))
  try {
    return held.includes(undefined) ? undefined : await measureAll([one!, many!], bodies, 'held')
  } finally {
    for (const each of held) each?.release()
  }
}

function reportHeld(measured: Round[][] | undefined): void {
  if (measured === undefined) {
    process.stdout.write('\nNot held to a share of a core: it takes root and control groups\n')
    return
  }
  const [alone, crew] = measured
  const gain = alone!.map((one, at) => crew![at]!.rate / one.rate)
  const lines = [
    '',
    `| what answers held to ${share} of a core each | requests/s | p50 ms | p99 ms | CPU µs a request | of them, the thread that writes the records |`,
    '|---|---|---|---|---|---|',
    row('one process', alone!),
    row(`${workers} workers`, crew!),
    '',
    `With such shares: **${median(gain).toFixed(2)}** times one process (${Math.min(...gain).toFixed(2)} to ${Math.max(...gain).toFixed(2)})`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

async function main(): Promise<void> {
  const folders = [temporaryFolder(), temporaryFolder()]
  const bodies = bodiesFile(folders[0]!, BODIES)
  const servers: Measured[] = []
  try {
    for (const [at, folder] of folders.entries()) {
      const data = join(folder, 'data')
      registerExample(data)
      servers.push(await startFree(data, at === 0 ? [] : ['--workers', String(workers)]))
    }
    for (const server of servers) await measure(server, bodies, WARM_UP_SECONDS)
    const [alone, crew] = await measureAll(servers, bodies, 'free')
    report(alone!, crew!)
    reportHeld(await measureHeld(servers, bodies))
  } finally {
    await Promise.all(servers.map(server => server.stop()))
    for (const folder of folders) remove(folder)
  }
}

await main()
