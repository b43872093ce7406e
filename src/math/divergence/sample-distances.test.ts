import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { golden, near } from '../golden.suite.ts'
import { andersonDarling } from '../inference/anderson-darling.ts'
import { cramerVonMises } from '../inference/cramer-von-mises.ts'
import { energyDistance, wasserstein } from './sample-distances.ts'
import { wassersteinFromCounts } from './share-distances.ts'

interface Case {
  readonly a: number[]
  readonly b: number[]
  readonly wa: number[]
  readonly wb: number[]
  readonly wasserstein: number
  readonly wasserstein_weighted: number
  readonly energy: number
  readonly anderson_ksamp: number
  readonly cramervonmises: { readonly statistic: number; readonly pvalue: number }
}

describe('distances of samples, against SciPy', () => {
  for (const wanted of golden<{ sample_distances: Case[] }>('distances').sample_distances) {
    const { a, b } = wanted
    test(`${a.length} and ${b.length} values`, () => {
      near(wasserstein(a, b), wanted.wasserstein, 1e-12)
      near(wasserstein(a, b, { a: wanted.wa, b: wanted.wb }), wanted.wasserstein_weighted, 1e-12)
      near(energyDistance(a, b), wanted.energy, 1e-12)
      near(andersonDarling(a, b).statistic, wanted.anderson_ksamp, 1e-12)
      const found = cramerVonMises(a, b, { method: 'asymptotic' })
      near(found.statistic, wanted.cramervonmises.statistic, 1e-12)
      // SciPy stops its series at 1e−7; ours keeps its digits in the far tail.
      near(found.pValue, wanted.cramervonmises.pvalue, 1e-12, 1e-8)
    })
  }
})

const sample = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 2, maxLength: 20 })

describe('laws of distances', () => {
  test('0 for the same sample, the shift for a shifted one', () => {
    fc.assert(
      fc.property(sample, fc.integer({ min: -50, max: 50 }), (a, by) => {
        assert.equal(wasserstein(a, a.toReversed()), 0)
        assert.equal(energyDistance(a, a.toReversed()), 0)
        near(
          wasserstein(
            a,
            a.map(value => value + by),
          ),
          Math.abs(by),
          1e-12,
        )
      }),
    )
  })
  test('Wasserstein of samples is that of their counts', () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const places = Array.from({ length: 19 }, (_, at) => at - 9)
        const counts = (values: readonly number[]): number[] =>
          places.map(place => values.filter(value => value === place).length)
        near(wassersteinFromCounts(counts(a), counts(b), places), wasserstein(a, b), 1e-12, 1e-12)
      }),
    )
  })
  test('energy is what its expectations say', () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const mean = (x: readonly number[], y: readonly number[]): number =>
          x.reduce((sum, p) => sum + y.reduce((inner, q) => inner + Math.abs(p - q), 0), 0) / (x.length * y.length)
        near(energyDistance(a, b) ** 2, 2 * mean(a, b) - mean(a, a) - mean(b, b), 1e-9, 1e-9)
      }),
    )
  })
  test('what cannot be compared', () => {
    assert.equal(wasserstein([], [1]), Number.NaN)
    assert.throws(() => wasserstein([Number.NaN], [1]), /a value is NaN/)
    assert.throws(() => energyDistance([1, 2], [1], { a: [1] }), /2 values, but 1 weights/)
    assert.throws(() => energyDistance([1, 2], [1], { a: [1, -1] }), /a weight is -1/)
  })
})

describe('Cramér and von Mises', () => {
  test('the exact p-value is the share of orders that are as far apart, by trying them all', () => {
    const [n, m] = [4, 6]
    const all = Array.from({ length: n + m }, (_, at) => at)
    const samples: [number[], number[]][] = []
    for (let bits = 0; bits < 2 ** (n + m); bits++) {
      const a = all.filter(at => (bits >> at) & 1)
      if (a.length === n) samples.push([a, all.filter(at => !((bits >> at) & 1))])
    }
    const statistics = samples.map(([a, b]) => cramerVonMises(a, b).statistic)
    for (const [at, [a, b]] of samples.entries()) {
      const share = statistics.filter(other => other >= statistics[at]! - 1e-9).length / samples.length
      near(cramerVonMises(a, b, { method: 'exact' }).pValue, share, 1e-12)
    }
  })
  test('exact and asymptotic meet', () => {
    const [a, b] = [
      [1, 4, 5, 9, 12, 14, 16, 19, 21, 27, 30],
      [2, 3, 6, 7, 8, 10, 11, 13, 15, 17, 18, 20],
    ] as const
    near(cramerVonMises(a, b).pValue, cramerVonMises(a, b, { method: 'asymptotic' }).pValue, 0, 0.01)
  })
  test('equal samples are no evidence', () => {
    const many = Array.from({ length: 40 }, (_, at) => at)
    assert.equal(cramerVonMises(many, many).pValue, 1)
    assert.throws(() => cramerVonMises([1], [1, 2]), /samples of 1 and 2 values/)
  })
})

test('Anderson and Darling: the p-value lies between the published levels', () => {
  assert.equal(andersonDarling([1, 2, 3, 4], [1, 2, 3, 4]).pValue, 0.25)
  const { pValue } = andersonDarling([1, 2, 3, 4, 5, 6, 7], [3, 5, 7, 8, 9, 10, 11])
  assert.ok(pValue > 0.001 && pValue < 0.05, `${pValue}`)
  assert.throws(() => andersonDarling([1, 1], [1, 1]), /all values are equal/)
  assert.throws(() => andersonDarling([1], [1, 2]), /wanted four together/)
})
