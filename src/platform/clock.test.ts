import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock, steadyClock } from './clock.ts'

test('steadyClock() tells the latest time again while the clock beneath it has gone back', () => {
  const source = manualClock(1_000)
  const steady = steadyClock(source)
  assert.equal(steady.now(), 1_000)
  source.set(400)
  assert.equal(steady.now(), 1_000)
  source.set(1_001)
  assert.equal(steady.now(), 1_001)
})
