/**
 * `bin/bellwether.js` in clones and installations of our making, around a program that tells what it was started with; run
 * by this Node, and by one that takes itself for an old one.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SERVER_FLAGS } from '../../bench/processes.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/bellwether.js', import.meta.url))
const OLD = ['--import', "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.20.2'})"]

/** Tells its arguments and what it reads; `wait` ends with 3 at SIGTERM or SIGINT, `die` by a signal, else with status 7. */
const PROGRAM = `
const [mode] = process.argv.slice(2)
const tell = line => process.stdout.write(JSON.stringify(line) + '\\n')
tell({ args: process.argv.slice(2), version: process.versions.node, pid: process.pid, flags: process.execArgv, connected: process.connected })
if (mode === 'wait') {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => { tell({ signal }); process.exit(3) })
  setInterval(() => {}, 1000)
  tell({ ready: true })
} else if (mode === 'die') process.kill(process.pid, 'SIGKILL')
else {
  let read = ''
  for await (const chunk of process.stdin) read += chunk
  process.stderr.write('to stderr')
  tell({ read })
  process.exitCode = 7
}
`

function clone(t: TestContext, files: Readonly<Record<string, string>>, hasNode: boolean): string {
  const root = mkdtempSync(join(tmpdir(), 'bellwether-launcher-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const all = { 'package.json': '{"type":"module"}', ...files }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  cpSync(LAUNCHER, join(root, 'bin/bellwether.js'))
  if (hasNode) {
    mkdirSync(join(root, 'node_modules/node/bin'), { recursive: true })
    symlinkSync(process.execPath, join(root, 'node_modules/node/bin/node'))
  }
  return root
}

function launch(root: string, args: readonly string[], flags: readonly string[]): ChildProcess {
  return spawn(process.execPath, [...flags, join(root, 'bin/bellwether.js'), ...args])
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function ended(child: ChildProcess, input = '', onOutput: (text: string) => void = () => {}): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout!.on('data', chunk => {
    stdout += chunk
    onOutput(stdout)
  })
  child.stderr!.on('data', chunk => {
    stderr += chunk
  })
  child.stdin!.end(input)
  return new Promise(resolve => child.once('close', code => resolve({ code, stdout, stderr })))
}

const CLONE = { 'src/cli.ts': `const typed: string = ''\n${PROGRAM}`, 'dist/cli.js': 'throw new Error("stale")' }

for (const [name, flags] of [
  ['this Node', []],
  ['an old Node', OLD],
] as const) {
  test(`in a clone, by ${name}: arguments, streams and status go through`, async t => {
    const args = ['predict', 'a b', '--json', '', '*']
    const { code, stdout, stderr } = await ended(launch(clone(t, CLONE, true), args, flags), 'rows')
    const [first, second] = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    assert.deepEqual(first.args, args)
    assert.equal(first.version, process.versions.node, 'the program runs on a Node that can run it')
    assert.deepEqual(second, { read: 'rows' })
    assert.equal(stderr, 'to stderr')
    assert.equal(code, 7)
  })

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    test(`in a clone, by ${name}: ${signal} reaches the program, which ends as it likes`, async t => {
      const child = launch(clone(t, CLONE, true), ['wait'], flags)
      let isSent = false
      const { code, stdout } = await ended(child, '', text => {
        if (!text.includes('ready') || isSent) return
        isSent = true
        child.kill(signal)
      })
      assert.deepEqual(JSON.parse(stdout.trim().split('\n').at(-1)!), { signal })
      assert.equal(code, 3)
    })
  }
}

for (const [name, flags] of [
  ['this Node', []],
  ['this Node, which has them already', SERVER_FLAGS],
  ['an old Node', OLD],
] as const) {
  test(`a server gets its flags by ${name}; other commands do without`, async t => {
    const root = clone(t, CLONE, true)
    const told = async (command: string): Promise<string[]> => {
      const { stdout } = await ended(launch(root, [command, '--port', '1'], flags))
      const { args, flags: found } = JSON.parse(stdout.split('\n')[0]!)
      assert.deepEqual(args, [command, '--port', '1'])
      return found.filter((flag: string) => SERVER_FLAGS.includes(flag))
    }
    assert.deepEqual(await told('start'), SERVER_FLAGS)
    assert.deepEqual(await told('predict'), flags === SERVER_FLAGS ? SERVER_FLAGS : [])
  })
}

test('a parent that talks over a channel keeps it', async t => {
  const child = spawn(process.execPath, [join(clone(t, CLONE, true), 'bin/bellwether.js'), 'start'], {
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  })
  const { code, stdout } = await ended(child)
  assert.equal(code, 7)
  assert.equal(JSON.parse(stdout.split('\n')[0]!).connected, true)
})

test('a program that dies by a signal shows in the status, as a shell would tell it', async t => {
  const { code } = await ended(launch(clone(t, CLONE, true), ['die'], OLD))
  assert.equal(code, 128 + 9)
})

test('published, it runs what was compiled', async t => {
  const { code, stdout } = await ended(launch(clone(t, { 'dist/cli.js': PROGRAM }, false), ['x'], []), 'y')
  assert.equal(code, 7)
  assert.match(stdout, /"read":"y"/)
})

test('an old Node without another to go to says what it wants', async t => {
  const { code, stdout, stderr } = await ended(launch(clone(t, { 'dist/cli.js': PROGRAM }, false), [], OLD))
  assert.deepEqual([code, stdout], [69, ''])
  assert.match(stderr, /^Cannot start Bellwether: this is Node 20\.20\.2, Node 24\.12 or newer is wanted/)
})

test('a broken installation says so', async t => {
  const { code, stderr } = await ended(launch(clone(t, {}, true), [], []))
  assert.equal(code, 69)
  assert.match(stderr, /^Cannot start Bellwether: neither src\/cli.ts nor dist\/cli.js is there/)
})
