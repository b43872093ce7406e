/** A real server: what is asked changes, and the reading, the metric, the log and the command say so; also after a kill. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DriftReport } from '../../src/drift/report.ts'
import { bellwether, type RunningServer, startServer, temporaryFolder } from '../server.ts'
import { skipUnless } from '../services.ts'
import { tinyModel } from './model.ts'

const SEEN_MS_MAX = 10_000
const GOLDEN = 0.6180339887498949
const YAML = `name: tiny
version: 1.0.0
artifact: model.json
reference: train.csv
signature:
  inputs: [{ name: age, type: integer }, { name: tenure, type: integer, sensitive: true }]
drift: { window: 300 }
`

const age = (at: number): number => 20 + Math.floor(40 * ((at * GOLDEN) % 1))

async function registered(server: RunningServer, folder: string): Promise<void> {
  writeFileSync(join(folder, 'model.json'), tinyModel())
  writeFileSync(join(folder, 'model.yaml'), YAML)
  const rows = Array.from({ length: 2_000 }, (_, at) => `${age(at + 1)},${at % 10}`)
  writeFileSync(join(folder, 'train.csv'), `age,tenure\n${rows.join('\n')}\n`)
  const { status, stderr } = await bellwether(['register', join(folder, 'model.yaml'), '--server', server.url])
  assert.equal(status, 0, stderr)
}

async function ask(server: RunningServer, rows: readonly unknown[]): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${server.url}/predict`, { method: 'POST', headers, body: JSON.stringify(rows) })
  assert.equal(answer.status, 200, await answer.text())
}

async function drift(server: RunningServer, query = ''): Promise<DriftReport> {
  const answer = await fetch(`${server.url}/models/tiny/drift${query}`)
  assert.equal(answer.status, 200)
  return (await answer.json()) as DriftReport
}

/** What the metrics say, once it is what is waited for. */
async function metric(server: RunningServer, pattern: RegExp): Promise<string> {
  for (const deadline = Date.now() + SEEN_MS_MAX; ; ) {
    const text = await (await fetch(`${server.url}/metrics`)).text()
    if (pattern.test(text)) return text
    if (Date.now() > deadline) throw new Error(`Cannot find ${pattern} in the metrics:\n${text}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

const usual = Array.from({ length: 300 }, (_, at) => ({ age: age(at + 7), tenure: at % 10 }))
const older = Array.from({ length: 300 }, (_, at) => ({ age: 55 + (at % 5), tenure: at % 10 }))

test('what is asked changes: readings, metrics, log and command tell it, live and from the ledger, through a kill', async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  let server = await startServer()
  t.after(() => rmSync(server.data, { recursive: true, force: true }))
  t.after(() => server.kill('SIGTERM'))
  await registered(server, folder)
  assert.equal((await drift(server)).state, 'idle')

  await ask(server, usual)
  await metric(server, /^drift_state\{model="tiny",version="1\.0\.0"\} 0$/m)
  assert.equal((await drift(server)).state, 'ok')
  await ask(server, older)
  const exposed = await metric(server, /^drift_state\{model="tiny",version="1\.0\.0"\} 2$/m)
  assert.match(exposed, /^drift_score\{.*feature="age",kind="feature",statistic="psi"\} [1-9]/m)
  assert.doesNotMatch(exposed, /drift_score\{.*tenure/)
  if (skipUnless('prometheus') === false) {
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: exposed, encoding: 'utf8' })
    assert.equal(checked.status, 0, checked.stdout + checked.stderr)
  }
  const report = await drift(server)
  assert.deepEqual([report.state, report.cause?.feature, report.window?.rows], ['drift', 'age', 300])
  assert.match(report.cause!.sentence, /^age has drifted: its .* of the reference, \d+ % now$/)
  assert.match(server.stdout(), /"level":"warn".*"feature":"age".*Drift: age has drifted/)

  const live = await drift(server, '?since=0')
  const counted = await drift(server, '?since=0&source=ledger')
  assert.deepEqual(counted.readings, live.readings)
  assert.equal(live.window?.rows, 600)

  await server.kill('SIGKILL')
  const before = report.readings
  server = await startServer({ data: server.data })
  await metric(server, /^drift_state\{model="tiny",version="1\.0\.0"\} 2$/m)
  assert.deepEqual((await drift(server)).readings, before)

  const told = await bellwether(['drift', 'tiny', '--check', '--server', server.url], { NO_COLOR: '1' })
  assert.deepEqual([told.status, told.stderr], [1, ''])
  assert.match(told.stdout, /^tiny@1\.0\.0: drift since .*\n300 predictions, /)
  assert.match(told.stdout, /\nage +\d\S* +0\.\d+ +drift\n/)
  assert.match(told.stdout, /\ntenure is not watched: it is sensitive/)
  await server.kill('SIGTERM')
  const alone = await bellwether(['drift', 'tiny', '--data', server.data, '--json'])
  assert.equal(alone.status, 0, alone.stderr)
  assert.deepEqual((JSON.parse(alone.stdout) as DriftReport).readings, before)
})
