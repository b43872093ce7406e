/**
 * Requests a second on one core with everything on (validation, policy, journal, log line, metrics, records), as a share of a
 * bare `node:http` JSON echo in the same run: `npm run bench:serving -- [--rounds 5] [--seconds 8] [--own] [--counters] [--explain] [--peers all]`. With
 * `--explain` a server that keeps what moved each answer is measured beside one that explains on request: what `explain: always` costs. With
 * `--counters` the same model is measured without reference data too, so that nothing is counted for drift: what the counters cost.
 *
 * With `--peers all` (or `fastapi,mlserver,bentoml,mlflow`) the Python servers of bench/peers.ts are measured as well, one after the
 * other, each round after one of ours; the script makes their environments and prints their versions.
 *
 * The server is pinned to one core, the load (wrk; our own generator with `--own` or where wrk is missing) to another. Echo
 * and server alternate, because machines drift; medians are told with the smallest and the largest round.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CONNECTIONS, closedLoop, type Round } from './closed-loop.ts'
import { type Comparison, comparePeers, comparisonLines } from './compare-peers.ts'
import {
  bodiesFile,
  type Measured,
  machine,
  median,
  registerExample,
  registerExplained,
  remove,
  startEcho,
  startServer,
  temporaryFolder,
} from './processes.ts'

const SERVER_CORE = 0
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
    peers: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const headers = values.subject ? ['bellwether-subject: customer-17', 'bellwether-purpose: retention-offer'] : []
const { measure, generator } = closedLoop(headers, values.own)

function row(name: string, all: readonly Round[]): string {
  const figure = (of: (round: Round) => number, digits: number): string => {
    const figures = all.map(of)
    const text = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: digits })
    return `${text(median(figures))} (${text(Math.min(...figures))} to ${text(Math.max(...figures))})`
  }
  return `| ${name} | ${figure(r => r.requestsPerSecond, 0)} | ${figure(r => r.p50Ms, 2)} | ${figure(r => r.p99Ms, 2)} | ${figure(r => r.ownUs, 1)} | ${figure(r => r.mainUs, 1)} | ${figure(r => r.cpuUs - r.ownUs, 1)} |`
}

function report(echo: readonly Round[], ours: readonly Round[], peers: readonly Comparison[]): number {
  const shares = ours.map((round, i) => round.requestsPerSecond / echo[i]!.requestsPerSecond)
  const share = median(shares)
  const byCpu = median(ours.map((round, i) => echo[i]!.ownUs / round.ownUs))
  const lines = [
    '| | requests/s | p50 ms | p99 ms | CPU µs a request | of them, answering thread | beside, in child processes |',
    '|---|---|---|---|---|---|---|',
    row('bare `node:http` JSON echo', echo),
    row('Bellwether, everything on', ours),
    ...peers.map(peer => row(peer.name, peer.rounds)),
    '',
    `Share: **${share.toFixed(2)}** (${Math.min(...shares).toFixed(2)} to ${Math.max(...shares).toFixed(2)} over ${ours.length} rounds of ${seconds} s)`,
    `By processor time of the process, which other work on the machine hardly disturbs: ${byCpu.toFixed(2)}`,
    'Beside it the engine seals the ledger, at the lowest priority: what it does not get under load it catches up with afterwards.',
    ...comparisonLines(peers),
    '',
    `${machine()}; server on one core, ${generator} with ${CONNECTIONS} connections on another${headers.length > 0 ? '; with subject and purpose' : ''}.`,
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
  const byCpu = (rounds: readonly Round[]): number => median(rounds.map((round, i) => echo[i]!.ownUs / round.ownUs))
  const points = (without: number, withThem: number): string => `${((without - withThem) * 100).toFixed(1)} points`
  process.stdout.write(
    `Without reference data, so that nothing is counted for drift: ${of(without).toFixed(2)}; the counters cost ${points(of(without), of(ours))}, ` +
      `by processor time ${points(byCpu(without), byCpu(ours))}\n`,
  )
}

/** What `explain: always` costs: two servers that differ in nothing else, in turn. */
async function compareExplained(folder: string, bodies: string): Promise<void> {
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
    for (const server of servers) await measure(server, '/predict', bodies, WARM_UP_SECONDS)
    for (let round = 1; round <= rounds; round++) {
      process.stderr.write(`explained, round ${round} of ${rounds}\n`)
      for (const at of round % 2 === 0 ? [1, 0] : [0, 1]) {
        measured[at]!.push(await measure(servers[at]!, '/predict', bodies, seconds))
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
    '| | requests/s | p50 ms | p99 ms | CPU µs a request | of them, answering thread | beside, in child processes |',
    '|---|---|---|---|---|---|---|',
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
  if (values.explain) {
    await compareExplained(folder, bodies).finally(() => remove(folder))
    return
  }
  registerExample(data)
  const echoServer = await startEcho(SERVER_CORE)
  const server = await startServer(data, SERVER_CORE)
  const uncounted = values.counters ? await startUncounted(folder) : undefined
  const echo: Round[] = []
  const ours: Round[] = []
  const without: Round[] = []
  const peers: Comparison[] = []
  try {
    await measure(echoServer, '/', bodies, WARM_UP_SECONDS)
    await measure(server, '/predict', bodies, WARM_UP_SECONDS)
    for (let round = 1; round <= rounds; round++) {
      process.stderr.write(`round ${round} of ${rounds}\n`)
      const all = [
        async () => echo.push(await measure(echoServer, '/', bodies, seconds)),
        async () => ours.push(await measure(server, '/predict', bodies, seconds)),
        ...(uncounted === undefined
          ? []
          : [async () => without.push(await measure(uncounted, '/predict', bodies, seconds))]),
      ]
      // Who comes first is measured a little slower: each does in turn.
      for (const one of round % 2 === 0 ? all.reverse() : all) await one()
    }
    if (values.peers !== undefined) {
      const comparing = { core: SERVER_CORE, folder, bodies, server, measure, rounds, seconds }
      peers.push(...(await comparePeers({ ...comparing, peers: values.peers })))
    }
  } finally {
    await Promise.all([echoServer.stop(), server.stop(), uncounted?.stop()])
    remove(folder)
  }
  const share = report(echo, ours, peers)
  if (without.length > 0) reportCounters(echo, ours, without)
  const recorded = JSON.parse(readFileSync(new URL('recorded.json', import.meta.url), 'utf8')) as {
    servingShare: number
  }
  if (share < recorded.servingShare) {
    process.stderr.write(`warning: the share is ${share.toFixed(2)}, the one recorded ${recorded.servingShare}\n`)
  }
}

await main()
