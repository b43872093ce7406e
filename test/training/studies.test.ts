/** Studies as their users meet them: 32 workers in Python, over HTTP, some of which die, as servers do. */
import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { client, httpTransport } from '../../src/client.ts'
import { postgresPlace } from '../postgres.ts'
import { type RunningServer, startServer, temporaryFolder } from '../server.ts'
import { PYTHON, skipUnless } from '../services.ts'

const SCRIPT = fileURLToPath(new URL('study_workers.py', import.meta.url))
const WORKERS = 32
const TRIALS = 150
const STUDY = {
  name: 'churn',
  space: {
    lr: { type: 'float', low: 1e-4, high: 1, log: true },
    depth: { type: 'int', low: 1, high: 6 },
    booster: { type: 'categorical', choices: ['gbtree', 'dart'] },
    drop: { type: 'float', low: 0, high: 0.5, when: { booster: 'dart' } },
  },
  pruner: 'asha',
  trials: TRIALS,
  heartbeatMs: 1_500,
}

interface Workers {
  /** What was acknowledged: number of the trial and value. */
  readonly told: Map<number, number>
  /** Resolves when so many trials were told of. */
  reached(count: number): Promise<void>
  readonly ended: Promise<string>
}

function startWorkers(t: TestContext, urls: readonly string[]): Workers {
  const child = spawn(PYTHON, [SCRIPT, 'churn', String(WORKERS), ...urls], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  const told = new Map<number, number>()
  const waiting: { readonly count: number; readonly resolve: () => void }[] = []
  createInterface({ input: child.stdout }).on('line', line => {
    const [, number, value] = line.split(' ')
    assert.ok(!told.has(Number(number)), `told twice: ${line}`)
    told.set(Number(number), Number(value))
    for (const { count, resolve } of waiting) if (told.size >= count) resolve()
  })
  return {
    told,
    reached: count => new Promise(resolve => waiting.push({ count, resolve })),
    ended: endOf(child),
  }
}

async function endOf(child: ChildProcessByStdio<null, Readable, Readable>): Promise<string> {
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  await new Promise(resolve => child.once('close', resolve))
  return errors
}

interface ShownTrial {
  readonly number: number
  readonly state: string
  readonly attempt: number
  readonly values?: { readonly value: number }
}

/** Every trial is over, and what was acknowledged is there as it was told. */
async function judged({ url }: RunningServer, told: ReadonlyMap<number, number>): Promise<readonly ShownTrial[]> {
  const server = client(httpTransport(url))
  const { trials } = await server.json<{ trials: ShownTrial[] }>('GET', '/studies/churn/trials')
  assert.deepEqual(
    trials.map(({ number }) => number),
    Array.from({ length: TRIALS }, (_, i) => i),
  )
  for (const { number, state, values } of trials) {
    assert.ok(['complete', 'pruned', 'failed'].includes(state), `${number} is ${state}`)
    if (told.has(number)) assert.equal(values?.value, told.get(number), `trial ${number}`)
  }
  return trials
}

test('on SQLite: the server is killed in the middle, and the study goes on', {
  skip: skipUnless('python'),
}, async t => {
  const data = temporaryFolder()
  t.after(() => rmSync(data, { recursive: true, force: true }))
  const first = await startServer({ data })
  await client(httpTransport(first.url)).json('POST', '/studies', STUDY)
  const before = startWorkers(t, [first.url])
  await before.reached(12)
  await first.kill('SIGKILL')
  await before.ended
  const second = await startServer({ data })
  t.after(() => second.kill('SIGTERM'))
  const after = startWorkers(t, [second.url])
  assert.equal(await after.ended, '')
  const trials = await judged(second, new Map([...before.told, ...after.told]))
  assert.ok(
    trials.some(({ attempt }) => attempt > 1),
    'what died was tried again',
  )
})

test('on PostgreSQL: two servers share a study, one is killed, and the other goes on with all workers', {
  skip: skipUnless('python') || skipUnless('postgres'),
}, async t => {
  const { url: database = '' } = await postgresPlace(t)
  const env = { BELLWETHER_DATABASE_URL: database }
  const servers = [await startServer({ env }), await startServer({ env })] as const
  for (const server of servers) {
    t.after(async () => {
      await server.kill('SIGTERM')
      rmSync(server.data, { recursive: true, force: true })
    })
  }
  await client(httpTransport(servers[0].url)).json('POST', '/studies', STUDY)
  const { told, reached, ended } = startWorkers(
    t,
    servers.map(({ url }) => url),
  )
  await reached(12)
  await servers[0].kill('SIGKILL')
  assert.equal(await ended, '')
  await judged(servers[1], told)
})
