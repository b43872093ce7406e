import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { lowerQuantile, quantile, sortedValues } from './quantiles.ts'

interface Stream {
  readonly name: string
  readonly x: readonly number[]
  readonly exact_lower: Readonly<Record<string, number>>
  readonly exact_linear: Readonly<Record<string, number>>
}

const file = new URL('../../test/golden/quantiles.json', import.meta.url)
const { streams } = JSON.parse(readFileSync(file, 'utf8')) as { streams: readonly Stream[] }

describe('quantiles, against NumPy', () => {
  for (const { name, x, exact_lower: lower, exact_linear: linear } of streams) {
    test(name, () => {
      const sorted = sortedValues(Float64Array.from(x))
      for (const [p, wanted] of Object.entries(lower)) assert.equal(lowerQuantile(sorted, Number(p)), wanted)
      for (const [p, wanted] of Object.entries(linear)) {
        assert.ok(Math.abs(quantile(sorted, Number(p)) - wanted) <= 1e-12 * Math.abs(wanted), `p = ${p}`)
      }
    })
  }
})

describe('quantiles', () => {
  test('rise with p, from the smallest to the largest', () => {
    const samples = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 })
    fc.assert(
      fc.property(
        samples,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (sample, p, q) => {
          const sorted = sortedValues(Float64Array.from(sample, value => value + 0)) // + 0: no −0
          assert.ok(quantile(sorted, Math.min(p, q)) <= quantile(sorted, Math.max(p, q)) + 1e-6)
          assert.equal(quantile(sorted, 0), sorted[0])
          assert.equal(quantile(sorted, 1), sorted.at(-1))
          assert.ok(sorted.includes(lowerQuantile(sorted, p)))
        },
      ),
    )
  })
  test('of nothing are NaN', () => assert.equal(quantile(new Float64Array(0), 0.5), Number.NaN))
  test('leave missing values out', () => assert.deepEqual([...sortedValues(Float64Array.of(3, Number.NaN, 1))], [1, 3]))
  test('refuse p outside 0 … 1', () => assert.throws(() => quantile(Float64Array.of(1), 1.5), /p is 1.5/))
})
