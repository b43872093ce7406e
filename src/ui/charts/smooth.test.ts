import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { smooth } from './smooth.ts'

test('means are those of the definition', () => {
  assert.deepEqual(smooth([1, 3], 0.5), [1, (0.25 * 1 + 0.5 * 3) / 0.75])
  assert.deepEqual(smooth([1, 3], 0), [1, 3])
  assert.deepEqual(smooth([1, Number.NaN, 1], 0.9), [1, Number.NaN, 1])
})

test('a constant stays, and a mean is never beyond what it is of', () => {
  const number = fc.double({ min: -1e6, max: 1e6, noNaN: true })
  fc.assert(
    fc.property(fc.array(number, { minLength: 1 }), fc.double({ min: 0, max: 0.99, noNaN: true }), (values, weight) => {
      const [low, high] = [Math.min(...values), Math.max(...values)]
      const room = 1e-9 * Math.max(1, Math.abs(low), Math.abs(high))
      for (const mean of smooth(values, weight)) assert.ok(mean >= low - room && mean <= high + room)
    }),
  )
})
