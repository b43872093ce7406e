import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { near } from '../golden.suite.ts'
import type { Estimate } from '../inference/estimate.ts'
import { meanInterval } from '../inference/mean.ts'
import { momentsOf } from '../inference/moments.ts'
import { wilson } from '../inference/proportion.ts'
import { type Random, seededRandom } from '../random.ts'
import { averagePrecision, rankedAuc, ranking, rocAuc } from './auc.ts'
import { binaryMetrics } from './binary.ts'
import { brier } from './brier.ts'
import { calibrationError, reliability } from './calibration.ts'
import { accuracy, confusion, f1, precision, recall } from './confusion.ts'
import { logLoss } from './log-loss.ts'
import { mae, quantileLoss, r2, regressionMetrics, rmse } from './regression.ts'

const rows = fc.array(fc.tuple(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 20 })), { maxLength: 60 })

describe('estimates', () => {
  test('are the metrics themselves, within their intervals, which grow with the level', () => {
    fc.assert(
      fc.property(rows, sample => {
        const labels = Uint8Array.from(sample, ([label]) => label)
        const scores = Float64Array.from(sample, ([, score]) => score / 20)
        const counts = confusion(labels, scores, 0.5)
        const alone = {
          accuracy: accuracy(counts),
          precision: precision(counts),
          recall: recall(counts),
          f1: f1(counts),
          rocAuc: rocAuc(labels, scores),
          prAuc: averagePrecision(labels, scores),
          logLoss: logLoss(labels, scores),
          brier: brier(labels, scores),
          calibrationError: calibrationError(reliability(labels, scores)),
        }
        const wide = binaryMetrics(labels, scores, 0.5, { level: 0.99 })
        for (const [name, estimate] of Object.entries(binaryMetrics(labels, scores, 0.5))) {
          if (estimate === undefined) continue
          near(estimate.value, alone[name as keyof typeof alone], 1e-9, 1e-12, name)
          within(estimate)
          within(wide[name as keyof typeof alone]!)
          assert.ok(wide[name as keyof typeof alone]!.low <= estimate.low + 1e-12, name)
          assert.ok(wide[name as keyof typeof alone]!.high >= estimate.high - 1e-12, name)
        }
      }),
    )
  })
  test('of regression, likewise', () => {
    // The square of anything smaller is no normal double, and has hardly a digit left to compare.
    const value = fc.double({ min: -9, max: 9, noNaN: true }).map(x => (Math.abs(x) < 1e-150 ? 0 : x))
    const values = fc.array(fc.tuple(value, value), { minLength: 2, maxLength: 50 })
    fc.assert(
      fc.property(values, sample => {
        const actual = Float64Array.from(sample, ([y]) => y)
        const predicted = Float64Array.from(sample, ([, p]) => p)
        const found = regressionMetrics(actual, predicted, { quantile: 0.9 })
        near(found.mae!.value, mae(actual, predicted), 1e-9, 1e-300)
        near(found.rmse!.value, rmse(actual, predicted), 1e-9, 1e-300)
        near(found.quantileLoss!.value, quantileLoss(actual, predicted, 0.9), 1e-9, 1e-300)
        if (found.r2 !== undefined) near(found.r2.value, r2(actual, predicted), 1e-9)
        for (const estimate of Object.values(found)) if (estimate !== undefined) within(estimate)
      }),
    )
  })
})

function within({ value, low, high }: Estimate): void {
  assert.ok(low <= value && value <= high, `${low} ≤ ${value} ≤ ${high}`)
}

describe('DeLong', () => {
  test('the variance is that of its definition, over all pairs', () => {
    fc.assert(
      fc.property(rows, sample => {
        const split = (label: number): number[] => sample.filter(row => row[0] === label).map(row => row[1])
        const [positives, negatives] = [split(1), split(0)]
        fc.pre(positives.length > 1 && negatives.length > 1)
        const win = (by: number): number => (Math.sign(by) + 1) / 2
        const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length
        const ofPositives = positives.map(p => mean(negatives.map(n => win(p - n))))
        const ofNegatives = negatives.map(n => mean(positives.map(p => win(p - n))))
        const variance = (list: readonly number[]): number => momentsOf(list.length, at => list[at]!).variance
        const wanted = variance(ofPositives) / positives.length + variance(ofNegatives) / negatives.length
        const found = rankedAuc(
          ranking(
            sample.map(row => row[0]),
            sample.map(row => row[1]),
          ),
        )
        near(found.value, mean(ofPositives), 1e-12)
        near(found.variance, wanted, 1e-9, 1e-15)
      }),
    )
  })
})

describe('what does not exist', () => {
  test('no rows, one class, nothing called positive, scores that are no probabilities', () => {
    assert.ok(Object.values(binaryMetrics([], [], 0.5)).every(estimate => estimate === undefined))
    const one = binaryMetrics([1, 1], [0.2, 0.3], 0.5)
    assert.deepEqual([one.rocAuc, one.prAuc, one.precision], [undefined, undefined, undefined])
    assert.equal(one.recall?.value, 0)
    const odds = binaryMetrics([1, 0, 1], [2.5, -1, 0.3], 0)
    assert.deepEqual([odds.logLoss, odds.brier, odds.calibrationError], [undefined, undefined, undefined])
    assert.equal(odds.rocAuc?.value, 1)
    assert.equal(regressionMetrics([1], [2]).mae, undefined)
    assert.equal(regressionMetrics([2, 2], [1, 3]).r2, undefined)
    assert.equal(wilson(0, 0), undefined)
    assert.equal(meanInterval(momentsOf(1, () => 5)), undefined)
  })
  test('what cannot be asked', () => {
    assert.throws(() => binaryMetrics([1, 0], [0.5], 0.5), /2 true values, but 1 answers/)
    assert.throws(() => binaryMetrics([1, 0], [0.5, Number.NaN], 0.5), /a score is NaN/)
    assert.throws(() => binaryMetrics([1, 0], [0.5, 0.2], 0.5, { level: 95 }), /level is 95/)
    assert.throws(() => reliability([1], [1.5]), /a score is 1.5/)
    assert.throws(() => reliability([1], [0.5], 0), /wanted 0, at least 1/)
    assert.throws(() => regressionMetrics([1, 2], [1, 2], { quantile: 2 }), /the quantile is 2/)
  })
})

describe('Wilson', () => {
  test('by hand: 81 of 263 (Newcombe 1998, table I)', () => {
    const { low, high } = wilson(81, 263)!
    near(low, 0.2553, 0, 5e-5)
    near(high, 0.3662, 0, 5e-5)
    const none = wilson(0, 20)!
    assert.deepEqual([none.low, Number(none.high.toFixed(4))], [0, 0.1611])
  })
})

/** How often intervals of 95 % hold what is true of a very large sample from the same source. */
describe('intervals hold as often as they say', () => {
  const ROUNDS = 400

  function classified(random: Random, count: number): [Uint8Array, Float64Array] {
    const scores = Float64Array.from({ length: count }, () => random() ** 2)
    return [Uint8Array.from(scores, score => (random() < score * 0.8 ? 1 : 0)), scores]
  }

  test('of a classifier', () => {
    const random = seededRandom(4)
    const truth = binaryMetrics(...classified(random, 400_000), 0.5)
    const held: Record<string, number> = {}
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, estimate] of Object.entries(binaryMetrics(...classified(random, 200), 0.5))) {
        const value = truth[name as keyof typeof truth]!.value
        held[name] = (held[name] ?? 0) + (estimate!.low <= value && value <= estimate!.high ? 1 : 0)
      }
    }
    for (const [name, count] of Object.entries(held)) {
      // Three standard deviations below 95 %; the triangle bound is cautious.
      assert.ok(count / ROUNDS > 0.915, `${name}: ${count} of ${ROUNDS}`)
      assert.ok(name === 'calibrationError' || count / ROUNDS < 0.985, `${name}: ${count} of ${ROUNDS}`)
    }
  })

  test('of a regression', () => {
    const random = seededRandom(5)
    const draw = (count: number): [Float64Array, Float64Array] => {
      const predicted = Float64Array.from({ length: count }, () => random() * 6)
      return [predicted.map(value => value + random() + random() + random() - 1.5), predicted]
    }
    const truth = regressionMetrics(...draw(400_000))
    const held: Record<string, number> = {}
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, estimate] of Object.entries(regressionMetrics(...draw(200)))) {
        const value = truth[name as keyof typeof truth]!.value
        held[name] = (held[name] ?? 0) + (estimate!.low <= value && value <= estimate!.high ? 1 : 0)
      }
    }
    for (const [name, count] of Object.entries(held)) {
      assert.ok(count / ROUNDS > 0.915 && count / ROUNDS < 0.985, `${name}: ${count} of ${ROUNDS}`)
    }
  })
})
