import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { JudgedWindow, QualityQuestion } from '../ledger/quality-question.ts'
import { manualClock } from '../platform/clock.ts'
import { manualTimers } from '../platform/timers.ts'
import type { ModelVersion } from '../registry/version.ts'
import type { Journey } from '../serving/journey.ts'
import type { Lane } from '../serving/lane.ts'
import { feedbackMetrics } from './metrics.ts'
import { qualityWatch } from './watch.ts'

const START_AT = 1_790_000_000_000
const VERSION = {
  ...{ model: 'churn', version: '1.0.0', task: 'binary', objective: 'binary:logistic' },
  signature: { inputs: [], outputs: [{ name: 'p', type: 'number' }] },
} as unknown as ModelVersion
const TOUCHED = [{ model: 'churn', version: '1.0.0', at: START_AT }]

function watched() {
  const clock = manualClock(START_AT)
  const timers = manualTimers()
  const asked: Omit<QualityQuestion, 'snapshot'>[] = []
  const state = { value: 0.5, outcomes: 2, tookMs: 100, fails: false, warnings: 0 }
  const judgeWindows = async (question: Omit<QualityQuestion, 'snapshot'>): Promise<JudgedWindow[]> => {
    asked.push(question)
    clock.advance(state.tookMs)
    if (state.fails) throw new Error('the engine died')
    const { value, outcomes } = state
    const rocAuc = { value, low: value - 0.1, high: value + 0.1, level: 0.95, method: 'DeLong', n: 5 }
    return [{ from: question.since, to: question.until, predictions: 4, outcomes, metrics: { rocAuc } }]
  }
  const seenVersions = async () => [
    { model: 'churn', version: '1.0.0' },
    { model: 'churn', version: '' },
  ]
  const watch = qualityWatch({
    ledger: { judgeWindows, seenVersions, size: 5 },
    catalogue: { version: model => (model === 'churn' ? VERSION : undefined) },
    clock,
    timers,
    log: { warn: () => void state.warnings++ },
  })
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms)
    timers.advance(ms)
    await nextTurn()
  }
  return { watch, asked, state, pass, metrics: feedbackMetrics(() => watch.all()) }
}

test('what is there at the start is judged in the background', async () => {
  const { watch, asked, pass } = watched()
  assert.equal(watch.live('churn', '1.0.0'), undefined)
  await watch.start()
  await pass(1)
  assert.deepEqual(
    asked.map(({ version, latest }) => [version, latest]),
    [['1.0.0', 1000]],
  )
  const live = watch.live('churn', '1.0.0')
  assert.deepEqual([live?.metric, live?.estimate?.value, live?.maturity, live?.series], ['rocAuc', 0.5, 0.5, [0.5]])
  await watch.close()
})

test('outcomes are judged a moment later, together, and the engine rests nineteen times as long as it worked', async () => {
  const { watch, asked, state, pass } = watched()
  watch.touched(TOUCHED)
  watch.touched(TOUCHED)
  await pass(999)
  assert.equal(asked.length, 0)
  await pass(1)
  assert.equal(asked.length, 1)
  state.value = 0.4
  watch.touched(TOUCHED)
  await pass(1000)
  assert.equal(asked.length, 1, 'it rests')
  await pass(1000)
  assert.equal(asked.length, 2)
  assert.deepEqual(watch.live('churn', '1.0.0')?.series, [0.5, 0.4])
  await watch.close()
})

test('predictions make what is known grow older, but not where nothing is known', async () => {
  const { watch, asked, state, pass } = watched()
  const answered = { lane: { model: { version: VERSION } } as unknown as Lane, problem: undefined } as Journey
  const served = (): void => watch.observe(answered)
  watch.touched(TOUCHED)
  await pass(1000)
  served()
  served()
  await pass(59_999)
  assert.equal(asked.length, 1)
  state.outcomes = 0
  await pass(1)
  assert.equal(asked.length, 2)
  assert.equal(watch.live('churn', '1.0.0')?.maturity, 0)
  served()
  await pass(600_000)
  assert.equal(asked.length, 2)
  await watch.close()
})

test('a failure is told and tried again', async () => {
  const { watch, asked, state, pass } = watched()
  state.fails = true
  watch.touched(TOUCHED)
  await pass(1000)
  assert.deepEqual([asked.length, state.warnings], [1, 1])
  state.fails = false
  await pass(60_000)
  assert.equal(watch.live('churn', '1.0.0')?.estimate?.value, 0.5)
  await watch.close()
})

test('what is known stands in the metrics', async () => {
  const { watch, pass, metrics } = watched()
  watch.touched([...TOUCHED, { model: 'unregistered', version: '1.0.0', at: START_AT }])
  await pass(1000)
  await pass(10_000)
  metrics.count('recorded', 2)
  metrics.count('rejected', 1)
  const samples = metrics
    .render()
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
  const labels = 'model="churn",version="1.0.0"'
  assert.deepEqual(samples, [
    `live_quality{${labels},metric="rocAuc"} 0.5`,
    `live_quality_low{${labels},metric="rocAuc"} 0.4`,
    `live_quality_high{${labels},metric="rocAuc"} 0.6`,
    `outcome_maturity{${labels}} 0.5`,
    'outcomes_total{status="recorded"} 2',
    'outcomes_total{status="corrected"} 0',
    'outcomes_total{status="repeated"} 0',
    'outcomes_total{status="rejected"} 1',
  ])
  await watch.close()
})
