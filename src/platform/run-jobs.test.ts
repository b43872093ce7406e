import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { runJobsSuite } from './run-jobs.suite.ts'
import { retryMs } from './run-jobs.ts'
import { sqlitePlace } from './temporary.suite.ts'

runJobsSuite(sqlitePlace)

test('retryMs() doubles from a second to half an hour, less at most a half', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, random) => {
        const whole = Math.min(1_800_000, 1_000 * 2 ** (attempt - 1))
        const ms = retryMs(attempt, random)
        assert.ok(Number.isInteger(ms) && ms >= whole / 2 && ms <= whole, `${ms} of ${whole}`)
      },
    ),
  )
  assert.deepEqual(
    [1, 2, 3, 11, 12, 500].map(attempt => retryMs(attempt, 0)),
    [500, 1_000, 2_000, 512_000, 900_000, 900_000],
  )
})
