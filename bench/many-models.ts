/**
 * Thousands of models on one server: `npm run bench:many-models -- [--models 5000] [--asked 500] [--runs 5]`. Told are the start,
 * with one registered and with all of them, until it listens and until a model answers for the first time; what loading one
 * takes; and what loaded models hold, as stated by `GET /memory` and as the process grew.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { features, sample } from '../examples/churn/bank.ts'
import type { MemoryReport } from '../src/serving/memory.ts'
import { multipliedName, multiplyModel } from '../test/registry/multiply.ts'
import { CLI, freePort, machine, median, registerExample, remove, residentBytes, temporaryFolder } from './processes.ts'

const POLL_MS = 2
const START_MS_MAX = 30_000
const { values } = parseArgs({
  options: {
    models: { type: 'string', default: '5000' },
    asked: { type: 'string', default: '500' },
    runs: { type: 'string', default: '5' },
  },
})
const [models, asked, runs] = [Number(values.models), Number(values.asked), Number(values.runs)]
const body = JSON.stringify(features(sample('many models', 1)[0]!))

interface Running {
  readonly url: string
  readonly pid: number
  readonly listensMs: number
  stop(): Promise<void>
}

async function start(data: string): Promise<Running> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const startedAt = performance.now()
  const child = spawn(process.execPath, [CLI, 'start', '--data', data, '--port', String(port)], { stdio: 'ignore' })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await gone
  }
  while (performance.now() - startedAt < START_MS_MAX) {
    const answer = await fetch(`${url}/healthz`).catch(() => undefined)
    if (answer?.ok === true) return { url, pid: child.pid!, listensMs: performance.now() - startedAt, stop }
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
  await stop()
  throw new Error(`Cannot measure: it does not listen after ${START_MS_MAX} ms`)
}

/** Milliseconds of one answer. */
async function ask(url: string, model: string): Promise<number> {
  const beganAt = performance.now()
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/models/${model}/predict`, { method: 'POST', headers, body })
  if (answer.status !== 200) throw new Error(`Cannot measure: ${model} answered ${await answer.text()}`)
  await answer.arrayBuffer()
  return performance.now() - beganAt
}

async function startsOf(data: string, count: number, model: string): Promise<string> {
  const listens: number[] = []
  const answers: number[] = []
  let megabytes = 0
  for (let run = 0; run < runs; run++) {
    const server = await start(data)
    listens.push(server.listensMs)
    answers.push(server.listensMs + (await ask(server.url, model)))
    megabytes = residentBytes(server.pid) / 1e6
    await server.stop()
  }
  const text = (times: readonly number[]): string =>
    `${Math.round(median(times))} ms (${Math.round(Math.min(...times))} to ${Math.round(Math.max(...times))})`
  return `  ${count} registered: listens after ${text(listens)}, first answer after ${text(answers)}, then ${megabytes.toFixed(0)} MB\n`
}

async function loadsOf(data: string): Promise<string> {
  const server = await start(data)
  try {
    await ask(server.url, multipliedName(1))
    const before = residentBytes(server.pid)
    const times: number[] = []
    for (let index = 2; index <= asked; index++) times.push(await ask(server.url, multipliedName(index)))
    const grown = residentBytes(server.pid) - before
    const again: number[] = []
    for (let index = 2; index <= asked; index++) again.push(await ask(server.url, multipliedName(index)))
    const report = (await (await fetch(`${server.url}/memory?limit=100000`)).json()) as MemoryReport
    const stated = report.models.bytes / report.models.loaded
    const loads = report.loaded.map(({ loadMs }) => loadMs).sort((a, b) => a - b)
    const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(0)} kB`
    return [
      `  ${asked} models asked in turn: first answer ${median(times).toFixed(1)} ms, later ${median(again).toFixed(1)} ms`,
      `  loading one: ${median(loads).toFixed(1)} ms, the slowest of a hundred ${loads[Math.floor(loads.length * 0.99)]!.toFixed(1)} ms`,
      `  one loaded model holds ${kilobytes(stated)} as stated; the process grew by ${kilobytes(grown / (asked - 1))} for each`,
      '',
    ].join('\n')
  } finally {
    await server.stop()
  }
}

const folder = temporaryFolder()
try {
  const data = join(folder, 'data')
  registerExample(data)
  process.stdout.write(`A server with many models, medians of ${runs} starts\n`)
  await startsOf(data, 1, 'churn') // what is compiled is kept for the next
  process.stdout.write(await startsOf(data, 1, 'churn'))
  multiplyModel(data, 'churn', models - 1)
  process.stdout.write(await startsOf(data, models, multipliedName(models - 1)))
  process.stdout.write(await loadsOf(data))
  process.stdout.write(`${machine()}\n`)
} finally {
  remove(folder)
}
