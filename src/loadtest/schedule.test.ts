import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../math/random.ts'
import { schedule } from './schedule.ts'

const times = (next: () => number, count: number): number[] => Array.from({ length: count }, () => next())

test('even arrivals are equally spaced, also after a million of them', () => {
  const next = schedule(3, 'even', seededRandom(1))
  assert.deepEqual(times(next, 4), [0, 1000 / 3, 2000 / 3, 1000])
  const million = times(schedule(1000, 'even', seededRandom(1)), 1_000_001)
  assert.equal(million.at(-1), 1_000_000)
})

test('arrivals at random ascend, keep the rate, and have gaps like those of a Poisson process', () => {
  const rate = 500
  const all = times(schedule(rate, 'poisson', seededRandom(7)), 200_000)
  const gaps = all.map((at, i) => at - (all[i - 1] ?? 0))
  assert.ok(gaps.every(gap => gap >= 0))
  const mean = all.at(-1)! / all.length
  assert.ok(Math.abs(mean - 2) < 0.02, `mean gap ${mean} ms`)
  // Exponential: the share of gaps longer than the mean is 1/e, and the deviation equals the mean.
  const longer = gaps.filter(gap => gap > 2).length / gaps.length
  assert.ok(Math.abs(longer - 1 / Math.E) < 0.01, `${longer}`)
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length)
  assert.ok(Math.abs(deviation - 2) < 0.05, `${deviation}`)
})

test('the same seed gives the same arrivals', () => {
  assert.deepEqual(
    times(schedule(10, 'poisson', seededRandom(3)), 20),
    times(schedule(10, 'poisson', seededRandom(3)), 20),
  )
})

test('lanes of an even schedule together are the whole one', () => {
  const lanes = [0, 1, 2].map(at => times(schedule(300, 'even', seededRandom(1), { at, of: 3 }), 10))
  const together = lanes.flat().sort((a, b) => a - b)
  assert.deepEqual(together, times(schedule(300, 'even', seededRandom(1)), 30))
})

test('lanes at random keep the rate together, and their gaps are those of a Poisson process', () => {
  const lanes = [0, 1, 2, 3].map(at => times(schedule(400, 'poisson', seededRandom(at), { at, of: 4 }), 20_000))
  const end = Math.min(...lanes.map(lane => lane.at(-1)!))
  const together = lanes
    .flat()
    .filter(at => at < end)
    .sort((a, b) => a - b)
  const mean = end / together.length
  assert.ok(Math.abs(mean - 2.5) < 0.05, `mean gap ${mean} ms`)
  const longer = together.filter((at, i) => at - (together[i - 1] ?? 0) > 2.5).length / together.length
  assert.ok(Math.abs(longer - 1 / Math.E) < 0.01, `${longer}`)
})
