import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { HdrHistogram } from './hdr-histogram.ts'

function of(values: readonly number[], digits = 3): HdrHistogram {
  const histogram = new HdrHistogram(digits)
  for (const value of values) histogram.add(value)
  return histogram
}

const value = fc.oneof(
  fc.integer({ min: 0, max: 3000 }),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc.integer({ min: 0, max: 32 }).map(bits => Math.max(0, 2 ** bits - 1)),
)

describe('HdrHistogram', () => {
  test('knows nothing without values', () => {
    const { total, mean, minimum, maximum } = new HdrHistogram(3)
    assert.deepEqual([total, mean, minimum, maximum], [0, Number.NaN, Number.NaN, Number.NaN])
    assert.equal(new HdrHistogram(3).quantile(0.5), Number.NaN)
    assert.deepEqual([...new HdrHistogram(3).bins()], [])
  })

  test('counts small values exactly', () => {
    const histogram = of([1, 2, 2, 3, 2047])
    assert.deepEqual(
      [...histogram.bins()].map(({ low, high, count }) => [low, high, count]),
      [
        [1, 1, 1],
        [2, 2, 2],
        [3, 3, 1],
        [2047, 2047, 1],
      ],
    )
    assert.equal(histogram.mean, 411)
    assert.equal(histogram.quantile(0.6), 2)
  })

  test('the 99th of 100 is the 99th, not the 100th', () => {
    const histogram = of(Array.from({ length: 100 }, (_, i) => i + 1))
    assert.equal(histogram.quantile(0.99), 99)
    assert.equal(histogram.quantile(0.07), 7)
    assert.equal(histogram.quantile(0), 1)
    assert.equal(histogram.quantile(1), 100)
  })

  test('every value lies in its bin, the bins are disjoint, and no bin is wider than the error allows', () => {
    fc.assert(
      fc.property(value, fc.integer({ min: 1, max: 4 }), (x, digits) => {
        const [bin] = [...of([x], digits).bins()]
        assert.ok(bin!.low <= x && x <= bin!.high, `${x} in ${bin!.low} … ${bin!.high}`)
        assert.ok(bin!.high - bin!.low <= x * 10 ** -digits, `${bin!.low} … ${bin!.high}`)
        const [next] = [...of([Math.min(2 ** 32 - 1, bin!.high + 1)], digits).bins()]
        assert.ok(next!.low === bin!.high + 1 || bin!.high === 2 ** 32 - 1)
      }),
    )
  })

  test('quantiles are those of the sorted values, never lower, and higher by a thousandth at most', () => {
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, share) => {
          const sorted = values.toSorted((a, b) => a - b)
          const wanted = sorted[Math.max(1, Math.ceil(Number((share * values.length).toPrecision(15)))) - 1]!
          const found = of(values).quantile(share)
          assert.ok(found >= wanted && found <= wanted * 1.001, `${found} for ${wanted}`)
          assert.ok(found <= sorted.at(-1)!)
        },
      ),
    )
  })

  test('counts what is beyond its range in the last bin, and keeps the maximum', () => {
    const histogram = of([2 ** 40])
    assert.equal(histogram.maximum, 2 ** 40)
    assert.equal([...histogram.bins()][0]!.high, 2 ** 32 - 1)
    assert.equal(of([0.9]).quantile(0.5), 0)
  })

  test('what several counted is what one would have counted of all', () => {
    fc.assert(
      fc.property(fc.array(value), fc.array(value), (some, others) => {
        const both = of(some)
        both.merge(structuredClone(of(others).data))
        const all = of([...some, ...others])
        assert.deepEqual(both.data.counts, all.data.counts)
        assert.deepEqual([both.total, both.minimum, both.maximum], [all.total, all.minimum, all.maximum])
        assert.ok(all.total === 0 || Math.abs(both.mean - all.mean) <= all.mean * 1e-12)
      }),
    )
    assert.throws(() => of([1]).merge(of([1], 2).data), /Cannot merge a histogram of 2 digits: wanted 3/)
  })

  test('refuses what cannot be counted', () => {
    assert.throws(() => of([-1]), /Cannot count -1/)
    assert.throws(() => of([Number.NaN]), RangeError)
    assert.throws(() => new HdrHistogram(0), /significant digits/)
    assert.throws(() => of([1]).quantile(1.1), /wanted 0 to 1/)
  })
})
