import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffMs } from './backoff.ts'

test('doubles up to its most, less up to half by chance', () => {
  const waits = (random: number): number[] =>
    [0, 1, 2, 3, 4, 40, 4000].map(failures => backoffMs(failures, { firstMs: 100, mostMs: 500, random: () => random }))
  assert.deepEqual(waits(0), [100, 100, 200, 400, 500, 500, 500])
  assert.deepEqual(waits(0.5), [75, 75, 150, 300, 375, 375, 375])
})
