/**
 * From the start of the process to the first answered prediction, with a model registered before:
 * `npm run bench:cold-start -- [--runs 10]`. The model's first request loads it from disk, so that is part of it. The first
 * start of a user compiles the program and keeps what it compiled; each later one reads that. Both are told.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { features, sample } from '../examples/churn/bank.ts'
import { CLI, freePort, machine, median, registerExample, remove, temporaryFolder } from './processes.ts'

const POLL_MS = 2
const START_MS_MAX = 20_000
const { values } = parseArgs({ options: { runs: { type: 'string', default: '10' } } })

async function firstAnswerMs(data: string, body: string, cache: string): Promise<number> {
  const port = await freePort()
  const startedAt = performance.now()
  // Without a channel, as a shell starts it; the server is stopped below whatever happens.
  const child = spawn(process.execPath, [CLI, 'start', '--data', data, '--port', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const request = { method: 'POST', body, headers: { 'content-type': 'application/json' } }
  try {
    while (performance.now() - startedAt < START_MS_MAX) {
      const answer = await fetch(`http://127.0.0.1:${port}/predict`, request).catch(() => undefined)
      if (answer?.status === 200) return performance.now() - startedAt
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    }
    throw new Error(`Cannot measure: no answer within ${START_MS_MAX} ms`)
  } finally {
    child.kill('SIGTERM')
    await gone
  }
}

const folder = temporaryFolder()
try {
  const data = join(folder, 'data')
  registerExample(data)
  const body = JSON.stringify(features(sample('cold start', 1)[0]!))
  const first: number[] = []
  const later: number[] = []
  for (let run = 0; run < Number(values.runs); run++) {
    const cache = join(folder, `compiled-${run}`)
    first.push(await firstAnswerMs(data, body, cache))
    later.push(await firstAnswerMs(data, body, cache))
  }
  const text = (ms: number): string => `${Math.round(ms)} ms`
  const spread = (times: readonly number[]): string =>
    `${text(median(times))} (${text(Math.min(...times))} to ${text(Math.max(...times))} over ${times.length} runs)`
  process.stdout.write(
    `From start to the first answered prediction: ${spread(later)}\n  the first start, which compiles: ${spread(first)}\n${machine()}\n`,
  )
} finally {
  remove(folder)
}
