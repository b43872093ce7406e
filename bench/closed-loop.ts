/**
 * How many requests a second a server answers at most: so many connections, each of which asks again when it is answered. By wrk,
 * or by our own generator where that is missing or asked for. Latencies of such a load are those of a saturated server.
 */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { LoadResult } from './load.ts'
import { cpuSeconds, hasProgram, type Measured, mainThreadSeconds, ownSeconds, pinned } from './processes.ts'

const run = promisify(execFile)
const LOAD_CORE = 1
export const CONNECTIONS = 64
/** Slow servers have 64 requests waiting before each. */
const TIMEOUT_SECONDS = 30

export interface Round extends LoadResult {
  /** Processor microseconds of the server process, its threads and children, for each request. */
  readonly cpuUs: number
  /** Of these, those of the process itself. Its child, the engine, seals the ledger meanwhile, at the lowest priority. */
  readonly ownUs: number
  /** Of these, those of the thread that answers. */
  readonly mainUs: number
}

export interface ClosedLoop {
  /** The generator, by name. */
  readonly generator: string
  /** @param bodies file of JSON bodies, one a line, sent in turn. Throws where a request fails. */
  measure(server: Measured, path: string, bodies: string, forSeconds: number): Promise<Round>
}

/** @param headers as `name: value`. */
export function closedLoop(headers: readonly string[], wantsOwn: boolean): ClosedLoop {
  const usesWrk = hasProgram('wrk') && !wantsOwn
  const loaded = usesWrk ? wrk : own
  return {
    generator: usesWrk ? 'wrk' : 'bench/load.ts',
    async measure(server, path, bodies, forSeconds) {
      const before = { all: cpuSeconds(server.pid), own: ownSeconds(server.pid), main: mainThreadSeconds(server.pid) }
      const url = server.url + path
      const result = await loaded(url, bodies, headers, forSeconds)
      const perRequest = (used: number): number => (used * 1e6) / result.requests
      const cpuUs = perRequest(cpuSeconds(server.pid) - before.all)
      const ownUs = perRequest(ownSeconds(server.pid) - before.own)
      const mainUs = perRequest(mainThreadSeconds(server.pid) - before.main)
      if (result.failures > 0)
        throw new Error(`Cannot compare: ${result.failures} of ${result.requests} requests failed at ${url}`)
      return { ...result, cpuUs, ownUs, mainUs }
    },
  }
}

async function own(url: string, bodies: string, headers: readonly string[], forSeconds: number): Promise<LoadResult> {
  const generator = new URL('load.ts', import.meta.url).pathname
  const told = ['--url', url, '--bodies', bodies, '--seconds', String(forSeconds)]
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

async function wrk(url: string, bodies: string, headers: readonly string[], forSeconds: number): Promise<LoadResult> {
  const script = join(bodies, '..', 'wrk.lua')
  writeFileSync(script, wrkScript(bodies, headers))
  const shape = ['-t1', `-c${CONNECTIONS}`, `-d${forSeconds}s`, '--timeout', `${TIMEOUT_SECONDS}s`]
  const [program, args] = pinned(LOAD_CORE, ['wrk', ...shape, '-s', script, url])
  return JSON.parse((await run(program, args)).stdout.trim().split('\n').at(-1)!) as LoadResult
}

/** Requests are formatted once; a round costs wrk nothing but sending them. */
function wrkScript(bodies: string, headers: readonly string[]): string {
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
