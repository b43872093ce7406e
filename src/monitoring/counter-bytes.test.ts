import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { counterBytes, countersOf, firstCountersOf } from './counter-bytes.ts'

test('counters are read as they were written', () => {
  const count = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(300), fc.maxSafeNat())
  fc.assert(
    fc.property(fc.array(count, { maxLength: 300 }), counts => {
      const counters = Float64Array.from(counts)
      assert.deepEqual(countersOf(counterBytes(counters), counts.length), counters)
      for (const length of [0, 1, Math.floor(counts.length / 2)].filter(some => some <= counts.length)) {
        assert.deepEqual(firstCountersOf(counterBytes(counters), length), counters.slice(0, length))
      }
      assert.equal(firstCountersOf(counterBytes(counters), counts.length + 1), undefined)
    }),
  )
})

test('an empty window takes a few bytes, a busy one little more than a byte a bin', () => {
  assert.ok(counterBytes(new Float64Array(100_000)).length <= 4)
  assert.equal(counterBytes(new Float64Array(1000).fill(100)).length, 1000)
})

test('bytes of another length are told', () => {
  const bytes = counterBytes(Float64Array.of(1, 0, 0, 5))
  assert.equal(countersOf(bytes, 3), undefined)
  assert.equal(countersOf(bytes, 5), undefined)
  assert.equal(countersOf(bytes.subarray(0, 2), 4), undefined)
})
