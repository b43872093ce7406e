/** The command line as a process: exit statuses, streams, signals, and files of predictions. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { runningServer } from '../../src/platform/folder.ts'
import { bellwether, temporaryFolder, withServer } from '../server.ts'
import { tinyAnswer, tinyModel } from './model.ts'

const CLI = new URL('../../src/cli.ts', import.meta.url).pathname

test('a command that is not understood ends with 64 and says what was probably meant, on standard error', async () => {
  const { status, stdout, stderr } = await bellwether(['strat'])
  assert.deepEqual([status, stdout], [64, ''])
  assert.equal(stderr, 'error Cannot run "strat": `bellwether` has no such command; did you mean `bellwether start`?\n')
})

test('every command has help that shows how it is used', async () => {
  const { stdout } = await bellwether(['--help'])
  const commands = [...stdout.matchAll(/^ {2}([a-z]+(?: [a-z]+)*)(?: [A-Z[].*?)? {2,}\S/gm)].map(match => match[1]!)
  assert.ok(commands.includes('start') && commands.includes('register') && commands.includes('audit verify'), stdout)
  await Promise.all(
    commands.map(async command => {
      const help = await bellwether([...command.split(' '), '--help'])
      assert.equal(help.status, 0, help.stderr)
      assert.match(help.stdout, new RegExp(`^ {2}bellwether ${command}`, 'm'))
    }),
  )
})

test('a reader that has read enough ends a command quietly', async () => {
  const child = spawn(process.execPath, [CLI, 'completion', 'bash'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const status = await new Promise(resolve => child.once('close', resolve))
  assert.deepEqual([status, stderr], [0, ''])
})

test('a server that nobody can reach is told as such', async () => {
  const { status, stderr } = await bellwether(['models', '--server', 'http://127.0.0.1:9'])
  assert.equal(status, 69)
  assert.match(stderr, /Cannot reach the server at http:\/\/127\.0\.0\.1:9/)
  assert.equal((await bellwether(['models', '--server', 'localhost'])).status, 64)
})

test('a misspelt variable and a wrong setting are told', async t => {
  const data = temporaryFolder()
  t.after(() => rmSync(data, { recursive: true, force: true }))
  const wrong = await bellwether(['start', '--data', data, '--port', '80000'])
  assert.equal(wrong.status, 78)
  assert.match(wrong.stderr, /--port.*80000/)
  await withServer({ env: { BELLWETHER_SERVER_PRT: '1' } }, async server => {
    await server.kill('SIGTERM')
    assert.match(server.stderr(), /BELLWETHER_SERVER_PRT sets nothing; did you mean BELLWETHER_SERVER_PORT/)
  })
})

test('without a server a command opens the folder itself, with one it asks it, and its kill is noticed', async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const model = join(folder, 'model.json')
  writeFileSync(model, tinyModel())
  const register = ['register', model, '--name', 'tiny', '--version', '1.0.0', '--json']
  await withServer({}, async server => {
    const registered = await bellwether([...register, '--data', server.data])
    assert.equal(registered.status, 0, registered.stderr)
    assert.equal(JSON.parse(registered.stdout).created, true)
    assert.equal(runningServer(server.data)?.pid, server.pid)
    await server.kill('SIGKILL')
    const alone = await bellwether(['models', '--json', '--data', server.data])
    assert.equal(alone.status, 0, alone.stderr)
    assert.deepEqual(JSON.parse(alone.stdout).models[0].versions, ['1.0.0'])
  })
})

test('predict --record answers a file through the server, and sets refused rows aside', async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = (name: string): string => join(folder, name)
  writeFileSync(file('model.json'), tinyModel())
  const rows = Array.from({ length: 1200 }, (_, i) => `c${i},${20 + (i % 50)},${i % 11}`)
  rows[700] = 'c700,forty,1'
  writeFileSync(file('in.csv'), `id,age,tenure\n${rows.join('\n')}\n`)
  await withServer({}, async server => {
    const data = ['--data', server.data]
    await bellwether(['register', file('model.json'), '--name', 'tiny', '--version', '1.0.0', ...data])
    const ended = await bellwether([
      'predict',
      'tiny',
      '-i',
      file('in.csv'),
      '-o',
      file('out.csv'),
      '--record',
      ...data,
    ])
    assert.equal(ended.status, 65, ended.stderr)
    assert.match(ended.stdout, /Predicted 1199 rows/)
    const [header, ...lines] = readFileSync(file('out.csv'), 'utf8').trimEnd().split('\n')
    assert.equal(header, 'id,age,tenure,tiny_probability,prediction_id,model_version')
    assert.equal(lines.length, 1199)
    for (const line of lines) {
      const [, age, tenure, answer] = line.split(',')
      assert.ok(Math.abs(Number(answer) - tinyAnswer(Number(age), Number(tenure))) < 1e-6, line)
    }
    assert.match(readFileSync(file('out.csv.rejected.csv'), 'utf8'), /^702,.*age is .*forty.*,c700,forty,1$/m)
  })
})

test('the first signal lets a server finish, the second ends it at once', async t => {
  await withServer({}, async server => {
    assert.equal(await server.kill('SIGINT'), 0)
    assert.match(server.stderr(), /Stopping.*\nStopped/)
  })
  await withServer({}, async server => {
    // A request that never ends keeps the server from stopping by itself.
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    t.after(() => socket.destroy())
    socket.on('error', () => {})
    socket.write(
      'POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    )
    await fetch(`${server.url}/healthz`)
    process.kill(server.pid, 'SIGTERM')
    while (!server.stderr().includes('Stopping')) await new Promise(resolve => setTimeout(resolve, 5))
    assert.equal(await server.kill('SIGTERM'), 143)
    assert.doesNotMatch(server.stderr(), /Stopped/)
  })
})

test('names of models are completed only by asking a server that runs', async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const unseen = join(folder, 'none')
  const without = await bellwether(['completion', 'models', '--data', unseen])
  assert.deepEqual(without, { status: 0, stdout: '', stderr: '' })
  writeFileSync(join(folder, 'model.json'), tinyModel())
  await withServer({}, async server => {
    await bellwether([
      'register',
      join(folder, 'model.json'),
      '--name',
      'tiny',
      '--version',
      '1.0.0',
      '--data',
      server.data,
    ])
    const { stdout } = await bellwether(['completion', 'models', '--data', server.data])
    assert.equal(stdout, 'tiny\n')
  })
})
