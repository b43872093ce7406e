import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { golden, near } from '../golden.suite.ts'
import { chiSquaredTwoSample } from '../inference/chi-squared-two-sample.ts'
import { entropy, jensenShannon, jensenShannonDistance, kullbackLeibler } from './entropy.ts'
import { ksFromCounts } from './ks-from-counts.ts'
import { mergeBins, mergedCounts } from './merge-bins.ts'
import { psi, psiPValue } from './psi.ts'
import { hellinger, totalVariation, wassersteinFromCounts } from './share-distances.ts'

interface Divergence {
  readonly p: number[]
  readonly q: number[]
  readonly kl_pq_e: number
  readonly kl_pq_2: number
  readonly entropy_p_2: number
  readonly js_dist_e: number
  readonly js_dist_2: number
  readonly hellinger: number
  readonly tv: number
}

describe('divergences, against SciPy', () => {
  for (const [index, wanted] of golden<{ divergences: Divergence[] }>('distances').divergences.entries()) {
    test(`pair ${index}, ${wanted.p.length} bins`, () => {
      const { p, q } = wanted
      near(kullbackLeibler(p, q), wanted.kl_pq_e, 1e-12)
      near(kullbackLeibler(p, q, 2), wanted.kl_pq_2, 1e-12)
      near(entropy(p, 2), wanted.entropy_p_2, 1e-12)
      near(jensenShannonDistance(p, q), wanted.js_dist_e, 1e-12)
      near(jensenShannonDistance(p, q, 2), wanted.js_dist_2, 1e-12)
      near(hellinger(p, q), wanted.hellinger, 1e-12)
      near(totalVariation(p, q), wanted.tv, 1e-12)
    })
  }
})

const count = fc.oneof(fc.nat(1000), fc.constant(0))
const pair = fc
  .array(fc.tuple(count, count), { minLength: 1, maxLength: 40 })
  .map(rows => [rows.map(([r]) => r), rows.map(([, c]) => c)] as const)
  .filter(([r, c]) => r.some(n => n > 0) && c.some(n => n > 0))
const all = { psi, kullbackLeibler, jensenShannon, hellinger, totalVariation }
const places = (counts: readonly number[]): number[] => counts.map((_, at) => at)

describe('laws of divergences', () => {
  for (const [name, divergence] of Object.entries(all)) {
    test(`${name} is 0 for equal shares, never below, and the same in any order of bins`, () => {
      fc.assert(
        fc.property(pair, ([r, c]) => {
          const value = divergence(r, c)
          assert.ok(value >= 0, `${value}`)
          near(
            divergence(
              r,
              r.map(n => n * 3),
            ),
            0,
            0,
            1e-7,
          )
          near(divergence(r.toReversed(), c.toReversed()), value, 1e-9, 1e-9)
        }),
      )
    })
  }
  test('PSI, JS, Hellinger and total variation are symmetric', () => {
    fc.assert(
      fc.property(pair, ([r, c]) => {
        for (const divergence of [psi, jensenShannon, hellinger, totalVariation])
          near(divergence(r, c), divergence(c, r), 1e-9)
      }),
    )
  })
  test('JS, Hellinger and KS lie within their bounds', () => {
    fc.assert(
      fc.property(pair, ([r, c]) => {
        assert.ok(jensenShannon(r, c, 2) <= 1 && hellinger(r, c) <= 1)
        const ks = ksFromCounts(r, c)
        assert.ok(ks.statistic <= totalVariation(r, c) + 1e-12 && ks.pValue >= 0 && ks.pValue <= 1)
      }),
    )
  })
  test('Wasserstein: a shift of all rows by one bin is its width', () => {
    fc.assert(
      fc.property(
        fc.array(count, { minLength: 1, maxLength: 30 }),
        fc.double({ min: 0.1, max: 1e3, noNaN: true }),
        (counts, width) => {
          fc.pre(counts.some(n => n > 0))
          const at = places([0, ...counts]).map(place => place * width)
          near(wassersteinFromCounts([...counts, 0], [0, ...counts], at), width, 1e-9)
        },
      ),
    )
  })
})

describe('what cannot be computed', () => {
  test('bins that are not the same', () => {
    assert.throws(() => psi([1, 2], [1]), /Cannot compute PSI: reference has 2 bins, current has 1/)
    assert.throws(() => chiSquaredTwoSample([1], [1, 2]), /Cannot compute χ²/)
    assert.throws(() => wassersteinFromCounts([1], [1], []), /1 bins, but 0 positions/)
    assert.throws(() => wassersteinFromCounts([1, 1], [1, 1], [2, 1]), /position 1 is not above/)
  })
  test('counts that are none', () => {
    assert.throws(() => psi([1, -2], [1, 1]), /bin 1 has -2 rows/)
    assert.throws(() => jensenShannon([1, 2], [Number.NaN, 1]), /bin 0 has NaN rows/)
  })
  test('a side without rows has no statistic', () => {
    for (const divergence of Object.values(all)) assert.equal(divergence([1, 2], [0, 0]), Number.NaN)
    assert.equal(ksFromCounts([], []).statistic, Number.NaN)
    assert.equal(chiSquaredTwoSample([0], [1]).pValue, Number.NaN)
    assert.equal(psiPValue(0.1, 0, 5, 3), Number.NaN)
  })
  test('one bin cannot differ', () => {
    assert.equal(psi([5], [9]), 0)
    assert.equal(psiPValue(0, 5, 9, 1), 1)
    assert.deepEqual(chiSquaredTwoSample([5, 0], [9, 0]), { statistic: 0, degreesOfFreedom: 0, pValue: 1 })
  })
})

describe('mergeBins()', () => {
  test('keeps every row, begins with the first bin, and makes no more bins than wanted', () => {
    fc.assert(
      fc.property(fc.array(count, { maxLength: 150 }), fc.integer({ min: 1, max: 20 }), (counts, binsMax) => {
        const starts = mergeBins(counts, binsMax)
        assert.ok(starts.length <= binsMax)
        assert.equal(starts.length === 0, counts.length === 0)
        if (counts.length > 0) assert.equal(starts[0], 0)
        assert.deepEqual(
          starts,
          [...new Set(starts)].toSorted((a, b) => a - b),
        )
        const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0)
        assert.equal(sum(mergedCounts(counts, starts)), sum(counts))
      }),
    )
  })
  test('128 equal bins become 10 that differ by one fine bin', () => {
    const merged = mergedCounts(new Array(128).fill(7), mergeBins(new Array(128).fill(7), 10))
    assert.equal(merged.length, 10)
    assert.ok(
      merged.every(rows => rows === 84 || rows === 91),
      `${merged}`,
    )
  })
  test('a spike stays apart', () => {
    const counts = [3, 4, 500, 6, 5, ...new Array<number>(50).fill(10)]
    const starts = mergeBins(counts, 10)
    assert.ok(starts.includes(2) && starts.includes(3), `${starts}`)
  })
  test('as few bins as wanted are taken as they are', () => {
    assert.deepEqual(mergeBins([5, 1, 9], 10), [0, 1, 2])
  })
  test('without rows all is one', () => assert.deepEqual(mergeBins([0, 0, 0], 10), [0]))
  test('at least one bin', () => assert.throws(() => mergeBins([1], 0), /wanted 0/))
})
