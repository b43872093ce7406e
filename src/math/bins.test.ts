import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { binsOf, countSlots, slotOf, slotsOf } from './bins.ts'

const EDGES = [0, -0, 5e-324, -5e-324, 1, 1 + 2 ** -52, 1e-300, 1e300, Number.MAX_VALUE, -Number.MAX_VALUE]

/** As the definition says it, bound by bound. */
function slotByDefinition(lowers: readonly number[], maximum: number, value: number): number {
  if (Number.isNaN(value)) return lowers.length + 2
  if (lowers.length === 0 || value > maximum) return lowers.length + 1
  if (value < lowers[0]!) return lowers.length
  return lowers.findLastIndex(lower => lower <= value)
}

describe('slotOf()', () => {
  test('is what the definition says, for any bounds and values', () => {
    const number = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: -20, max: 20 }),
      fc.constantFrom(...EDGES),
    )
    fc.assert(
      fc.property(fc.array(number, { maxLength: 150 }), number, fc.array(number), (bounds, above, values) => {
        const lowers = [...new Set(bounds.map(bound => bound + 0))].sort((a, b) => a - b)
        const maximum = Math.max(lowers.at(-1) ?? 0, above) + 0
        const bins = binsOf(lowers, maximum)
        const many = binsOf(lowers, maximum, 4096)
        const near = lowers.flatMap(lower => [lower, lower * (1 + 2 ** -52), lower * (1 - 2 ** -52)])
        for (const value of [...values, ...near, maximum, Number.NaN, Infinity, -Infinity, ...EDGES]) {
          const counters = new Float64Array(slotsOf(many) + 7)
          countSlots(many, Float64Array.of(value), 1, counters, Uint32Array.of(4), 3)
          assert.equal(counters.indexOf(1) - 7, slotOf(bins, value))
          assert.equal(
            slotOf(bins, value),
            slotByDefinition(lowers, maximum, value),
            `${value} in ${lowers}, ${maximum}`,
          )
        }
      }),
      { numRuns: 500 },
    )
  })

  test('counts bins, below, above and missing', () => {
    const bins = binsOf([1, 2, 3], 3)
    assert.equal(slotsOf(bins), 6)
    assert.deepEqual(
      [1, 2.5, 3, 0, 4, Number.NaN].map(value => slotOf(bins, value)),
      [0, 1, 2, 3, 4, 5],
    )
  })
})
