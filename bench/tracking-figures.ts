/** What is measured of a server that speaks MLflow's protocol. */
import { randomBytes } from 'node:crypto'
import { type Caller, openCaller, rate } from './tracking-load.ts'

const API = '/api/2.0/mlflow'
const MANY = 16
const AT_ONCE = 500
const MB = 1 << 20
const BIG_BYTES = 64 * MB
const SMALL_BYTES = 10_000

interface Figure {
  readonly name: string
  of(url: string): Promise<number>
}

/** Runs of an experiment of their own, and callers. */
async function prepared(
  url: string,
  callers: number,
): Promise<{ callers: readonly Caller[]; experiment: string; runs: readonly string[] }> {
  const first = await openCaller(url)
  const experiment = await makeExperiment(first)
  const runs: string[] = []
  for (let at = 0; at < MANY; at++) runs.push(await begin(first, experiment, at))
  first.close()
  const opened = await Promise.all(Array.from({ length: callers }, () => openCaller(url)))
  return { callers: opened, experiment, runs }
}

async function makeExperiment(caller: Caller): Promise<string> {
  const body = JSON.stringify({ name: `bench-${randomBytes(8).toString('hex')}` })
  return (JSON.parse(await caller.call('POST', `${API}/experiments/create`, body)) as { experiment_id: string })
    .experiment_id
}

function beginning(experiment: string, at: number): string {
  return JSON.stringify({ experiment_id: experiment, start_time: at, run_name: `r${at}` })
}

async function begin(caller: Caller, experiment: string, at: number): Promise<string> {
  const told = await caller.call('POST', `${API}/runs/create`, beginning(experiment, at))
  return (JSON.parse(told) as { run: { info: { run_id: string } } }).run.info.run_id
}

/** @param at which batch: every point is another one. */
function batch(run: string, at: number): string {
  const metrics = Array.from({ length: AT_ONCE }, (_, i) => {
    return {
      key: `k${i % 50}`,
      value: (at * AT_ONCE + i) / 3,
      timestamp: 1_700_000_000_000 + at,
      step: at * 10 + Math.trunc(i / 50),
    }
  })
  return JSON.stringify({ run_id: run, metrics })
}

export function figures(forMs: number): readonly Figure[] {
  return [MANY, 1].flatMap(count => {
    const by = `${count} ${count === 1 ? 'caller' : 'callers'}`
    const figure = (
      name: string,
      times: number,
      call: (at: number, who: number, experiment: string, runs: readonly string[]) => readonly [string, string],
    ): Figure => ({
      name: `${name}, ${by}, a second`,
      async of(url) {
        const { callers, experiment, runs } = await prepared(url, count)
        const measured = await rate(callers, forMs, (caller, at, who) => {
          const [path, body] = call(at, who, experiment, runs)
          return caller.call('POST', `${API}/${path}`, body)
        })
        for (const caller of callers) caller.close()
        return measured * times
      },
    })
    return [
      figure('log-metric', 1, (at, who, _, runs) => [
        'runs/log-metric',
        `{"run_id":"${runs[who]}","key":"m","value":${at / 7},"timestamp":${1_700_000_000_000 + at},"step":${at}}`,
      ]),
      figure('runs/create', 1, (at, _, experiment) => ['runs/create', beginning(experiment, at)]),
      figure('metrics by log-batch', AT_ONCE, (at, who, _, runs) => ['runs/log-batch', batch(runs[who]!, at)]),
    ]
  })
}

/** Artifacts up and down: big ones, MB a second, and small ones. */
export async function uploads(url: string): Promise<readonly (readonly [string, number])[]> {
  const caller = await openCaller(url)
  const folder = `/api/2.0/mlflow-artifacts/artifacts/bench-${randomBytes(8).toString('hex')}`
  const content = randomBytes(BIG_BYTES)
  const seconds = async (work: () => Promise<unknown>): Promise<number> => {
    const start = performance.now()
    await work()
    return (performance.now() - start) / 1_000
  }
  const up = await seconds(() => caller.call('PUT', `${folder}/big`, content))
  const down = await seconds(async () => {
    const answer = await fetch(`${url}${folder}/big`)
    let bytes = 0
    for await (const chunk of answer.body!) bytes += (chunk as Uint8Array).length
    if (bytes !== BIG_BYTES) throw new Error(`Cannot go on: ${bytes} bytes came back`)
  })
  // Servers close connections that lay idle for some seconds.
  caller.close()
  const again = await openCaller(url)
  const small = await rate([again], 1_000, (who, at) => {
    return who.call('PUT', `${folder}/small-${at}`, content.subarray(at * SMALL_BYTES, (at + 1) * SMALL_BYTES))
  })
  again.close()
  return [
    ['artifact of 64 MB up, MB/s', BIG_BYTES / MB / up],
    ['artifact of 64 MB down, MB/s', BIG_BYTES / MB / down],
    ['artifacts of 10 kB up, a second', small],
  ]
}

const SEARCHES: readonly (readonly [string, object])[] = [
  ['two conditions', { filter: "metrics.acc > 0.9 AND params.lr = '0.1'" }],
  ['two conditions, by metric', { filter: "metrics.acc > 0.5 AND params.lr = '0.3'", order_by: ['metrics.acc DESC'] }],
  ['two conditions, few found', { filter: "metrics.acc > 0.998 AND params.lr = '0.9'" }],
  ['two conditions, none found', { filter: "metrics.acc > 0.9 AND params.lr = 'none'" }],
  ['by name', { filter: "attributes.run_name LIKE 'r1234%' AND metrics.acc < 0.5" }],
  ['all, newest first', {}],
]
const TIMES = 9

/** Milliseconds of searches over so many runs, the median of some. */
export async function searched(
  url: string,
  runs: number,
  fill: (experiment: string, runs: number) => Promise<void>,
): Promise<readonly (readonly [string, number])[]> {
  const first = await openCaller(url)
  const experiment = await makeExperiment(first)
  first.close()
  await fill(experiment, runs)
  const caller = await openCaller(url)
  const told: (readonly [string, number])[] = []
  for (const [name, asked] of SEARCHES) {
    const body = JSON.stringify({ experiment_ids: [experiment], max_results: 100, ...asked })
    const times: number[] = []
    for (let time = 0; time < TIMES; time++) {
      const start = performance.now()
      await caller.call('POST', `${API}/runs/search`, body)
      times.push(performance.now() - start)
    }
    told.push([`search of ${runs} runs: ${name}, ms`, times.sort((a, b) => a - b)[TIMES >> 1]!])
  }
  caller.close()
  return told
}
