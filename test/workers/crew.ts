/** A server with two workers, as a process of its own, and what tests want of it. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { tinyModel } from '../journeys/model.ts'
import { bellwether, type RunningServer, startServer, temporaryFolder } from '../server.ts'

export const WINDOW_MS = 1_000

/** A folder with the tiny model, watched, registered as `tiny@1.0.0`; removed after the test. */
export async function registered(t: TestContext): Promise<string> {
  const data = temporaryFolder()
  const files = temporaryFolder()
  t.after(() => [data, files].map(folder => rmSync(folder, { recursive: true, force: true })))
  writeFileSync(join(files, 'model.json'), tinyModel())
  const reference = Array.from({ length: 200 }, (_, index) => `${18 + (index % 70)},${index % 10}`)
  writeFileSync(join(files, 'train.csv'), ['age,tenure', ...reference].join('\n'))
  const manifest = 'name: tiny\nversion: 1.0.0\nartifact: model.json\nreference: train.csv\n'
  writeFileSync(join(files, 'model.yaml'), manifest)
  const { status, stderr } = await bellwether(['register', join(files, 'model.yaml'), '--data', data])
  assert.equal(status, 0, stderr)
  return data
}

export async function startCrew(
  t: TestContext,
  data: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const settings = { BELLWETHER_MONITORING_WINDOW_MS: String(WINDOW_MS), ...env }
  const server = await startServer({ data, args: ['--workers', '2'], env: settings })
  t.after(() => server.kill('SIGKILL'))
  return server
}

/** Processes that a process has started and that still live. */
export function workersOf({ pid }: RunningServer): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  const isWorker = (child: string): boolean => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('workers/main')
  return text.trim().split(' ').filter(isWorker).map(Number)
}

export function isAlive(pid: number): boolean {
  try {
    // A process that has ended and that nobody has taken note of is a zombie.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** How many workers answer. */
export async function answering({ url }: RunningServer): Promise<number> {
  const metrics = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) }).then(
    answer => answer.text(),
    () => '',
  )
  return Number(/^workers_answering (\d+)$/m.exec(metrics)?.[1] ?? 0)
}

/** A worker's start takes a second, on a machine that does nothing else. */
const UNTIL_MS_MAX = 30_000

/** Looks again and again. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + UNTIL_MS_MAX
  while (!(await isSo())) {
    if (Date.now() > deadline) assert.fail(`Not so after ${UNTIL_MS_MAX} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

const HUNG_MS = 10_000

export interface Answered {
  readonly status: number
  readonly text: string
}

/** One request over an agent's connection; undefined where the connection broke before the answer was whole. */
export function send(
  url: string,
  agent: Agent,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered | undefined> {
  return new Promise(resolve => {
    const sent = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers }
    const call = request(url, { method: 'POST', agent, headers: sent }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', () => resolve(undefined))
      response.on('end', () => resolve(response.complete ? { status: response.statusCode!, text } : undefined))
    })
    call.on('error', () => resolve(undefined))
    call.setTimeout(HUNG_MS, () => {
      process.stderr.write('a request was never answered\n')
      call.destroy()
    })
    call.end(body)
  })
}

export interface Load {
  /** Ids of answers that came whole. */
  readonly acknowledged: string[]
  /** Requests whose connection broke. */
  readonly broken: () => number
  /** Answers that were none. */
  readonly refused: string[]
  /** Ends it and resolves when what was under way has ended. */
  stop(): Promise<void>
}

/** Asks over so many connections, one request after another on each, until it is stopped. */
export function startLoad(t: TestContext, { url }: RunningServer, connections: number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const acknowledged: string[] = []
  const refused: string[] = []
  let broken = 0
  let isStopped = false
  const connection = async (n: number): Promise<void> => {
    for (let age = 18; !isStopped; age = age === 90 ? 18 : age + 1) {
      const answered = await send(`${url}/predict`, agent, JSON.stringify({ age, tenure: n % 12 }))
      if (answered === undefined) {
        broken++
        await new Promise(resolve => setTimeout(resolve, 5)) // a server that is gone refuses at once
      } else if (answered.status === 200) acknowledged.push((JSON.parse(answered.text) as { id: string }).id)
      else refused.push(answered.text)
    }
  }
  const all = Promise.all(Array.from({ length: connections }, (_, n) => connection(n)))
  t.after(() => {
    isStopped = true
  })
  return {
    acknowledged,
    refused,
    broken: () => broken,
    async stop() {
      isStopped = true
      await all
      agent.destroy()
    },
  }
}

export interface KeptRecord {
  readonly kind: string
  readonly id: string
  readonly at: number
  readonly source?: string
  readonly count?: number
  readonly code?: string
}

export async function recordsOf({ url }: RunningServer, headers: Record<string, string> = {}): Promise<KeptRecord[]> {
  const text = await (await fetch(`${url}/audit/records`, { headers })).text()
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as KeptRecord)
}

/** That each of these is there once, and no id twice. */
export function assertKept(records: readonly KeptRecord[], acknowledged: readonly string[]): void {
  const ids = new Set(records.map(({ id }) => id))
  assert.equal(ids.size, records.length, 'none is there twice')
  assert.deepEqual(
    acknowledged.filter(id => !ids.has(id)),
    [],
    'none is lost',
  )
}

/** That what is told of traffic is what the records say, window by window. */
export async function assertCounted(server: RunningServer): Promise<number> {
  const records = await recordsOf(server)
  const range = `since=${Date.now() - 600_000}&until=${Date.now() + 60_000}&step=${WINDOW_MS}`
  const answer = await fetch(`${server.url}/models/tiny/service?${range}&version=1.0.0`)
  const { windows, total } = (await answer.json()) as {
    windows: { from: number; rows: number }[]
    total: { refusals: Record<string, number> }
  }
  const predictions = records.filter(({ kind }) => kind === 'prediction')
  const expected = Map.groupBy(predictions, ({ at }) => Math.floor(at / WINDOW_MS) * WINDOW_MS)
  assert.deepEqual(
    windows.filter(({ rows }) => rows > 0).map(({ from, rows }) => [from, rows]),
    [...expected].map(([from, { length }]) => [from, length]).sort((a, b) => a[0]! - b[0]!),
  )
  const refused = records.filter(({ kind, code }) => kind === 'refusal' && code === 'invalid')
  const invalid = refused.reduce((sum, { count }) => sum + count!, 0)
  assert.equal(total.refusals['invalid'] ?? 0, invalid)
  return predictions.length
}
