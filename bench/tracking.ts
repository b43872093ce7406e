/**
 * How fast runs are tracked over MLflow's protocol, every write durable before it is answered.
 *
 *   npm run bench:tracking                         our own server, in a process of its own, on SQLite
 *   npm run bench:tracking -- --url URL            any server that speaks the protocol, `mlflow server` too
 *   npm run bench:tracking -- --database URL       our own on PostgreSQL
 *   npm run bench:tracking -- --runs 100000        runs that the search is over (default 10000; 0: no search)
 *
 * Prints calls a second (16 callers, and one) and the time of a search with two conditions, best and median of 15.
 */
import { Agent, request } from 'node:http'
import { parseArgs } from 'node:util'
import { withServer } from '../test/server.ts'

type Call = (path: string, body: object) => Promise<Record<string, unknown>>

const CALLERS = 16
const CALLS = 2_000
const AT_ONCE = 500

function caller(url: string): Call {
  const agent = new Agent({ keepAlive: true, maxSockets: CALLERS })
  return (path, body) =>
    new Promise((resolve, reject) => {
      const text = JSON.stringify(body)
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
      const sent = request(`${url}/api/2.0/mlflow/${path}`, { method: 'POST', agent, headers }, answer => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () => {
          const told = Buffer.concat(chunks).toString()
          if (answer.statusCode === 200) resolve(JSON.parse(told))
          else reject(new Error(`Cannot go on: ${path} answered ${answer.statusCode} ${told.slice(0, 200)}`))
        })
        answer.on('error', reject)
      })
      sent.on('error', reject)
      sent.end(text)
    })
}

/** Calls a second. */
async function rate(calls: number, callers: number, call: (at: number) => Promise<unknown>): Promise<number> {
  const start = performance.now()
  let next = 0
  const work = async (): Promise<void> => {
    for (let at = next++; at < calls; at = next++) await call(at)
  }
  await Promise.all(Array.from({ length: callers }, work))
  return (calls / (performance.now() - start)) * 1_000
}

async function measure(url: string, runs: number): Promise<void> {
  const call = caller(url)
  const { experiment_id } = await call('experiments/create', { name: `bench-${process.pid}-${performance.now()}` })
  const begin = async (at: number): Promise<string> => {
    const { run } = await call('runs/create', { experiment_id, start_time: at, run_name: `r${at}` })
    return (run as { info: { run_id: string } }).info.run_id
  }
  const ids: string[] = []
  for (let at = 0; at < CALLERS; at++) ids.push(await begin(at))
  const told: Record<string, number> = {}
  for (const callers of [CALLERS, 1]) {
    const calls = callers === 1 ? CALLS / 4 : CALLS
    const metric = (at: number): object => {
      return { run_id: ids[at % CALLERS], key: 'm', value: at / 7, timestamp: at, step: callers * CALLS + at }
    }
    told[`log-metric, ${callers} callers, calls/s`] = await rate(calls, callers, at =>
      call('runs/log-metric', metric(at)),
    )
    told[`runs/create, ${callers} callers, calls/s`] = await rate(calls / 2, callers, begin)
    const batch = (at: number): object => ({
      run_id: ids[at % CALLERS],
      metrics: Array.from({ length: AT_ONCE }, (_, i) => ({
        key: `k${i % 50}`,
        value: i / 3,
        timestamp: at,
        step: at * AT_ONCE + i,
      })),
    })
    const batches = await rate(40, callers, at => call('runs/log-batch', batch(callers * 1_000 + at)))
    told[`log-batch, ${callers} callers, metrics/s`] = batches * AT_ONCE
  }
  for (const [name, value] of Object.entries(told)) process.stdout.write(`${name.padEnd(40)} ${Math.round(value)}\n`)
  if (runs > 0) await measureSearch(call, String(experiment_id), runs, begin)
}

async function measureSearch(
  call: Call,
  experiment: string,
  runs: number,
  begin: (at: number) => Promise<string>,
): Promise<void> {
  await rate(runs, CALLERS, async at => {
    const run_id = await begin(at)
    const metrics = [{ key: 'acc', value: (at % 1_000) / 1_000, timestamp: 1, step: 0 }]
    await call('runs/log-batch', { run_id, metrics, params: [{ key: 'lr', value: `0.${at % 10}` }] })
  })
  const asked = { experiment_ids: [experiment], filter: "metrics.acc > 0.9 AND params.lr = '0.1'", max_results: 100 }
  const times: number[] = []
  for (let round = 0; round < 15; round++) {
    const start = performance.now()
    await call('runs/search', asked)
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  process.stdout.write(
    `search of two conditions over ${runs} runs, ms: ${times[0]!.toFixed(1)} ${times[7]!.toFixed(1)}\n`,
  )
}

const { values } = parseArgs({
  options: { url: { type: 'string' }, database: { type: 'string' }, runs: { type: 'string', default: '10000' } },
})
const runs = Number(values.runs)
if (values.url !== undefined) await measure(values.url, runs)
else {
  const args = values.database === undefined ? [] : ['--database.url', values.database]
  await withServer({ args }, server => measure(server.url, runs))
}
process.exit(0)
