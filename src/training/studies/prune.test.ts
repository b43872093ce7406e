import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bracketOf, isBelowPercentile, isHalvedAway, isJudged, rungsReached } from './prune.ts'

const median = { kind: 'median', percentile: 50, startup: 2, warmup: 4, interval: 3 } as const

test('a trial is judged once in each interval, at its first report there, after the warm-up', () => {
  const judged: number[] = []
  let before: number | undefined
  for (const step of [0, 3, 4, 5, 6, 8, 12, 13, 14]) {
    if (isJudged(median, step, before)) judged.push(step)
    before = step
  }
  assert.deepEqual(judged, [4, 8, 12, 13])
})

test('the percentile is of numbers only, and of enough trials', () => {
  assert.equal(isBelowPercentile(median, 9, [1, 2], 1), false, 'too few complete')
  assert.equal(isBelowPercentile(median, 9, [], 5), false, 'nobody reported there')
  assert.equal(isBelowPercentile(median, 1.5, [1, 2], 2), false, 'as good as the median')
  assert.equal(isBelowPercentile(median, 1.6, [1, 2, Number.NaN], 3), true)
  assert.equal(isBelowPercentile(median, Number.NaN, [1, 2], 2), true, 'nothing but NaN')
  assert.equal(isBelowPercentile({ ...median, percentile: 100 }, 2, [1, 2], 2), false)
  assert.equal(isBelowPercentile(median, 3, [Infinity, Infinity], 2), false)
})

test('rungs are powers of the factor, later in later brackets, and the last step is none', () => {
  const asha = { kind: 'asha', min: 2, max: 54, factor: 3 } as const
  assert.deepEqual(rungsReached(asha, 0, 1, undefined), [])
  assert.deepEqual(rungsReached(asha, 0, 2, undefined), [0])
  assert.deepEqual(rungsReached(asha, 0, 20, 2), [1, 2])
  assert.deepEqual(rungsReached(asha, 1, 20, 2), [0, 1])
  assert.deepEqual(rungsReached(asha, 0, 1_000_000, 18), [])
  assert.deepEqual(rungsReached({ ...asha, max: undefined }, 0, 60, 18), [3])
})

test('of those on a rung the best part goes on, and the best always', () => {
  const asha = { kind: 'asha', min: 1, max: undefined, factor: 3 } as const
  assert.equal(isHalvedAway(asha, 5, [5]), false)
  assert.equal(isHalvedAway(asha, 5, [4, 5]), true)
  assert.equal(isHalvedAway(asha, 2, [1, 2, 3, 4, 5, 6]), false)
  assert.equal(isHalvedAway(asha, 3, [1, 2, 3, 4, 5, 6]), true)
  assert.equal(isHalvedAway(asha, Number.NaN, [Number.NaN]), true)
  assert.equal(isHalvedAway(asha, 7, [Number.NaN, 7]), false)
})

test('hyperband shares its trials among brackets as their budgets say', () => {
  const hyperband = { kind: 'hyperband', min: 1, max: 81, factor: 3 } as const
  const counts = [0, 0, 0, 0, 0]
  for (let number = 0; number < 10_000; number++) counts[bracketOf(hyperband, 9, number)]!++
  // ⌈5 · 3^s / (s + 1)⌉ for s = 4 … 0: 81, 34, 15, 8, 5 of 143.
  for (const [bracket, size] of [81, 34, 15, 8, 5].entries()) {
    assert.ok(Math.abs(counts[bracket]! - (10_000 * size) / 143) < 150, `${counts}`)
  }
  assert.equal(bracketOf({ ...hyperband, kind: 'asha' }, 9, 3), 0)
})
