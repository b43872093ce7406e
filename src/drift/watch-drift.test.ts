import assert from 'node:assert/strict'
import { test } from 'node:test'
import { served, WINDOW_MS } from './drift-served.suite.ts'
import { mixed } from './drift-world.suite.ts'

const usual = (count: number): Float64Array => mixed(count, u => 18 + 60 * u)
const older = (count: number): Float64Array => mixed(count, u => 70 + 8 * u)
const scores = (count: number): Float64Array => mixed(count)

test('the state follows what is served: too few, ok, drift, and ok again after a whole window', async t => {
  const world = await served(t)
  const verdict = () => world.drift.state('churn', '1.0.0')?.verdict
  assert.equal(verdict(), undefined)
  world.serve('1.0.0', usual(50), scores(50))
  assert.equal(verdict(), 'too few')
  world.serve('1.0.0', usual(450), scores(450))
  assert.equal(verdict(), 'ok')
  assert.deepEqual(world.logged, [])
  world.serve('1.0.0', older(300), scores(300))
  assert.equal(verdict(), 'drift')
  const [{ message, fields }] = world.logged as [(typeof world.logged)[number]]
  assert.match(message, /^Drift: age has drifted: its \S+ .*reaches/)
  assert.deepEqual(
    [fields['model'], fields['state'], fields['before'], fields['feature']],
    ['churn', 'drift', 'ok', 'age'],
  )
  for (let hundreds = 0; hundreds < 7; hundreds++) world.serve('1.0.0', usual(100), scores(100))
  assert.equal(verdict(), 'drift', 'the last 500 are usual, but no whole window has come since')
  for (let hundreds = 0; hundreds < 5; hundreds++) world.serve('1.0.0', usual(100), scores(100))
  assert.equal(verdict(), 'ok')
  assert.equal(world.logged.length, 2)
  const watched = await world.drift.version(world.catalogue.version('churn', '1.0.0')!)
  assert.deepEqual(
    watched!.changes.map(({ before, state }) => [before, state.verdict]),
    [
      ['too few', 'ok'],
      ['ok', 'drift'],
      ['drift', 'ok'],
    ],
  )
  assert.ok(watched!.history.length >= 3)
  assert.ok(watched!.history.every(({ rows }) => rows === 500))
})

test('a small lasting change shows when the window of time closes, and holds until one without it', async t => {
  const world = await served(t)
  const slightly = (u: number): number => 18 + 60 * u ** 1.2
  await world.watch.recovered()
  const minute = async (age: (u: number) => number): Promise<void> => {
    world.clock.set((Math.floor(world.clock.now() / WINDOW_MS) + 1) * WINDOW_MS)
    world.serve('1.0.0', mixed(20_000, age), scores(20_000))
    const closed = new Promise<void>(resolve => world.watch.onWindow(() => resolve()))
    world.clock.advance(2 * WINDOW_MS)
    world.timers.advance(10_000)
    await closed
    await new Promise(resolve => setImmediate(resolve))
  }
  await minute(u => 18 + 60 * u)
  assert.equal(world.drift.state('churn', '1.0.0')?.verdict, 'ok')
  await minute(slightly)
  const state = world.drift.state('churn', '1.0.0')!
  assert.deepEqual([state.verdict, state.cause?.statistic, state.cause?.rows], ['drift', 'ks', 20_000])
  await minute(u => 18 + 60 * u)
  assert.equal(world.drift.state('churn', '1.0.0')?.verdict, 'ok')

  await minute(slightly)
  const next = world.again()
  await next.begin()
  assert.deepEqual(
    [next.state('churn', '1.0.0')?.verdict, next.state('churn', '1.0.0')?.cause?.rows],
    ['drift', 20_000],
  )
})

test('a version without a reference is not judged, nor does it cost anything', async t => {
  const world = await served(t)
  world.serve('2.0.0', usual(500), scores(500))
  assert.equal(world.drift.state('churn', '2.0.0'), undefined)
  assert.equal(await world.drift.version(world.catalogue.version('churn', '2.0.0')!), undefined)
  assert.doesNotMatch(world.drift.render(), /version="2\.0\.0"/)
})

test('model.yaml sets window and thresholds', async t => {
  const world = await served(t, { window: 200, minimum: 50, decide: ['wasserstein'], wasserstein: { drift: 9 } })
  world.serve('1.0.0', older(200), scores(200))
  assert.equal(world.drift.state('churn', '1.0.0')?.verdict, 'ok')
  const { latest } = (await world.drift.version(world.catalogue.version('churn', '1.0.0')!))!
  assert.equal(latest!.rows, 200)
})

test('the metrics are those of the last judgement', async t => {
  const world = await served(t)
  assert.match(
    world.drift.render(),
    /^# HELP drift_score .*\n# TYPE drift_score gauge\n# HELP drift_state .*\n# TYPE drift_state gauge\n$/,
  )
  world.serve('1.0.0', older(500), scores(500))
  const text = world.drift.render()
  const score =
    /drift_score\{model="churn",version="1\.0\.0",feature="age",kind="feature",statistic="psi"\} (\S+)\n/.exec(text)
  assert.ok(Number(score?.[1]) > 0.25)
  assert.match(text, /feature="score",kind="output",statistic="ks"\} 0\.0\d*\n/)
  assert.doesNotMatch(text, /income/)
  assert.match(text, /drift_state\{model="churn",version="1\.0\.0"\} 2\n$/)
  world.clock.advance(2 * 86_400_000)
  assert.doesNotMatch(world.drift.render(), /churn/, 'a version that was replaced')
})
