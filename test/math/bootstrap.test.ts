import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { golden } from '../../src/math/golden.suite.ts'
import { type BootstrapOptions, bootstrap } from '../../src/math/inference/bootstrap.ts'
import { quantile } from '../../src/math/quantiles.ts'
import { seededRandom } from '../../src/math/random.ts'

type Interval = { low: number; high: number; se: number }

const { cases } = golden<{ cases: ({ x: number[] } & Readonly<Record<string, unknown>>)[] }>('bootstrap')
const STATISTICS = {
  mean: (sample: Float64Array): number => sample.reduce((sum, value) => sum + value, 0) / sample.length,
  median: (sample: Float64Array): number => quantile(sample.sort(), 0.5),
}
/** Both sides draw at random: of an end, in standard errors of the statistic; of the standard error, as a share of it. */
const END_OFF_MAX = 0.15
const ERROR_OFF_MAX = 0.03

describe('bootstrap, against SciPy', () => {
  for (const sample of cases) {
    for (const [key, expected] of Object.entries(sample)) {
      if (!key.includes('/')) continue
      test(`${key} of ${sample.x.length} values`, () => {
        const [name, method] = key.split('/') as [keyof typeof STATISTICS, NonNullable<BootstrapOptions['method']>]
        const found = bootstrap(sample.x, STATISTICS[name], { method, resamples: 20_000, random: seededRandom(1) })
        const { low, high, se } = expected as Interval
        assert.ok(found !== undefined)
        assert.ok(Math.abs(found.low - low) < END_OFF_MAX * se, `low ${found.low}, wanted ${low} of ${se}`)
        assert.ok(Math.abs(found.high - high) < END_OFF_MAX * se, `high ${found.high}, wanted ${high} of ${se}`)
        assert.ok(Math.abs(found.standardError / se - 1) < ERROR_OFF_MAX, `error ${found.standardError}, wanted ${se}`)
      })
    }
  }
})

describe('bootstrap', () => {
  test('is the same for the same seed, another for another', () => {
    const of = (seed: number): number | undefined =>
      bootstrap([1, 2, 4, 8, 16], STATISTICS.mean, { random: seededRandom(seed) })?.standardError
    assert.equal(of(7), of(7))
    assert.notEqual(of(7), of(8))
  })
  test('equal values leave nothing open', () => {
    const found = bootstrap([3, 3, 3], STATISTICS.mean, { random: seededRandom(1) })
    assert.deepEqual([found?.value, found?.low, found?.high, found?.standardError], [3, 3, 3, 0])
  })
  test('no values have no statistic', () => {
    assert.equal(bootstrap([], STATISTICS.mean, { random: seededRandom(1) }), undefined)
    assert.throws(() => bootstrap([1], STATISTICS.mean, { random: seededRandom(1), resamples: 1 }), /wanted 1 samples/)
  })
})

test('seeded numbers are uniform', () => {
  const random = seededRandom(42)
  const tenths = new Array<number>(10).fill(0)
  for (let draw = 0; draw < 100_000; draw++) {
    const value = random()
    assert.ok(value >= 0 && value < 1)
    tenths[Math.floor(value * 10)]!++
  }
  for (const count of tenths) assert.ok(Math.abs(count - 10_000) < 500, `${tenths}`)
})
