/** What happens to workers that die, hang, swell or lie, and to those who asked them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { PythonSettings } from '../../src/predictor/external.ts'
import type { AwaitedPredictor } from '../../src/predictor/predictor.ts'
import { openRuntimes } from '../../src/runtimes/runtimes.ts'
import { skipUnless } from '../services.ts'
import { artifactOf, type Heard, isRunning, pickled, SETTINGS, surroundings } from './python.ts'

const skip = skipUnless('python')

/** Where a model may wander off to: nobody removes it but this test. */
const ELSEWHERE = mkdtempSync(join(tmpdir(), 'bellwether-elsewhere-'))
after(() => rmSync(ELSEWHERE, { recursive: true }))

/** One column decides what the model does; its answer is twice that, or its own process. */
const MOODY = pickled(`
def predict(self, frame):
    import os, sys, time
    mood = frame['mood'].to_numpy()
    if (mood == -1).any(): time.sleep(0.05)
    if (mood == -2).any():
        while True: pass
    if (mood == -3).any(): return numpy.ones(1 << 40)
    if (mood == -4).any():
        kept = []
        while True: kept.append(bytearray(os.urandom(1 << 16)) * 16)
    if (mood == -5).any(): os._exit(7)
    if (mood == -6).any(): raise ValueError('a bad mood')
    if (mood == -7).any(): print('a word on the way')
    if (mood == -8).any(): return mood * 0 + float('nan')
    if (mood == -9).any(): return [str(os.environ)] * len(mood)
    if (mood == -10).any(): return mood[:1].repeat(len(mood) + 1)
    if (mood == -13).any(): os.chdir(ELSEWHERE)
    if (mood == -12).any(): os.write(3, b'no frame of ours at all')
    if (mood == -11).any(): return mood * 0 + len([name for name in os.environ if 'SECRET' in name or 'BELLWETHER' in name])
    return mood * 0 + os.getpid() if (mood == 0).any() else mood * 2
`).replace('import sys, cloudpickle', `import sys, cloudpickle, numpy\nELSEWHERE = ${JSON.stringify(ELSEWHERE)}`)

const artifact = skip === false ? artifactOf(MOODY) : new Uint8Array()

interface Asking {
  readonly predictor: AwaitedPredictor
  readonly heard: Heard
  ask(...moods: number[]): Promise<readonly number[]>
}

async function asking(settings: Partial<PythonSettings>, use: (asking: Asking) => Promise<void>): Promise<void> {
  const heard = { ...surroundings(), environment: { ...process.env, BELLWETHER_SECRET: 'x' } }
  const served = { name: 'moody@1.0.0', artifact: async () => artifact }
  const described = await openRuntimes(heard).describePython(artifact, { ...SETTINGS, ...settings }, served)
  const { predictor } = await described.open([{ name: 'mood', type: 'float' }])
  try {
    await use({
      predictor,
      heard,
      async ask(...moods) {
        const out = new Float64Array(moods.length)
        await predictor.predict(Float64Array.from(moods), moods.length, out)
        return [...out]
      },
    })
  } finally {
    await predictor.close()
  }
}

test('what the model throws, answers wrongly or prints is told to whom it concerns', { skip }, async () => {
  await asking({}, async ({ ask, heard }) => {
    assert.deepEqual(await ask(1, 2.5, 1e300), [2, 5, 2e300])
    await assert.rejects(ask(1, -6), { code: 'failed', message: /the Python model failed: ValueError: a bad mood/ })
    await assert.rejects(ask(-9), { code: 'failed', message: /it answers <U\d+, numbers were wanted/ })
    await assert.rejects(ask(-10, 1), { code: 'failed', message: /it answers 3 rows to 2/ })
    assert.deepEqual(await ask(-8, 1), [Number.NaN, Number.NaN])
    assert.deepEqual(await ask(-7), [-14])
    // What it prints comes by another way than its answer.
    const isTold = (): boolean => /a Python model wrote .*"line":"a word on the way"/.test(heard.lines.join('\n'))
    while (!isTold()) await new Promise(resolve => setImmediate(resolve))
    await assert.rejects(ask(-12), { code: 'failed', message: /no frame of ours/ })
    assert.deepEqual(await retried(() => ask(-11)), [0], 'no secret of ours is in its environment')
  })
})

test('a batch that takes too long is ended with its worker, and the next is answered by another', {
  skip,
}, async () => {
  await asking({ timeoutMs: 1000 }, async ({ ask, heard }) => {
    const [before] = await ask(0)
    await assert.rejects(ask(-2), { code: 'unavailable', message: /a batch of 1 row took longer than 1000 ms/ })
    const [after] = await retried(() => ask(0))
    assert.notEqual(before, after)
    assert.match(heard.lines.join('\n'), /a Python worker ended; it is started again/)
  })
})

test('a worker that wants too much memory is refused it, or ended', { skip }, async () => {
  await asking({ memoryMb: 400, timeoutMs: 60_000 }, async ({ ask }) => {
    const [before] = await ask(0)
    await assert.rejects(ask(-3), { code: 'failed', message: /memory/i })
    assert.deepEqual(await ask(0), [before], 'the same worker goes on')
    await assert.rejects(ask(-4), { code: 'failed', message: /memory/i })
    await retried(() => ask(0))
  })
})

test('a worker that ends by itself fails its own batch alone', { skip }, async () => {
  await asking({}, async ({ ask }) => {
    await assert.rejects(ask(-5), { code: 'unavailable', message: /it ended with status 7/ })
    assert.deepEqual(await retried(() => ask(3)), [6])
  })
})

test('kill -9 under load: nobody waits for ever, nobody is lost but the batch that was with the worker', {
  skip,
}, async () => {
  await asking({ workers: 2, rowsMax: 8, timeoutMs: 20_000 }, async ({ ask }) => {
    const victim = (await ask(0))[0]!
    const calls = Array.from({ length: 200 }, (_, at) =>
      ask(-1, at + 1).then(answer => assert.deepEqual(answer, [-2, 2 * (at + 1)])),
    )
    await Promise.race(calls)
    process.kill(victim, 'SIGKILL')
    const ended = await Promise.allSettled(calls)
    const failed = ended.filter(({ status }) => status === 'rejected')
    // A batch of several calls is asked again call by call: so not even its own calls are lost.
    assert.deepEqual(failed, [])
  })
})

test('a row that ends workers does not take its neighbours along', { skip }, async () => {
  await asking({ timeoutMs: 20_000 }, async ({ ask }) => {
    const first = ask(-1) // keeps the worker while the others gather
    const [good, bad, better] = await Promise.allSettled([ask(1), ask(-5), ask(2)])
    await first
    assert.deepEqual(good, { status: 'fulfilled', value: [2] })
    assert.equal(bad?.status, 'rejected')
    assert.deepEqual(better, { status: 'fulfilled', value: [4] })
  })
})

test('the queue is bounded, and a long batch is cut up for all workers', { skip }, async () => {
  await asking({ workers: 2, rowsMax: 100 }, async ({ ask }) => {
    const moods = Array.from({ length: 5000 }, (_, at) => at + 1)
    assert.deepEqual(
      await ask(...moods),
      moods.map(mood => 2 * mood),
    )
    const calls = Array.from({ length: 1200 }, () => ask(-1, 1))
    const ended = await Promise.allSettled(calls)
    const refused = ended.flatMap(end => (end.status === 'rejected' ? [end.reason] : []))
    assert.ok(refused.length > 100 && refused.length < 200, String(refused.length))
    assert.ok(refused.every(({ code, retryAfterSeconds }) => code === 'overloaded' && retryAfterSeconds === 1))
  })
})

test('a worker that cannot start, or does not in time, refuses the model', { skip }, async () => {
  const describe = (settings: Partial<PythonSettings>, bytes = artifact): Promise<unknown> =>
    openRuntimes(surroundings()).describePython(
      bytes,
      { ...SETTINGS, ...settings },
      { name: 'm@1.0.0', artifact: async () => bytes },
    )
  await assert.rejects(describe({ command: '/nowhere/python' }), {
    code: 'invalid',
    message: /\/nowhere\/python cannot be started/,
  })
  await assert.rejects(describe({ command: 'false' }), { code: 'invalid', message: /it ended with status 1/ })
  const sleeping = artifactOf(
    "import sys, pickle\nclass S:\n    def __reduce__(self):\n        import time\n        return (time.sleep, (60,))\npickle.dump(S(), open(sys.argv[1], 'wb'))",
  )
  await assert.rejects(describe({ startMs: 300 }, sleeping), {
    code: 'invalid',
    message: /loading it took longer than 300 ms/,
  })
  await assert.rejects(describe({}, artifact.slice(0, artifact.length - 20)), { code: 'invalid', message: /Error/ })
  const runtimes = openRuntimes(surroundings())
  const coming = runtimes.describePython(sleeping, SETTINGS, { name: 'm@1.0.0', artifact: async () => sleeping })
  setTimeout(runtimes.close, 300)
  await assert.rejects(coming, { code: 'invalid', message: /put away/ })
})

test('closing answers what was asked, takes no more, and leaves neither process nor folder', { skip }, async () => {
  let pid = 0
  await asking({}, async ({ ask, predictor }) => {
    pid = (await ask(0))[0]!
    const folder = readlinkSync(`/proc/${pid}/cwd`)
    assert.ok(existsSync(folder))
    await ask(-13)
    const last = ask(-1, 4)
    const closed = predictor.close()
    assert.deepEqual(await last, [-2, 8])
    await assert.rejects(ask(1), { code: 'unavailable' })
    await closed
    assert.ok(!existsSync(folder))
  })
  assert.ok(existsSync(ELSEWHERE), 'a folder that is not ours stays')
  assert.ok(!isRunning(pid))
})

test('a server that is killed leaves no worker behind, whatever it is doing', { skip }, async () => {
  const program = `
    import { openRuntimes } from ${JSON.stringify(new URL('../../src/runtimes/runtimes.ts', import.meta.url).href)}
    import { systemSurroundings } from ${JSON.stringify(new URL('../../src/platform/surroundings.ts', import.meta.url).href)}
    const [artifact, settings] = [Buffer.from(process.argv[1], 'base64'), JSON.parse(process.argv[2])]
    const log = { info() {}, warn() {} }
    const runtimes = openRuntimes(systemSurroundings(log))
    const described = await runtimes.describePython(artifact, settings, { name: 'm', artifact: async () => artifact })
    const { predictor } = await described.open([{ name: 'mood', type: 'float' }])
    const out = new Float64Array(1)
    await predictor.predict(Float64Array.of(0), 1, out)
    predictor.predict(Float64Array.of(-2), 1, new Float64Array(1)).catch(() => {})
    setTimeout(() => console.log(out[0]), 200)
    setInterval(() => {}, 1000)
  `
  const settings = JSON.stringify({ ...SETTINGS, timeoutMs: 60_000 })
  const args = ['--input-type=module', '-e', program, Buffer.from(artifact).toString('base64'), settings]
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const pid = await new Promise<number>(resolve => server.stdout.once('data', text => resolve(Number(text))))
  assert.match(readFileSync(`/proc/${pid}/cmdline`, 'latin1'), /worker\.py/)
  server.kill('SIGKILL')
  await retried(async () => assert.ok(!isRunning(pid), 'the worker is gone'))
})

/** Asks until it is answered: a worker takes a moment to start. */
async function retried<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      if (tries === 50) throw error
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }
}
