import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../../src/errors.ts'
import { openLineSink } from '../../src/platform/line-sink.ts'
import { temporaryFolder } from '../../src/platform/temporary.suite.ts'

const tell = (lost: number): string => `lost ${lost}`

test('lines come out whole, once each and in order, whatever they say', async t => {
  const folder = temporaryFolder(t)
  let n = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' }).map(line => line.replaceAll('\n', ' '))), async lines => {
      const destination = join(folder, 'deep', String(n++))
      const sink = openLineSink({ destination, tell })
      for (const line of lines) sink.write(line)
      await sink.close()
      assert.equal(readFileSync(destination, 'utf8'), lines.map(line => `${line.toWellFormed()}\n`).join(''))
      assert.equal(statSync(destination).mode & 0o777, 0o600)
    }),
    { numRuns: 20 },
  )
})

test('what is there is appended to, and lines after close() are lost but counted', async t => {
  const destination = join(temporaryFolder(t), 'log')
  for (const line of ['first', 'second']) {
    const sink = openLineSink({ destination, tell })
    sink.write(line)
    await sink.close()
    sink.write('late')
    assert.equal(sink.dropped(), 1)
  }
  assert.equal(readFileSync(destination, 'utf8'), 'first\nsecond\n')
})

test('a log that cannot be opened is told of', t => {
  const folder = temporaryFolder(t)
  const isToldOf = (error: unknown) =>
    error instanceof Problem && error.code === 'misconfigured' && error.message.includes(folder)
  assert.throws(() => openLineSink({ destination: folder, tell }), isToldOf)
})

/** A process with a sink on its standard output, which runs `body`; what it measured comes by its standard error. */
function sinkProcess(t: TestContext, body: string) {
  const program = `
    import { writeSync } from 'node:fs'
    import { openLineSink } from '${new URL('../../src/platform/line-sink.ts', import.meta.url)}'
    const sink = openLineSink({ destination: 1, tell: lost => 'lost ' + lost })
    const turn = () => new Promise(setImmediate)
    const say = what => writeSync(2, what + '\\n')
    ${body}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  return child
}

const LINES = `
  const line = 'x'.repeat(999)
  for (let i = 0; i < LINES; i++) { sink.write(line); if (i % 100 === 0) await turn() }`

test('through a pipe whose reader keeps up, everything comes', async t => {
  const child = sinkProcess(t, `${LINES.replace('LINES', '7000')}\nawait sink.close(); say(sink.dropped())`)
  const [out, said] = await Promise.all([text(child.stdout), text(child.stderr)])
  assert.equal(said, '0\n')
  assert.equal(out, `${'x'.repeat(999)}\n`.repeat(7_000))
})

test('a reader who does not read costs neither memory without bound nor the end of the process', async t => {
  const child = sinkProcess(
    t,
    `
    ${LINES.replace('LINES', '100')}
    const before = process.memoryUsage().rss
    ${LINES.replace('LINES', '100000').replace('const line', 'const again')}
    const grown = process.memoryUsage().rss - before
    await sink.close()
    say(JSON.stringify({ grown, lost: sink.dropped() }))`,
  )
  const status = new Promise(resolve => child.once('exit', resolve))
  const { grown, lost } = JSON.parse(await text(child.stderr)) as { grown: number; lost: number }
  assert.ok(lost > 80_000, `${lost} lost`)
  assert.ok(grown < 60e6, `grown by ${grown} bytes while 100 MB came`)
  assert.equal(await status, 0)
})

test('a reader who reads again is told how much is missing', async t => {
  const child = sinkProcess(
    t,
    `
    ${LINES.replace('LINES', '20000')}
    const alive = setInterval(() => {}, 1000)
    say('full')
    await new Promise(resolve => process.once('SIGUSR2', resolve))
    sink.write('after')
    clearInterval(alive)
    await sink.close()`,
  )
  // «full» is said once: then the reading starts.
  await new Promise(resolve => child.stderr.once('data', resolve))
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    out += more
    if (/^lost \d+$/m.test(out)) child.kill('SIGUSR2')
  })
  await new Promise(resolve => child.once('close', resolve))
  const lines = out.trimEnd().split('\n')
  assert.equal(lines.at(-1), 'after')
  const lost = Number(/^lost (\d+)$/.exec(lines.at(-2) ?? '')?.[1])
  assert.equal(lines.length - 2 + lost, 20_000)
})

test('a reader who is gone is not written to any more, and the process lives on', async t => {
  const child = sinkProcess(
    t,
    `
    for (let i = 0; sink.dropped() === 0 && i < 1e5; i++) { sink.write('line'); await turn() }
    await sink.close()
    say(sink.dropped() > 0 ? 'alive' : 'still writing')`,
  )
  child.stdout.once('data', () => child.stdout.destroy())
  assert.equal(await text(child.stderr), 'alive\n')
})

test('a process that ends without closing its sink still says its last words', () => {
  for (const end of ['process.exit(3)', 'throw new Error("fault")', '']) {
    const program = `
      import { openLineSink } from '${new URL('../../src/platform/line-sink.ts', import.meta.url)}'
      const sink = openLineSink({ destination: 1, tell: String })
      sink.write('last words')
      ${end}`
    assert.equal(
      spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }).stdout,
      'last words\n',
      end,
    )
  }
})

test('a full disk is waited for, and close() does not wait for ever', {
  skip: process.platform !== 'linux' && 'no /dev/full',
}, async () => {
  const sink = openLineSink({ destination: '/dev/full', tell })
  sink.write('x')
  await sink.close()
  assert.equal(sink.dropped(), 0)
})
