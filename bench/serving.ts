/**
 * Requests a second on one core with everything on (validation, policy, journal, log line, metrics, records), as a share of a
 * bare `node:http` JSON echo in the same run: `npm run bench:serving -- [--rounds 5] [--seconds 8] [--own] [--counters] [--explain]`. With
 * `--explain` a server that keeps what moved each answer is measured beside one that explains on request: what `explain: always` costs. With
 * `--counters` the same model is measured without reference data too, so that nothing is counted for drift: what the counters cost.
 *
 * The server is pinned to one core, the load (wrk; our own generator with `--own` or where wrk is missing) to another. Echo
 * and server alternate, because machines drift; medians are told with the smallest and the largest round.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import type { LoadResult } from './load.ts'
import {
  bodiesFile,
  cpuSeconds,
  hasProgram,
  type Measured,
  machine,
  mainThreadSeconds,
  median,
  pinned,
  registerExample,
  registerExplained,
  remove,
  startEcho,
  startServer,
  temporaryFolder,
} from './processes.ts'

const run = promisify(execFile)
const SERVER_CORE = 0
const LOAD_CORE = 1
const CONNECTIONS = 64
const BODIES = 997
const WARM_UP_SECONDS = 3

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
    own: { type: 'boolean', default: false },
    subject: { type: 'boolean', default: false },
    counters: { type: 'boolean', default: false },
    explain: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const usesWrk = hasProgram('wrk') && !values.own
const headers = values.subject ? ['bellwether-subject: customer-17', 'bellwether-purpose: retention-offer'] : []

interface Round extends LoadResult {
  /** Processor microseconds of the server process, its threads and children, for each request. */
  readonly cpuUs: number
  /** Of these, those of the thread that answers. */
  readonly mainUs: number
}

async function measure(server: Measured, path: string, folder: string, forSeconds: number): Promise<Round> {
  const before = { all: cpuSeconds(server.pid), main: mainThreadSeconds(server.pid) }
  const url = server.url + path
  const result = usesWrk ? await wrk(url, folder, forSeconds) : await own(url, folder, forSeconds)
  const perRequest = (used: number): number => (used * 1e6) / result.requests
  const cpuUs = perRequest(cpuSeconds(server.pid) - before.all)
  const mainUs = perRequest(mainThreadSeconds(server.pid) - before.main)
  if (result.failures > 0)
    throw new Error(`Cannot compare: ${result.failures} of ${result.requests} requests failed at ${url}`)
  return { ...result, cpuUs, mainUs }
}

async function own(url: string, folder: string, forSeconds: number): Promise<LoadResult> {
  const generator = new URL('load.ts', import.meta.url).pathname
  const told = ['--url', url, '--bodies', join(folder, 'bodies.jsonl'), '--seconds', String(forSeconds)]
  const [program, args] = pinned(LOAD_CORE, [
    process.execPath,
    generator,
    ...told,
    '--connections',
    String(CONNECTIONS),
    ...headers.flatMap(header => ['--header', header]),
  ])
  return JSON.parse((await run(program, args)).stdout) as LoadResult
}

async function wrk(url: string, folder: string, forSeconds: number): Promise<LoadResult> {
  const script = join(folder, 'wrk.lua')
  const [program, args] = pinned(LOAD_CORE, ['wrk', '-t1', `-c${CONNECTIONS}`, `-d${forSeconds}s`, '-s', script, url])
  return JSON.parse((await run(program, args)).stdout.trim().split('\n').at(-1)!) as LoadResult
}

/** Requests are formatted once; a round costs wrk nothing but sending them. */
function wrkScript(bodies: string): string {
  const lua = (text: string): string => `[==[${text}]==]`
  const set = headers
    .map(header => header.split(': ') as [string, string])
    .map(([name, value]) => `wrk.headers[ ${lua(name)} ] = ${lua(value)}`)
  return `wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
${set.join('\n')}
local requests, i = {}, 0
function init()
  for line in io.lines(${lua(bodies)}) do requests[#requests + 1] = wrk.format(nil, nil, nil, line) end
end
function request()
  i = i % #requests + 1
  return requests[i]
end
function done(summary, latency)
  local failures = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  local seconds = summary.duration / 1e6
  print(string.format('\\n{"requests":%d,"seconds":%f,"requestsPerSecond":%f,"failures":%d,"p50Ms":%f,"p99Ms":%f}',
    summary.requests, seconds, summary.requests / seconds, failures, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
`
}

function row(name: string, all: readonly Round[]): string {
  const figure = (of: (round: Round) => number, digits: number): string => {
    const figures = all.map(of)
    const text = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: digits })
    return `${text(median(figures))} (${text(Math.min(...figures))} to ${text(Math.max(...figures))})`
  }
  return `| ${name} | ${figure(r => r.requestsPerSecond, 0)} | ${figure(r => r.p50Ms, 2)} | ${figure(r => r.p99Ms, 2)} | ${figure(r => r.cpuUs, 1)} | ${figure(r => r.mainUs, 1)} |`
}

function report(echo: readonly Round[], ours: readonly Round[]): number {
  const shares = ours.map((round, i) => round.requestsPerSecond / echo[i]!.requestsPerSecond)
  const share = median(shares)
  const byCpu = median(ours.map((round, i) => echo[i]!.cpuUs / round.cpuUs))
  const lines = [
    '| | requests/s | p50 ms | p99 ms | CPU µs a request | of them, answering thread |',
    '|---|---|---|---|---|---|',
    row('bare `node:http` JSON echo', echo),
    row('Bellwether, everything on', ours),
    '',
    `Share: **${share.toFixed(2)}** (${Math.min(...shares).toFixed(2)} to ${Math.max(...shares).toFixed(2)} over ${ours.length} rounds of ${seconds} s)`,
    `By processor time, which other work on the machine hardly disturbs: ${byCpu.toFixed(2)}`,
    '',
    `${machine()}; server on one core, ${usesWrk ? 'wrk' : 'bench/load.ts'} with ${CONNECTIONS} connections on another${headers.length > 0 ? '; with subject and purpose' : ''}.`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  return share
}

async function startUncounted(folder: string): Promise<Measured> {
  const data = join(folder, 'uncounted', 'data')
  mkdirSync(join(folder, 'uncounted'))
  registerExample(data, false)
  return startServer(data, SERVER_CORE)
}

function reportCounters(echo: readonly Round[], ours: readonly Round[], without: readonly Round[]): void {
  const of = (rounds: readonly Round[]): number =>
    median(rounds.map((round, i) => round.requestsPerSecond / echo[i]!.requestsPerSecond))
  const byCpu = (rounds: readonly Round[]): number => median(rounds.map((round, i) => echo[i]!.cpuUs / round.cpuUs))
  const points = (without: number, withThem: number): string => `${((without - withThem) * 100).toFixed(1)} points`
  process.stdout.write(
    `Without reference data, so that nothing is counted for drift: ${of(without).toFixed(2)}; the counters cost ${points(of(without), of(ours))}, ` +
      `by processor time ${points(byCpu(without), byCpu(ours))}\n`,
  )
}

/** What `explain: always` costs: two servers that differ in nothing else, in turn. */
async function compareExplained(folder: string): Promise<void> {
  const modes = ['on-request', 'always'] as const
  const servers: Measured[] = []
  const measured: Round[][] = [[], []]
  try {
    for (const mode of modes) {
      mkdirSync(join(folder, mode))
      const data = join(folder, mode, 'data')
      registerExplained(folder, data, mode)
      servers.push(await startServer(data, SERVER_CORE))
    }
    for (const server of servers) await measure(server, '/predict', folder, WARM_UP_SECONDS)
    for (let round = 1; round <= rounds; round++) {
      process.stderr.write(`explained, round ${round} of ${rounds}\n`)
      for (const at of round % 2 === 0 ? [1, 0] : [0, 1]) {
        measured[at]!.push(await measure(servers[at]!, '/predict', folder, seconds))
      }
    }
  } finally {
    await Promise.all(servers.map(server => server.stop()))
  }
  reportExplained(measured[0]!, measured[1]!)
}

function reportExplained(onRequest: readonly Round[], always: readonly Round[]): void {
  const loss = (of: (round: Round) => number): number =>
    1 - median(always.map((round, i) => of(round) / of(onRequest[i]!)))
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
  const lines = [
    '| | requests/s | p50 ms | p99 ms | CPU µs a request | of them, answering thread |',
    '|---|---|---|---|---|---|',
    row('explain: on-request', onRequest),
    row('explain: always', always),
    '',
    `With what moved each answer kept in its record: **${percent(loss(round => round.requestsPerSecond))}** fewer requests/s; ` +
      `by processor time of the answering thread ${percent(loss(round => 1 / round.mainUs))}`,
    '',
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

async function main(): Promise<void> {
  const folder = temporaryFolder()
  const data = join(folder, 'data')
  const bodies = bodiesFile(folder, BODIES)
  writeFileSync(join(folder, 'wrk.lua'), wrkScript(bodies))
  if (values.explain) {
    await compareExplained(folder).finally(() => remove(folder))
    return
  }
  registerExample(data)
  const echoServer = await startEcho(SERVER_CORE)
  const server = await startServer(data, SERVER_CORE)
  const uncounted = values.counters ? await startUncounted(folder) : undefined
  const echo: Round[] = []
  const ours: Round[] = []
  const without: Round[] = []
  try {
    await measure(echoServer, '/', folder, WARM_UP_SECONDS)
    await measure(server, '/predict', folder, WARM_UP_SECONDS)
    for (let round = 1; round <= rounds; round++) {
      process.stderr.write(`round ${round} of ${rounds}\n`)
      const all = [
        async () => echo.push(await measure(echoServer, '/', folder, seconds)),
        async () => ours.push(await measure(server, '/predict', folder, seconds)),
        ...(uncounted === undefined
          ? []
          : [async () => without.push(await measure(uncounted, '/predict', folder, seconds))]),
      ]
      // Who comes first is measured a little slower: each does in turn.
      for (const one of round % 2 === 0 ? all.reverse() : all) await one()
    }
  } finally {
    await Promise.all([echoServer.stop(), server.stop(), uncounted?.stop()])
    remove(folder)
  }
  const share = report(echo, ours)
  if (without.length > 0) reportCounters(echo, ours, without)
  const recorded = JSON.parse(readFileSync(new URL('recorded.json', import.meta.url), 'utf8')) as {
    servingShare: number
  }
  if (share < recorded.servingShare) {
    process.stderr.write(`warning: the share is ${share.toFixed(2)}, the one recorded ${recorded.servingShare}\n`)
  }
}

await main()
