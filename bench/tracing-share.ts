/**
 * Requests a second of servers that trace, as a share of one that does not, in the same run on one core:
 * `npm run bench:tracing-share -- [--rounds 5] [--seconds 8]`. They alternate, because machines drift.
 *
 * Kept are none of the traces, one in a hundred, and all of them. The collector is a server here that takes everything, beside
 * the load on another core. At full load with every trace kept, spans are dropped by design: how many is told.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { closedLoop, type Round } from './closed-loop.ts'
import {
  bodiesFile,
  type Measured,
  machine,
  median,
  registerExample,
  remove,
  startServer,
  temporaryFolder,
} from './processes.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '8' } },
})
const SERVER_CORE = 0
const BODIES = 997
const WARM_UP_SECONDS = 3
const RATIOS = [undefined, 0, 0.01, 1] as const

interface Traced {
  readonly ratio: number | undefined
  readonly server: Measured
  readonly rounds: Round[]
}

async function started(folder: string, ratio: number | undefined, collector: string): Promise<Traced> {
  const data = join(folder, `data-${ratio ?? 'none'}`)
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = ratio === undefined ? '' : collector
  process.env['OTEL_TRACES_SAMPLER_ARG'] = String(ratio ?? '')
  registerExample(data)
  return { ratio, server: await startServer(data, SERVER_CORE), rounds: [] }
}

async function spansOf({ server }: Traced): Promise<string> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  const of = (name: string): number => Number(new RegExp(`^trace_spans_${name} (\\d+)$`, 'm').exec(metrics)?.[1] ?? 0)
  return `${of('exported_total')} exported, ${of('dropped_total{reason="full"}'.replace(/[{}"]/g, '\\$&'))} dropped`
}

function line({ ratio, rounds }: Traced, plain: Traced, spans: string): string {
  const share = median(rounds.map((round, at) => round.requestsPerSecond / plain.rounds[at]!.requestsPerSecond))
  const added = median(rounds.map((round, at) => round.cpuUs - plain.rounds[at]!.cpuUs))
  const rate = Math.round(median(rounds.map(({ requestsPerSecond }) => requestsPerSecond))).toLocaleString('en')
  return `| ${ratio ?? 'not traced'} | ${rate} | ${share.toFixed(3)} | ${added.toFixed(2)} | ${spans} |\n`
}

const folder = temporaryFolder()
const collector = createServer((request, response) => {
  request.resume().on('end', () => response.end())
}).listen(0, '127.0.0.1')
await new Promise(resolve => collector.once('listening', resolve))
const servers: Traced[] = []
try {
  const { measure, generator } = closedLoop([], false)
  const bodies = bodiesFile(folder, BODIES)
  const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  for (const ratio of RATIOS) servers.push(await started(folder, ratio, url))
  for (const { server } of servers) await measure(server, '/predict', bodies, WARM_UP_SECONDS)
  for (let round = 1; round <= Number(values.rounds); round++) {
    process.stderr.write(`round ${round} of ${values.rounds}\n`)
    for (const { server, rounds } of servers)
      rounds.push(await measure(server, '/predict', bodies, Number(values.seconds)))
  }
  process.stdout.write(
    '| share of traces kept | requests/s | share of the rate without | CPU µs more | spans |\n|---|---|---|---|---|\n',
  )
  for (const traced of servers) process.stdout.write(line(traced, servers[0]!, await spansOf(traced)))
  process.stdout.write(`${machine()}; load by ${generator}\n`)
} finally {
  for (const { server } of servers) await server.stop()
  collector.close()
  remove(folder)
}
