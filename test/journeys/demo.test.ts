/** The demo as a newcomer runs it, piped: shorter, but whole. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runningServer } from '../../src/platform/folder.ts'
import { type Ended, temporaryFolder } from '../server.ts'
import { shared, skipUnless } from '../services.ts'

const DEMO = new URL('../../examples/churn/demo.ts', import.meta.url).pathname
const GONE_MS_MAX = 20_000

/** Temporary folders are made in a folder of the test's own, so that what is left behind shows. */
function demo(args: readonly string[], folder: string): Promise<Ended> {
  const child = spawn(process.execPath, [DEMO, '--port', '0', ...args], { env: { ...process.env, TMPDIR: folder } })
  const texts = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    texts.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.stderr += text
  })
  return new Promise(resolve => child.once('close', code => resolve({ status: code ?? -1, ...texts })))
}

/** But for Node's own cache of compiled modules, which is there to stay. */
const leftIn = (folder: string): string[] => readdirSync(folder).filter(name => name !== 'node-compile-cache')

test('the demo tells its whole story, catches three falsifications, and leaves nothing behind', async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const { status, stdout, stderr } = await demo(['--exit', '--customers', '1600'], folder)
  assert.equal(status, 0, stderr + stdout)
  assert.equal(stdout.match(/✓ caught/g)?.length, 3, stdout)
  assert.match(stdout, /Registered churn@1\.0\.0/)
  assert.match(stdout, /1600 customers answered/)
  assert.match(stdout, /a purpose that is prohibited +\d+ +403/)
  assert.match(stdout, /as pseudonym/)
  assert.match(stdout, /1600 answered, \d+ refused, 0 failed/)
  assert.match(stdout, /801–\d+ +cestria +drift +/)
  assert.match(stdout, /changed after 800 customers, when those of cestria began to come/)
  assert.match(stdout, /noticed +drift on \w+ after \d+ of its customers; no alarm before/)
  const best = [...stdout.matchAll(/AUC (0\.\d{3}), nobody could do better than (0\.\d{3})/g)]
  assert.equal(best.length, 2, stdout)
  const [home, abroad] = best.map(([, auc]) => Number(auc)) as [number, number]
  assert.ok(home - abroad > 0.1, `AUC ${home} at home, ${abroad} abroad: the world changed for the worse`)
  assert.ok(!stdout.includes('\u001b'), 'no colours in a pipe')
  assert.deepEqual(leftIn(folder), [])
})

test('the demo runs on the public churn data and its model', { skip: skipUnless('shared') }, async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const files = [
    '--data',
    shared('data/sets/churn/churn_modelling.csv'),
    '--model',
    shared('models/churn/xgb_core.json'),
  ]
  const { status, stdout, stderr } = await demo(['--exit', ...files], folder)
  assert.equal(status, 0, stderr + stdout)
  assert.match(stdout, /NumOfProducts → num_products/)
  assert.match(stdout, /Customers of Germany come last/)
  const [, feature, customers] =
    /noticed +drift on (\w+) after ([\d,]+) of its customers; no alarm before/.exec(stdout) ?? []
  assert.equal(feature, 'balance', stdout)
  assert.ok(Number(customers!.replaceAll(',', '')) <= 500, stdout)
  const accuracy = Number(/accuracy ([\d.]+) %/.exec(stdout)?.[1])
  assert.ok(accuracy > 80, `accuracy ${accuracy} %`)
})

test('the demo says what it cannot use', async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const data = join(folder, 'shoes.csv')
  writeFileSync(data, 'shoe_size,hat\n43,1\n')
  const unmatched = await demo(['--exit', '--data', data], folder)
  assert.equal(unmatched.status, 65, unmatched.stdout)
  assert.match(unmatched.stderr, /wants age, tenure.* the columns left over are shoe_size, hat/)
  const misspelt = await demo(['--exti'], folder)
  assert.equal(misspelt.status, 64)
  assert.match(misspelt.stderr, /--exti/)
  assert.deepEqual(leftIn(folder), ['shoes.csv'])
})

test('killing the demo leaves no server behind', async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const child = spawn(process.execPath, [DEMO, '--port', '0', '--customers', '50'], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let told = ''
  await new Promise<void>((resolve, reject) => {
    child.once('exit', code => reject(new Error(`the demo ended with ${code}`)))
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text
      if (told.includes('stays up until Ctrl-C')) resolve()
    })
  })
  child.removeAllListeners('exit')
  const data = join(folder, readdirSync(folder).find(name => name.startsWith('bellwether-demo-'))!, 'data')
  const server = runningServer(data)
  assert.ok(server !== undefined)
  child.kill('SIGKILL')
  const deadline = Date.now() + GONE_MS_MAX
  while (runningServer(data) !== undefined && Date.now() < deadline)
    await new Promise(resolve => setTimeout(resolve, 50))
  assert.equal(runningServer(data), undefined, `process ${server.pid} still lives`)
})
