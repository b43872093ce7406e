/** Runs of jobs that nobody looks after any more, on both databases; and a server that is away while a job runs. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { sqlitePlace } from '../../src/platform/temporary.suite.ts'
import { lostRunsSuite } from '../../src/training/jobs/lost-runs.suite.ts'
import { postgresPlace } from '../postgres.ts'
import { startServer } from '../server.ts'
import { skipUnless } from '../services.ts'
import { folderOf } from './job-runs.ts'

const CLI = new URL('../../src/cli.ts', import.meta.url).pathname

describe('on SQLite', () => lostRunsSuite(sqlitePlace))

describe('on PostgreSQL', { skip: skipUnless('postgres') }, () => lostRunsSuite(postgresPlace))

test('a server that is killed while the command runs is waited for, and the run ends well', async t => {
  const command = 'echo ready; while [ ! -e go ]; do sleep 0.1; done; echo made > out.txt'
  const folder = folderOf(t, { 'job.yaml': `name: patient\ncommand: ${JSON.stringify(command)}\noutputs: [out.txt]\n` })
  const first = await startServer()
  t.after(() => rmSync(first.data, { recursive: true, force: true }))
  const { port } = new URL(first.url)
  const child = spawn(process.execPath, [CLI, 'train', join(folder, 'job.yaml'), '--server', first.url], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  let told = ''
  child.stderr.on('data', text => {
    told += text
  })
  const gone = new Promise<number | null>(resolve => child.once('close', resolve))
  const ready = new Promise<void>(resolve => {
    child.stdout.on('data', text => {
      told += text
      if (told.includes('ready')) resolve()
    })
  })
  await Promise.race([ready, gone])
  await first.kill('SIGKILL')
  writeFileSync(join(folder, 'go'), '')
  const second = await startServer({ data: first.data, args: ['--port', port] })
  t.after(() => second.kill('SIGTERM'))
  const status = await gone
  assert.equal(status, 0, told)
  const run = /Run ([0-9a-f]{32}) is FINISHED/.exec(told)?.[1]
  const answer = await fetch(`${second.url}/api/2.0/mlflow/artifacts/list?run_id=${run}&path=outputs`)
  assert.match(await answer.text(), /outputs\/out\.txt/)
})
