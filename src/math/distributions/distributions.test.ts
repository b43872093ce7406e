import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { golden, near } from '../golden.suite.ts'
import { betaQuantile, betaTails } from './beta.ts'
import { chiSquaredUpper } from './chi-squared.ts'
import { fisherUpper } from './fisher-f.ts'
import { gammaTails } from './gamma.ts'
import { normalLower, normalQuantile, normalUpper } from './normal.ts'
import { studentQuantile, studentUpper } from './student-t.ts'

type Row<Key extends string> = Readonly<Record<Key, number>>

const { distributions: wanted } = golden<{
  distributions: {
    norm: Row<'x' | 'cdf' | 'sf'>[]
    norm_ppf: Row<'p' | 'x'>[]
    t_sf: Row<'x' | 'df' | 'sf'>[]
    t_ppf: Row<'p' | 'df' | 'x'>[]
    chi2_sf: Row<'x' | 'df' | 'sf'>[]
    beta_ppf: Row<'p' | 'a' | 'b' | 'x'>[]
    f_sf: Row<'x' | 'd1' | 'd2' | 'sf'>[]
  }
}>('tests')

/** Relative, also in the tails; what is below the smallest normal number is 0 to SciPy. */
const RELATIVE = 1e-12
const ABSOLUTE = 1e-307

describe('distributions, against SciPy', () => {
  test('normal', () => {
    for (const { x, cdf, sf } of wanted.norm) {
      near(normalLower(x), cdf, RELATIVE, ABSOLUTE, `below ${x}`)
      near(normalUpper(x), sf, RELATIVE, ABSOLUTE, `above ${x}`)
    }
    for (const { p, x } of wanted.norm_ppf) near(normalQuantile(p), x, RELATIVE, 0, `quantile ${p}`)
  })
  test('Student t', () => {
    for (const { x, df, sf } of wanted.t_sf) near(studentUpper(x, df), sf, RELATIVE, ABSOLUTE, `${x}, ${df}`)
    for (const { p, df, x } of wanted.t_ppf) near(studentQuantile(p, df), x, RELATIVE, 0, `${p}, ${df}`)
  })
  test('χ²', () => {
    for (const { x, df, sf } of wanted.chi2_sf) near(chiSquaredUpper(x, df), sf, RELATIVE, ABSOLUTE, `${x}, ${df}`)
  })
  test('beta', () => {
    for (const { p, a, b, x } of wanted.beta_ppf) near(betaQuantile(p, a, b), x, RELATIVE, 0, `${p}, ${a}, ${b}`)
  })
})

const parameter = fc.double({ min: 1e-3, max: 1e6, noNaN: true })
const share = fc.double({ min: 0, max: 1, noNaN: true })

describe('whole parameters, against sums', () => {
  test('gamma is a sum of Poisson probabilities', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 1e-3, max: 200, noNaN: true }), (shape, x) => {
        let [term, sum] = [Math.exp(-x), 0]
        for (let k = 0; k < shape; k++) {
          sum += term
          term *= x / (k + 1)
        }
        near(gammaTails(shape, x).upper, sum, 1e-11, 1e-300)
        near(chiSquaredUpper(2 * x, 2 * shape), sum, 1e-11, 1e-300)
      }),
    )
  })
  test('beta is a sum of binomial probabilities', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.nat(59),
        fc.double({ min: 1e-3, max: 0.999, noNaN: true }),
        (n, of, p) => {
          const k = 1 + (of % n)
          let [choose, sum] = [1, 0]
          for (let j = 0; j <= n; j++) {
            if (j >= k) sum += choose * p ** j * (1 - p) ** (n - j)
            choose *= (n - j) / (j + 1)
          }
          near(betaTails(k, n - k + 1, p).lower, sum, 1e-11, 1e-300)
        },
      ),
    )
  })
})

describe('laws', () => {
  test('two tails make one', () => {
    fc.assert(
      fc.property(parameter, parameter, share, (a, b, x) => {
        const { lower, upper } = betaTails(a, b, x)
        near(lower + upper, 1, 1e-12)
        assert.ok(lower >= 0 && upper >= 0)
      }),
    )
    fc.assert(
      fc.property(fc.double({ min: -40, max: 40, noNaN: true }), z => near(normalLower(z) + normalUpper(z), 1, 1e-12)),
    )
  })
  test('a beta variable turned round is a beta variable', () => {
    fc.assert(
      fc.property(parameter, parameter, share, (a, b, x) => {
        near(betaTails(a, b, x, 1 - x).lower, betaTails(b, a, 1 - x, x).upper, 1e-9, 1e-300)
      }),
    )
  })
  test('quantiles are where the probability is reached', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1, maxExcluded: true, noNaN: true }), p => {
        near(normalLower(normalQuantile(p)), p, 1e-10)
      }),
    )
    const degrees = fc.double({ min: 0.5, max: 1e5, noNaN: true })
    fc.assert(
      fc.property(fc.double({ min: 1e-12, max: 0.999999, noNaN: true }), degrees, (p, df) => {
        near(1 - studentUpper(studentQuantile(p, df), df), p, 1e-9, 1e-12)
      }),
    )
    fc.assert(
      fc.property(
        fc.double({ min: 1e-9, max: 0.999999, noNaN: true }),
        fc.double({ min: 0.1, max: 1e4, noNaN: true }),
        fc.double({ min: 0.1, max: 1e4, noNaN: true }),
        (p, a, b) => {
          // Near 1, x has no more digits than these.
          const x = betaQuantile(p, a, b)
          assert.ok(betaTails(a, b, x * (1 - 4e-16) - 1e-300).lower <= p * (1 + 1e-9), `${x}`)
          assert.ok(betaTails(a, b, Math.min(1, x * (1 + 4e-16))).lower >= p * (1 - 1e-9), `${x}`)
        },
      ),
    )
  })
  test('answers for any arguments, also those that make no sense', () => {
    const any = fc.oneof(
      fc.double(),
      fc.double({ min: 0, max: 1e9 }),
      fc.constantFrom(0, 1, -1, Infinity, -Infinity, Number.NaN),
    )
    fc.assert(
      fc.property(any, any, any, (x, y, z) => {
        for (const p of [
          chiSquaredUpper(x, y),
          studentUpper(x, y),
          fisherUpper(x, y, z),
          betaTails(x, y, z).lower,
          normalUpper(x),
        ]) {
          assert.ok(Number.isNaN(p) || (p >= 0 && p <= 1), `${p} of ${x}, ${y}, ${z}`)
        }
      }),
      { numRuns: 2000 },
    )
  })
  test('ends', () => {
    assert.deepEqual([normalQuantile(0), normalQuantile(1), normalQuantile(2)], [-Infinity, Infinity, Number.NaN])
    assert.deepEqual([betaQuantile(0, 2, 3), betaQuantile(1, 2, 3), betaQuantile(0.5, 0, 3)], [0, 1, Number.NaN])
    assert.equal(studentUpper(1.5, Infinity), normalUpper(1.5))
    assert.equal(studentUpper(-Infinity, 3), 1)
    assert.equal(chiSquaredUpper(Infinity, 3), 0)
    assert.equal(chiSquaredUpper(Number.NaN, 3), Number.NaN)
    assert.equal(chiSquaredUpper(-1, 3), 1)
  })
})
