import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { countValue, histogramCounts, histogramText, labelText } from './exposition.ts'

describe('countValue()', () => {
  it('counts each value in the first bucket whose bound is not below it', () => {
    const bounds = fc.uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 20 })
    const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }))
    fc.assert(
      fc.property(bounds, values, (unsorted, all) => {
        const sorted = unsorted.toSorted((a, b) => a - b)
        const histogram = histogramCounts(sorted)
        for (const value of all) countValue(histogram, value)
        for (const [at, bound] of sorted.entries()) {
          const upTo = histogram.counts.slice(0, at + 1).reduce((a, b) => a + b)
          assert.equal(upTo, all.filter(value => value <= bound).length)
        }
        assert.equal(
          histogram.counts.reduce((a, b) => a + b),
          all.length,
        )
      }),
    )
  })
})

describe('histogramText()', () => {
  it('writes cumulative buckets, sum and count', () => {
    const histogram = histogramCounts([0.1, 1])
    for (const value of [0.05, 0.1, 0.5, 7]) countValue(histogram, value)
    assert.equal(
      histogramText('h', labelText({ a: 'x"\\\n' }), histogram),
      [
        'h_bucket{a="x\\"\\\\\\n",le="0.1"} 2',
        'h_bucket{a="x\\"\\\\\\n",le="1"} 3',
        'h_bucket{a="x\\"\\\\\\n",le="+Inf"} 4',
        'h_sum{a="x\\"\\\\\\n"} 7.65',
        'h_count{a="x\\"\\\\\\n"} 4',
        '',
      ].join('\n'),
    )
  })
})
