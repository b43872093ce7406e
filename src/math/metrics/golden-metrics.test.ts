/** The rest of scikit-learn's metrics; the everyday ones stand in `metrics.test.ts`. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { golden, near } from '../golden.suite.ts'
import { equalBounds, quantileBounds } from '../histogram.ts'
import { d2Absolute, mape, maxError, medianAbsoluteError } from './absolute-errors.ts'
import { balancedAccuracy, kappa, matthews } from './agreement.ts'
import { rocAuc } from './auc.ts'
import { calibrationError, type ReliabilityBin, reliability } from './calibration.ts'
import { confusion } from './confusion.ts'
import { classSeparation, prAucTrapezoid, thresholdCurve, weightedRocAuc } from './curves.ts'
import {
  aucOneVersusOne,
  aucOneVersusRest,
  confusionMatrix,
  multiclassF1,
  multiclassLogLoss,
  topAccuracy,
} from './multiclass.ts'
import { dcg, ndcg, rankingAveragePrecision } from './ranking.ts'
import { explainedVariance, quantileLoss } from './regression.ts'

type Numbers = Readonly<Record<string, number>>
interface Binary {
  readonly y: number[]
  readonly score: number[]
  readonly weight: number[]
  readonly roc_first20: { readonly fpr: number[]; readonly tpr: number[]; readonly thr: number[] }
  readonly calib_uniform: { readonly frac_pos: number[]; readonly mean_pred: number[] }
  readonly calib_quantile: { readonly frac_pos: number[]; readonly mean_pred: number[] }
}

const wanted = golden<{
  binary: (Binary & Numbers)[]
  multiclass: { y: number[]; proba: number[][]; confusion: number[][] } & Numbers
  regression: { y: number[]; pred: number[] } & Numbers
  ranking: { relevance: number[][]; score: number[][] } & Numbers
}>('metrics')
const TOLERANCE = 1e-12

describe('binary classification, against scikit-learn', () => {
  for (const [index, sample] of wanted.binary.entries()) {
    const { y, score, weight } = sample
    test(`sample ${index}, ${y.length} rows`, () => {
      const counts = confusion(y, score)
      near(matthews(counts), sample['mcc']!, TOLERANCE)
      near(kappa(counts), sample['kappa']!, TOLERANCE)
      near(balancedAccuracy(counts), sample['balanced_accuracy']!, TOLERANCE)
      near(weightedRocAuc(y, score, weight), sample['roc_auc_weighted']!, TOLERANCE)
      near(2 * rocAuc(y, score) - 1, sample['gini']!, TOLERANCE)
      near(calibrationError(reliability(y, score, 10)), sample['ece10_equal_width']!, TOLERANCE)
      const curve = thresholdCurve(y, score)
      near(prAucTrapezoid(curve), sample['pr_auc_trapezoid']!, TOLERANCE)
      near(classSeparation(curve), sample['ks']!, TOLERANCE)
      for (const [at, threshold] of sample.roc_first20.thr.entries()) {
        const point = curve[at]!
        near(point.threshold, threshold, TOLERANCE)
        near(point.falsePositiveRate, sample.roc_first20.fpr[at]!, TOLERANCE)
        near(point.truePositiveRate, sample.roc_first20.tpr[at]!, TOLERANCE)
      }
      nearCurve(reliability(y, score, closedAbove(equalBounds(0, 1, 10))), sample.calib_uniform)
      nearCurve(reliability(y, score, closedAbove(quantileBounds(score, 10))), sample.calib_quantile)
    })
  }
})

/** scikit-learn's bins hold their upper bound, ours their lower: the bounds move by the least that a number can. */
function closedAbove(bounds: readonly number[]): number[] {
  return [0, ...bounds.slice(1, -1).map(nextAbove), 1]
}

function nextAbove(value: number): number {
  const bits = new BigInt64Array(Float64Array.of(value).buffer)
  bits[0]! += 1n
  return new Float64Array(bits.buffer)[0]!
}

function nearCurve(curve: readonly ReliabilityBin[], expected: Binary['calib_uniform']): void {
  assert.equal(curve.length, expected.frac_pos.length)
  for (const [at, bin] of curve.entries()) {
    near(bin.positiveShare, expected.frac_pos[at]!, TOLERANCE)
    near(bin.meanScore, expected.mean_pred[at]!, TOLERANCE)
  }
}

test('several classes, against scikit-learn', () => {
  const { y, proba } = wanted.multiclass
  const columns = proba[0]!.map((_, label) => proba.map(row => row[label]!))
  const called = proba.map(row => row.indexOf(Math.max(...row)))
  const matrix = confusionMatrix(y, called, columns.length)
  assert.deepEqual(matrix, wanted.multiclass.confusion)
  for (const average of ['macro', 'micro', 'weighted'] as const) {
    near(multiclassF1(matrix, average), wanted.multiclass[`f1_${average}`]!, TOLERANCE)
  }
  near(multiclassLogLoss(y, columns), wanted.multiclass['log_loss']!, TOLERANCE)
  near(aucOneVersusRest(y, columns), wanted.multiclass['auc_ovr_macro']!, TOLERANCE)
  near(aucOneVersusOne(y, columns), wanted.multiclass['auc_ovo_macro']!, TOLERANCE)
  near(topAccuracy(y, columns, 2), wanted.multiclass['top2']!, TOLERANCE)
  assert.ok(topAccuracy(y, columns, 1) < 1)
  assert.throws(() => confusionMatrix([4], [0], 4), /a label is 4, wanted the number of a class, 0 … 3/)
})

test('regression, against scikit-learn', () => {
  const { y, pred } = wanted.regression
  near(medianAbsoluteError(y, pred), wanted.regression['median_ae']!, TOLERANCE)
  near(mape(y, pred), wanted.regression['mape']!, TOLERANCE)
  near(maxError(y, pred), wanted.regression['max_error']!, TOLERANCE)
  near(d2Absolute(y, pred), wanted.regression['d2_abs']!, TOLERANCE)
  near(explainedVariance(y, pred), wanted.regression['explained_variance']!, TOLERANCE)
  near(quantileLoss(y, pred, 0.9), wanted.regression['pinball_90']!, TOLERANCE)
  assert.deepEqual([maxError([], []), medianAbsoluteError([], []), d2Absolute([2, 2], [1, 3])], [NaN, NaN, NaN])
})

describe('ranking, against scikit-learn', () => {
  const { relevance, score } = wanted.ranking
  const mean = (of: (relevance: number[], score: number[]) => number): number =>
    relevance.reduce((sum, query, at) => sum + of(query, score[at]!), 0) / relevance.length
  test('gains', () => {
    near(
      mean((query, scores) => ndcg(query, scores)),
      wanted.ranking['ndcg']!,
      TOLERANCE,
    )
    near(
      mean((query, scores) => ndcg(query, scores, 5)),
      wanted.ranking['ndcg5']!,
      TOLERANCE,
    )
    near(
      mean((query, scores) => dcg(query, scores, 5)),
      wanted.ranking['dcg5']!,
      TOLERANCE,
    )
  })
  test('average precision: relevant is what has 2 or more', () => {
    const found = mean((query, scores) =>
      rankingAveragePrecision(
        query.map(grade => (grade >= 2 ? 1 : 0)),
        scores,
      ),
    )
    near(found, wanted.ranking['lrap']!, TOLERANCE)
  })
  test('equal scores share the gain of their places', () => {
    near(dcg([3, 0], [1, 1]), 1.5 * (1 + 1 / Math.log2(3)), TOLERANCE)
    near(rankingAveragePrecision([1, 0], [1, 1]), 0.5, TOLERANCE)
    assert.equal(ndcg([0, 0], [1, 2]), 0)
    assert.throws(() => ndcg([1, 0], [Number.NaN, 1]), /a score is NaN/)
  })
})
