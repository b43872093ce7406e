import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { editDistance, nearest } from './suggest.ts'

test('editDistance() counts insertions, deletions, substitutions and swaps of neighbours', () => {
  assert.equal(editDistance('kitten', 'sitting'), 3)
  assert.equal(editDistance('verify', 'verfiy'), 1)
  assert.equal(editDistance('', 'abc'), 3)
  assert.equal(editDistance('ca', 'abc'), 3) // the restricted form; the unrestricted one would say 2
})

test('editDistance() is symmetric, zero only for equals, and bounded by the longer word', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      const distance = editDistance(a, b)
      assert.equal(distance, editDistance(b, a))
      assert.equal(distance === 0, a === b)
      assert.ok(distance <= Math.max(a.length, b.length))
    }),
  )
})

test('nearest() finds slips and beginnings, and nothing where nothing is near', () => {
  assert.equal(nearest('regsiter', ['start', 'register']), 'register')
  assert.equal(nearest('reg', ['start', 'register']), 'register')
  assert.equal(nearest('START', ['start', 'register']), 'start')
  assert.equal(nearest('zebra', ['start', 'register']), undefined)
  assert.equal(nearest('x'.repeat(100_000), ['start']), undefined)
})
