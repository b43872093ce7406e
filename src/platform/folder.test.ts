import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Problem, type ProblemCode } from '../errors.ts'
import { manualClock } from './clock.ts'
import { openDataFolder, runningServer } from './folder.ts'
import { temporaryFolder } from './temporary.suite.ts'

const clock = manualClock(1_790_000_000_000)

const problem =
  (code: ProblemCode, pattern: RegExp) =>
  (error: unknown): boolean =>
    error instanceof Problem && error.code === code && pattern.test(error.message)

test('a data folder is made where there is none, for its owner alone, and says its format', async t => {
  const path = join(temporaryFolder(t), 'deep', 'data')
  const folder = await openDataFolder(path, clock)
  t.after(() => folder.close())
  assert.equal(folder.path, path)
  assert.equal(statSync(path).mode & 0o777, 0o700)
  assert.deepEqual(JSON.parse(readFileSync(join(path, 'bellwether.json'), 'utf8')), {
    format: 1,
    createdAt: clock.now(),
  })
})

test('a data folder keeps its age, and its mode is set right', async t => {
  const path = temporaryFolder(t)
  await (await openDataFolder(path, clock)).close()
  chmodSync(path, 0o755)
  await (await openDataFolder(path, manualClock(5))).close()
  assert.equal(JSON.parse(readFileSync(join(path, 'bellwether.json'), 'utf8')).createdAt, clock.now())
  assert.equal(statSync(path).mode & 0o777, 0o700)
})

const HOLDER = `
  import { openDataFolder } from '${new URL('./folder.ts', import.meta.url)}'
  const folder = await openDataFolder(process.env.FOLDER, { now: () => 1 })
  if (process.env.ANSWERS) folder.announce(process.env.ANSWERS)
  process.stdout.write('held')
  setInterval(() => {}, 1000)`

/** A process that holds the folder, by its pid, and how to kill it outright. */
async function heldBy(t: TestContext, path: string, answers = ''): Promise<{ pid: number; kill(): Promise<unknown> }> {
  const env = { ...process.env, FOLDER: path, ANSWERS: answers }
  const child = spawn(process.execPath, ['--input-type=module', '-e', HOLDER], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = new Promise(resolve => child.once('close', resolve))
  const kill = (): Promise<unknown> => {
    child.kill('SIGKILL')
    return gone
  }
  t.after(kill)
  await new Promise(resolve => child.stdout.once('data', resolve))
  return { pid: child.pid!, kill }
}

test('a folder that another process holds is refused, naming it, until that process is killed', async t => {
  const path = temporaryFolder(t)
  const { pid, kill } = await heldBy(t, path, 'http://127.0.0.1:8080')
  assert.deepEqual(runningServer(path), { pid, url: 'http://127.0.0.1:8080' })
  const named = new RegExp(`${path}: the server with pid ${pid} at http://127.0.0.1:8080 holds it$`)
  await assert.rejects(openDataFolder(path, clock), problem('conflict', named))
  await kill()
  assert.equal(runningServer(path), undefined, 'its address is still there, but nobody lives at it')
  const folder = await openDataFolder(path, clock)
  assert.ok(!readdirSync(path).includes('server.json'))
  await folder.close()
})

test('a holder that is no server is refused without a name', async t => {
  const path = temporaryFolder(t)
  await heldBy(t, path)
  await assert.rejects(openDataFolder(path, clock), problem('conflict', /another process holds it$/))
})

test('one process cannot open a folder twice, and can again after it closed it', async t => {
  const path = temporaryFolder(t)
  const folder = await openDataFolder(path, clock)
  await assert.rejects(openDataFolder(path, clock), problem('conflict', /holds it/))
  folder.announce('http://127.0.0.1:1')
  assert.deepEqual(runningServer(path), { pid: process.pid, url: 'http://127.0.0.1:1' })
  await folder.close()
  assert.equal(runningServer(path), undefined)
  await (await openDataFolder(path, clock)).close()
})

test('a folder of a newer version is refused, naming both formats, and let go again', async t => {
  const path = temporaryFolder(t)
  writeFileSync(join(path, 'bellwether.json'), '{"format":7,"createdAt":1}')
  for (let i = 0; i < 2; i++) {
    await assert.rejects(openDataFolder(path, clock), problem('misconfigured', /format 7 .* up to 1$/))
  }
})

test('a damaged format file is told as such', async t => {
  for (const text of ['', '{', '[]', '{"format":"1"}', '{"format":0}', '{"format":1.5}', 'null']) {
    const path = temporaryFolder(t)
    writeFileSync(join(path, 'bellwether.json'), text)
    await assert.rejects(openDataFolder(path, clock), problem('corrupt', /bellwether\.json is damaged/), text)
  }
})

test('a folder with other things in it is refused and its mode left as it is', async t => {
  const path = temporaryFolder(t)
  chmodSync(path, 0o755)
  for (const name of ['thesis.md', 'photos', 'a', 'b']) writeFileSync(join(path, name), '')
  await assert.rejects(
    openDataFolder(path, clock),
    problem('misconfigured', /other files in it \(.*, …\).*empty folder/),
  )
  assert.equal(statSync(path).mode & 0o777, 0o755)
  assert.equal(readdirSync(path).length, 4)
})

test('what a new volume or a person may have left there is no reason to refuse', async t => {
  const path = temporaryFolder(t)
  mkdirSync(join(path, 'lost+found'))
  writeFileSync(join(path, '.gitignore'), '*')
  await (await openDataFolder(path, clock)).close()
})

test('a path that is no folder, or cannot be one, is told with the reason', async t => {
  const path = temporaryFolder(t)
  writeFileSync(join(path, 'file'), '')
  await assert.rejects(openDataFolder(join(path, 'file'), clock), problem('misconfigured', /a file is in its place$/))
  await assert.rejects(
    openDataFolder(join(path, 'file', 'data'), clock),
    problem('misconfigured', /a file is in its place$/),
  )
  await assert.rejects(
    openDataFolder(join(path, 'x'.repeat(300)), clock),
    problem('misconfigured', /its name is too long$/),
  )
})

test('a folder that may not be written is told with the reason', { skip: mayWriteAnywhere() }, async t => {
  const path = temporaryFolder(t)
  chmodSync(path, 0o500)
  await assert.rejects(openDataFolder(path, clock), problem('misconfigured', /this user may not write there$/))
  await assert.rejects(
    openDataFolder(join(path, 'data'), clock),
    problem('misconfigured', /this user may not write there$/),
  )
  chmodSync(path, 0o700)
})

function mayWriteAnywhere(): string | false {
  return process.getuid?.() === 0 ? 'root may write everywhere' : false
}

test('a server.json that is not ours names nobody', t => {
  const path = temporaryFolder(t)
  assert.equal(runningServer(path), undefined)
  for (const text of [
    '',
    '{',
    'null',
    '{"pid":"1","url":"x"}',
    `{"pid":${process.pid}}`,
    '{"pid":999999999,"url":"http://x"}',
    '{"pid":-1,"url":"x"}',
  ]) {
    writeFileSync(join(path, 'server.json'), text)
    assert.equal(runningServer(path), undefined, text)
  }
})
