import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { averagePrecision, rocAuc } from './auc.ts'
import { brier } from './brier.ts'
import { accuracy, confusion, f1, precision, recall } from './confusion.ts'
import { logLoss } from './log-loss.ts'
import { mae, mse, r2, rmse } from './regression.ts'

interface Binary {
  readonly y: readonly number[]
  readonly score: readonly number[]
  readonly confusion: readonly [readonly [number, number], readonly [number, number]]
  readonly [metric: string]: unknown
}
interface Golden {
  readonly binary: readonly Binary[]
  readonly regression: {
    readonly y: readonly number[]
    readonly pred: readonly number[]
    readonly [metric: string]: unknown
  }
}

const golden = JSON.parse(readFileSync(new URL('../../../test/golden/metrics.json', import.meta.url), 'utf8')) as Golden

function near(got: number, wanted: unknown): void {
  assert.ok(typeof wanted === 'number' && Math.abs(got - wanted) <= 1e-12, `${got} for ${wanted}`)
}

describe('classification, against scikit-learn', () => {
  for (const [index, sample] of golden.binary.entries()) {
    test(`sample ${index}, ${sample.y.length} rows`, () => {
      const labels = Float64Array.from(sample.y)
      const scores = Float64Array.from(sample.score)
      const counts = confusion(labels, scores)
      const { trueNegatives, falsePositives, falseNegatives, truePositives } = counts
      assert.deepEqual(
        [
          [trueNegatives, falsePositives],
          [falseNegatives, truePositives],
        ],
        sample.confusion,
      )
      near(accuracy(counts), (trueNegatives + truePositives) / sample.y.length)
      near(precision(counts), sample['precision'])
      near(recall(counts), sample['recall'])
      near(f1(counts), sample['f1'])
      near(rocAuc(labels, scores), sample['roc_auc'])
      near(averagePrecision(labels, scores), sample['average_precision'])
      near(logLoss(labels, scores), sample['log_loss'])
      near(brier(labels, scores), sample['brier'])
    })
  }
})

test('regression, against scikit-learn', () => {
  const truth = Float64Array.from(golden.regression.y)
  const answers = Float64Array.from(golden.regression.pred)
  near(mae(truth, answers), golden.regression['mae'])
  near(mse(truth, answers), golden.regression['mse'])
  near(rmse(truth, answers), golden.regression['rmse'])
  near(r2(truth, answers), golden.regression['r2'])
})

describe('edges', () => {
  test('without one of the classes there is no AUC', () => {
    assert.equal(rocAuc(Float64Array.of(1, 1), Float64Array.of(0.1, 0.2)), Number.NaN)
    assert.equal(rocAuc(Float64Array.of(0, 0), Float64Array.of(0.1, 0.2)), Number.NaN)
  })
  test('nothing called positive: precision 0', () => {
    assert.equal(precision(confusion(Float64Array.of(1, 0), Float64Array.of(0.1, 0.2))), 0)
  })
  test('a certain error is large, not infinite', () => {
    assert.ok(logLoss(Float64Array.of(1), Float64Array.of(0)) < 37)
  })
  test('equal true values have no R²', () => {
    assert.equal(r2(Float64Array.of(2, 2), Float64Array.of(1, 3)), Number.NaN)
  })
  test('columns of other lengths are refused', () => {
    assert.throws(() => mae(new Float64Array(2), new Float64Array(3)), /2 true values, but 3 answers/)
  })
  test('a score that is no number is refused', () => {
    assert.throws(() => rocAuc(Float64Array.of(1, 0), Float64Array.of(Number.NaN, 1)), /a score is NaN/)
  })
})

const samples = fc.array(fc.tuple(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 20 })), {
  minLength: 2,
  maxLength: 60,
})

type Row = [label: number, score: number]

/** The share of pairs of a positive and a negative in which the positive scores higher, by counting them all. */
function shareOfPairsWon(rows: readonly Row[]): number {
  const pairs = rows.flatMap(([label, score]) =>
    label === 1 ? rows.filter(row => row[0] === 0).map(row => score - row[1]) : [],
  )
  const won = pairs.map(by => (Math.sign(by) + 1) / 2)
  return won.reduce((sum, win) => sum + win, 0) / won.length
}

describe('laws', () => {
  test('AUC is the share of pairs won, and turns over with the scores', () => {
    fc.assert(
      fc.property(samples, rows => {
        const labels = Float64Array.from(rows, ([label]) => label)
        const scores = Float64Array.from(rows, ([, score]) => score / 20)
        const auc = rocAuc(labels, scores)
        const wanted = shareOfPairsWon(rows)
        if (Number.isNaN(wanted)) return assert.equal(auc, Number.NaN)
        near(auc, wanted)
        near(
          rocAuc(
            labels,
            scores.map(score => -score),
          ),
          1 - auc,
        )
      }),
    )
  })
})
