/**
 * From the start of the process to the first answered prediction, with a model registered before:
 * `npm run bench:cold-start -- [--runs 10]`. Of the program as it is published (built first, into a temporary folder) and of
 * the clone, which runs its source. The model's first request loads it from disk, so that is part of it. The first start of a
 * user compiles the program and keeps what it compiled; each later one reads that. Both are told.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { features, sample } from '../examples/churn/bank.ts'
import { buildPackage } from '../scripts/build-package.ts'
import {
  CLI,
  cpuSeconds,
  freePort,
  machine,
  median,
  ROOT,
  registerExample,
  remove,
  residentBytes,
  temporaryFolder,
} from './processes.ts'

const POLL_MS = 2
const START_MS_MAX = 20_000
const { values } = parseArgs({ options: { runs: { type: 'string', default: '10' } } })

interface Started {
  readonly ms: number
  readonly cpuMs: number
  readonly megabytes: number
}

/** The package as it is installed: beside what it depends on. */
async function published(folder: string): Promise<string> {
  const installed = join(folder, 'bellwether')
  mkdirSync(installed)
  for (const name of ['bin', 'package.json']) cpSync(join(ROOT, name), join(installed, name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(installed, 'node_modules'))
  await buildPackage(join(installed, 'dist'))
  return join(installed, 'bin/bellwether.js')
}

async function firstAnswer(program: string, data: string, body: string, cache: string): Promise<Started> {
  const port = await freePort()
  const startedAt = performance.now()
  // Without a channel, as a shell starts it; the server is stopped below whatever happens.
  const child = spawn(process.execPath, [program, 'start', '--data', data, '--port', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const request = { method: 'POST', body, headers: { 'content-type': 'application/json' } }
  try {
    while (performance.now() - startedAt < START_MS_MAX) {
      const answer = await fetch(`http://127.0.0.1:${port}/predict`, request).catch(() => undefined)
      if (answer?.status === 200) {
        const ms = performance.now() - startedAt
        return { ms, cpuMs: cpuSeconds(child.pid!) * 1000, megabytes: residentBytes(child.pid!) / 1e6 }
      }
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    }
    throw new Error(`Cannot measure: no answer within ${START_MS_MAX} ms`)
  } finally {
    child.kill('SIGTERM')
    await gone
  }
}

function told(what: string, starts: readonly Started[]): string {
  const times = starts.map(({ ms }) => ms)
  const text = (ms: number): string => `${Math.round(ms)} ms`
  const cpu = text(median(starts.map(({ cpuMs }) => cpuMs)))
  const megabytes = Math.round(median(starts.map(({ megabytes: one }) => one)))
  const spread = `${text(Math.min(...times))} to ${text(Math.max(...times))} over ${times.length} runs`
  return `  ${what}: ${text(median(times))} (${spread}), of processor time ${cpu}, in memory then ${megabytes} MB\n`
}

const folder = temporaryFolder()
try {
  const data = join(folder, 'data')
  registerExample(data)
  const body = JSON.stringify(features(sample('cold start', 1)[0]!))
  const programs = { 'as published': await published(folder), 'in a clone': CLI }
  process.stdout.write('From start to the first answered prediction\n')
  for (const [name, program] of Object.entries(programs)) {
    const first: Started[] = []
    const later: Started[] = []
    for (let run = 0; run < Number(values.runs); run++) {
      const cache = join(folder, `compiled-${name.replaceAll(' ', '-')}-${run}`)
      first.push(await firstAnswer(program, data, body, cache))
      later.push(await firstAnswer(program, data, body, cache))
    }
    process.stdout.write(told(name, later) + told(`${name}, the first start, which compiles`, first))
  }
  process.stdout.write(`${machine()}\n`)
} finally {
  remove(folder)
}
