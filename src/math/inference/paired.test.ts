/** Comparisons of two classifiers on the same rows. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { golden, near } from '../golden.suite.ts'
import { discordant, mcnemar, pairedShareDifference } from './mcnemar.ts'

interface Pair {
  readonly b: number
  readonly c: number
  readonly n: number
  readonly exact: number
  readonly mid: number
  readonly tango: readonly [number, number] | null
}

describe('McNemar as statsmodels, Tango by numerical likelihood', () => {
  for (const { b, c, n, exact, mid, tango } of golden<{ pairs: Pair[] }>('validation').pairs) {
    test(`${b} and ${c} of ${n}`, () => {
      const found = mcnemar({ onlyFirst: b, onlySecond: c })
      near(found.exact, exact, 1e-12)
      near(found.midP, mid, 1e-12)
      const difference = pairedShareDifference({ onlyFirst: b, onlySecond: c }, n)!
      assert.equal(difference.value, (b - c) / n)
      assert.ok(difference.low <= difference.value && difference.value <= difference.high)
      if (tango === null) return
      near(difference.low, tango[0], 1e-6, 1e-7)
      near(difference.high, tango[1], 1e-6, 1e-7)
    })
  }
})

test('the second in the place of the first turns the interval over', () => {
  const one = pairedShareDifference({ onlyFirst: 9, onlySecond: 2 }, 50)!
  const other = pairedShareDifference({ onlyFirst: 2, onlySecond: 9 }, 50)!
  near(one.low, -other.high, 1e-9)
  near(one.high, -other.low, 1e-9)
})

test('rows on which one alone is right', () => {
  assert.deepEqual(discordant([1, 0, 1, 0], [1, 1, 0, 0]), { onlyFirst: 1, onlySecond: 1 })
  assert.throws(() => discordant([1], [1, 0]), /1 rows of one, but 2/)
  assert.throws(() => pairedShareDifference({ onlyFirst: 3, onlySecond: 1 }, 2), /3 \+ 1 rows differ, of 2/)
  assert.equal(pairedShareDifference({ onlyFirst: 0, onlySecond: 0 }, 0), undefined)
})
