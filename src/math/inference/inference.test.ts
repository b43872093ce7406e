import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { fisherUpper } from '../distributions/fisher-f.ts'
import { golden, near } from '../golden.suite.ts'
import { chiSquaredTwoSample } from './chi-squared-two-sample.ts'
import { chiSquaredTest, cramersV, fisherExact, gTest } from './contingency.ts'
import { levene } from './levene.ts'
import { mannWhitney } from './mann-whitney.ts'
import { benjaminiHochberg, benjaminiYekutieli, bonferroni, holm } from './multiple.ts'
import { type TTestOptions, tTest } from './t-test.ts'

interface ChiSquared {
  readonly statistic: number
  readonly pvalue: number
  readonly dof: number
  readonly expected: number[][]
}
interface TTest {
  readonly t: number
  readonly p: number
  readonly df: number
  readonly ci95: [number, number]
}
type TTestCase = {
  a: number[]
  b: number[]
  mannwhitney_asymp: { u: number; p: number }
  levene_median: { w: number; p: number }
}

const wanted = golden<{
  chi2: {
    table: number[][]
    yates: ChiSquared
    plain: ChiSquared
    g_test: { statistic: number; pvalue: number }
    fisher?: { odds: number; pvalue: number }
    cramers_v: number
  }[]
  ttest: (TTestCase & Readonly<Record<string, unknown>>)[]
  fdr: { p: number[]; bh: number[]; by: number[] }
  distributions: { f_sf: { x: number; d1: number; d2: number; sf: number }[] }
}>('tests')
/** Of statistics that are sums of small squares, what rounding leaves. */
const TOLERANCE = 1e-12

describe('tables, against SciPy', () => {
  for (const { table, yates, plain, g_test: g, fisher, cramers_v: v } of wanted.chi2) {
    test(`${table.length} × ${table[0]!.length}, ${table.flat().reduce((a, b) => a + b)} rows`, () => {
      for (const [expected, found] of [
        [yates, chiSquaredTest(table, { yates: true })],
        [plain, chiSquaredTest(table)],
      ] as const) {
        near(found.statistic, expected.statistic, TOLERANCE)
        near(found.pValue, expected.pvalue, TOLERANCE)
        assert.equal(found.degreesOfFreedom, expected.dof)
        for (const [at, count] of found.expected.flat().entries()) near(count, expected.expected.flat()[at]!, TOLERANCE)
      }
      near(gTest(table).statistic, g.statistic, TOLERANCE)
      near(gTest(table).pValue, g.pvalue, TOLERANCE)
      near(cramersV(table), v, TOLERANCE)
      if (fisher !== undefined) {
        near(fisherExact(table).oddsRatio, fisher.odds, TOLERANCE)
        near(fisherExact(table).pValue, fisher.pvalue, TOLERANCE)
      }
      if (table.length === 2) {
        const two = chiSquaredTwoSample(table[0]!, table[1]!)
        near(two.statistic, plain.statistic, TOLERANCE)
        near(two.pValue, plain.pvalue, TOLERANCE)
        assert.equal(two.degreesOfFreedom, plain.dof)
      }
    })
  }
})

describe('two samples, against SciPy', () => {
  for (const expected of wanted.ttest) {
    const { a, b, mannwhitney_asymp: ranks, levene_median: spread } = expected
    test(`${a.length} and ${b.length} values`, () => {
      for (const variances of ['student', 'welch'] as const) {
        for (const alternative of ['two-sided', 'less', 'greater'] as const) {
          const { t, p, df, ci95 } = expected[`${variances}/${alternative}`] as TTest
          const found = tTest(a, b, { variances, alternative } satisfies TTestOptions)
          near(found.statistic, t, TOLERANCE)
          near(found.pValue, p, TOLERANCE)
          near(found.degreesOfFreedom, df, TOLERANCE)
          near(found.low, ci95[0], TOLERANCE)
          near(found.high, ci95[1], TOLERANCE)
        }
      }
      const found = mannWhitney(a, b)
      near(found.statistic, ranks.u, 0)
      near(found.pValue, ranks.p, TOLERANCE)
      near(levene(a, b).statistic, spread.w, TOLERANCE)
      near(levene(a, b).pValue, spread.p, TOLERANCE)
    })
  }
  test('F', () => {
    for (const { x, d1, d2, sf } of wanted.distributions.f_sf) near(fisherUpper(x, d1, d2), sf, TOLERANCE)
  })
})

describe('many tests', () => {
  test('false discovery rates, against SciPy', () => {
    const { p, bh, by } = wanted.fdr
    for (const [at, value] of benjaminiHochberg(p).entries()) near(value, bh[at]!, TOLERANCE)
    for (const [at, value] of benjaminiYekutieli(p).entries()) near(value, by[at]!, TOLERANCE)
  })
  test('Holm by hand', () => {
    for (const [at, value] of holm([0.01, 0.04, 0.03, 0.005]).entries())
      near(value, [0.03, 0.06, 0.06, 0.02][at]!, 1e-12)
  })
  test('never below the p-value, kept in its order, and no more careful than Bonferroni', () => {
    const probabilities = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 })
    fc.assert(
      fc.property(probabilities, ps => {
        const most = bonferroni(ps)
        for (const adjust of [holm, benjaminiHochberg]) {
          const adjusted = adjust(ps)
          for (const [i, p] of ps.entries()) {
            assert.ok(adjusted[i]! >= p - 1e-15 && adjusted[i]! <= most[i]! + 1e-12)
            for (const [j, q] of ps.entries()) assert.ok(p > q || adjusted[i]! <= adjusted[j]! + 1e-12)
          }
        }
      }),
    )
    assert.throws(() => holm([0.5, 1.5]), /one is 1.5/)
  })
})

describe('what cannot be tested', () => {
  test('tables', () => {
    assert.throws(() => chiSquaredTest([[1, 2], [3]]), /wanted a rectangle/)
    assert.throws(
      () =>
        chiSquaredTest([
          [1, 0],
          [3, 0],
        ]),
      /a row or column of the table is empty/,
    )
    assert.throws(
      () =>
        chiSquaredTest([
          [1, -1],
          [3, 2],
        ]),
      /a count is -1/,
    )
    assert.throws(
      () =>
        fisherExact([
          [1, 2, 3],
          [3, 2, 1],
        ]),
      /the table is 2 × 3/,
    )
  })
  test('samples', () => {
    assert.throws(() => tTest([1], [1, 2]), /1 and 2 values/)
    assert.throws(() => mannWhitney([], [1]), /0 and 1 values/)
    assert.throws(() => levene([1]), /two samples or more/)
    assert.throws(() => mannWhitney([Number.NaN], [1]), /a value is NaN/)
  })
  test('equal values are no evidence', () => {
    assert.equal(mannWhitney([2, 2, 2], [2, 2]).pValue, 1)
    assert.equal(tTest([2, 2, 2], [2, 2]).pValue, Number.NaN)
  })
})
