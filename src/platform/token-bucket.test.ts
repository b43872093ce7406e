import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { openBuckets, type Quota } from './token-bucket.ts'

const NOW = 1_700_000_000_000

/** How many of so many calls, at these moments, got a token. */
function granted(quota: Quota, moments: readonly number[]): number {
  const buckets = openBuckets(10)
  let count = 0
  for (const at of moments) {
    if (buckets.look('a', quota, at).waitMs > 0) continue
    buckets.take('a', quota, at)
    count++
  }
  return count
}

describe('openBuckets()', () => {
  it('gives the burst at once, then one for each interval, and says how long to wait', () => {
    const buckets = openBuckets(10)
    const quota = { perSecond: 10, burst: 3 }
    const left: number[] = []
    for (let i = 0; i < 3; i++) {
      left.push(buckets.look('a', quota, NOW).left)
      buckets.take('a', quota, NOW)
    }
    assert.deepEqual(left, [2, 1, 0])
    const refused = buckets.look('a', quota, NOW)
    assert.deepEqual([refused.left, Math.round(refused.waitMs), Math.round(refused.fullInMs)], [0, 100, 300])
    assert.equal(buckets.look('b', quota, NOW).waitMs, 0, 'another name has its own')
    assert.equal(buckets.look('a', quota, NOW + 99).waitMs > 0, true)
    assert.equal(buckets.look('a', quota, NOW + 100).waitMs, 0)
  })

  it('never gives more than burst and refill, and all of it to who asks all the time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 300 }),
        (burst, perSecond, gaps) => {
          let at = NOW
          const moments = gaps.map(gap => {
            at += gap
            return at
          })
          const lasted = (at - moments[0]!) / 1000
          assert.ok(granted({ perSecond, burst }, moments) <= burst + perSecond * lasted + 1e-6)
        },
      ),
    )
    const every = Array.from({ length: 10_001 }, (_, ms) => NOW + ms)
    assert.equal(granted({ perSecond: 8, burst: 5 }, every), 5 + 80)
    assert.equal(granted({ perSecond: 0.5, burst: 1 }, every), 1 + 5)
  })

  it('forgets full buckets, then the first, and never holds more than it may', () => {
    const buckets = openBuckets(100)
    const quota = { perSecond: 1, burst: 1 }
    for (let i = 0; i < 100; i++) buckets.take(`early ${i}`, quota, NOW)
    buckets.take('late', quota, NOW + 1_500)
    assert.equal(buckets.size(), 1)
    for (let i = 0; i < 1_000; i++) buckets.take(`flood ${i}`, quota, NOW + 1_600)
    assert.equal(buckets.size(), 100)
    assert.equal(buckets.look('flood 999', quota, NOW + 1_600).waitMs > 0, true)
  })
})
