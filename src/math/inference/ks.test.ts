import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { kolmogorovUpper, kolmogorovUpperFast, kolmogorovUpperOf } from '../distributions/kolmogorov.ts'
import { normalLower } from '../distributions/normal.ts'
import { ksFromCounts } from '../divergence/ks-from-counts.ts'
import { golden, near } from '../golden.suite.ts'
import { countsWithin } from '../histogram.ts'
import { type Alternative, ks, ksOneSample } from './ks.ts'

interface Expected {
  readonly statistic: number
  readonly pvalue: number
  readonly location: number
  readonly sign: number
}

const wanted = golden<{
  cases: { a: number[]; b: number[]; expected: Readonly<Record<string, Expected>> }[]
  large_n: { n: number; m: number; D: number; pvalue_kstwo: number; pvalue_kolmogorov_limit: number }[]
  one_sample_norm: { x: number[]; statistic: number; p_exact: number; p_asymp: number }[]
}>('ks')
const TOLERANCE = 1e-12

describe('two samples, against SciPy', () => {
  for (const { a, b, expected } of wanted.cases) {
    for (const [key, value] of Object.entries(expected)) {
      const [alternative, method] = key.split('/') as [Alternative, 'exact' | 'asymp']
      test(`${a.length} and ${b.length} values, ${key}`, () => {
        // SciPy gives up the exact one-sided p-value where its counts overflow, and answers the asymptotic one.
        const gaveUp = a.length * b.length === 900_000 && alternative !== 'two-sided'
        const isExact = method === 'exact' && !gaveUp
        const found = ks(a, b, { alternative, method: isExact ? 'exact' : 'asymptotic' })
        near(found.statistic, value.statistic, TOLERANCE)
        near(found.pValue, value.pvalue, TOLERANCE)
        assert.equal(found.location, value.location)
        assert.equal(found.sign, value.sign)
        // What SciPy could not tell is near.
        if (gaveUp) near(ks(a, b, { alternative, method: 'exact' }).pValue, value.pvalue, 0.02)
      })
    }
  }
  test('large samples', () => {
    for (const { n, m, D, pvalue_kstwo: ofN, pvalue_kolmogorov_limit: limit } of wanted.large_n) {
      const effective = (n * m) / (n + m)
      near(kolmogorovUpperOf(Math.round(effective), D), ofN, TOLERANCE, 1e-307)
      near(kolmogorovUpper(Math.sqrt(effective) * D), limit, TOLERANCE, 1e-307)
    }
  })
})

test('one sample, against SciPy', () => {
  for (const { x, statistic, p_exact: exact, p_asymp: limit } of wanted.one_sample_norm) {
    const found = ksOneSample(x, normalLower)
    near(found.statistic, statistic, TOLERANCE)
    near(found.pValue, exact, TOLERANCE)
    near(kolmogorovUpper(Math.sqrt(x.length) * statistic), limit, TOLERANCE)
  }
})

describe('the distribution of Kolmogorov’s D', () => {
  test('in constant time it is as near as its description says', () => {
    for (const [n, tolerance] of [
      [10, 0.003],
      [100, 0.0002],
      [141, 0.00015],
      [1000, 0.00003],
    ] as const) {
      for (let d = 0.3 / Math.sqrt(n); d < Math.min(1, 3 / Math.sqrt(n)); d += 0.01 / Math.sqrt(n)) {
        near(kolmogorovUpperFast(n, d), kolmogorovUpperOf(n, d), 0, tolerance, `n = ${n}, d = ${d}`)
      }
    }
  })
  test('falls from 1 to 0, also where one formula gives way to another', () => {
    for (const n of [1, 2, 7, 140, 141, 1000, 30_000]) {
      let before = 1
      for (let d = 0; d <= 1.001; d += 0.2 / Math.max(5, Math.sqrt(n))) {
        const p = kolmogorovUpperOf(n, d)
        assert.ok(p >= 0 && p <= before + 1e-6, `n = ${n}, d = ${d}: ${p} after ${before}`)
        before = p
      }
      assert.equal(before < 1e-9, true)
    }
  })
})

const sample = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 30 })

describe('laws', () => {
  test('both orders of the samples give the same, with sides exchanged', () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        near(ks(a, b).pValue, ks(b, a).pValue, 1e-9)
        near(ks(a, b, { alternative: 'less' }).pValue, ks(b, a, { alternative: 'greater' }).pValue, 1e-9)
        assert.equal(ks(a, a).pValue, 1)
      }),
    )
  })
  test('counts of single values give the statistic of the samples', () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const bounds = Array.from({ length: 42 }, (_, at) => at - 20)
        near(ksFromCounts(countsWithin(bounds, a), countsWithin(bounds, b)).statistic, ks(a, b).statistic, 1e-12)
      }),
    )
  })
  test('the exact p-value is the share of orders that stray as far, by trying them all', () => {
    const [n, m] = [4, 5]
    const orders: (readonly number[])[] = []
    const visit = (chosen: readonly number[], from: number): void => {
      if (chosen.length === n) orders.push(chosen)
      else for (let at = from; at < n + m; at++) visit([...chosen, at], at + 1)
    }
    visit([], 0)
    const samplesOf = (chosen: readonly number[]): [number[], number[]] => [
      [...chosen],
      Array.from({ length: n + m }, (_, at) => at).filter(at => !chosen.includes(at)),
    ]
    const statistics = orders.map(chosen => ks(...samplesOf(chosen)).statistic)
    for (const [at, chosen] of orders.entries()) {
      const share = statistics.filter(other => other >= statistics[at]! - 1e-9).length / orders.length
      near(ks(...samplesOf(chosen)).pValue, share, 1e-12)
    }
  })
  test('what cannot be compared', () => {
    assert.equal(ks([], [1]).statistic, Number.NaN)
    assert.throws(() => ks([1, Number.NaN], [1]), /a value is NaN/)
  })
})
