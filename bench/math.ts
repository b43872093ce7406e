/**
 * How long the mathematics takes: metrics with their intervals over a million rows, and a reading of counts. Prints a table of
 * medians over a few rounds. `node bench/math.ts`
 */
import { chiSquaredUpper } from '../src/math/distributions/chi-squared.ts'
import { normalLower } from '../src/math/distributions/normal.ts'
import { jensenShannon, kullbackLeibler } from '../src/math/divergence/entropy.ts'
import { ksFromCounts } from '../src/math/divergence/ks-from-counts.ts'
import { mergeBins, mergedCounts } from '../src/math/divergence/merge-bins.ts'
import { psi, psiPValue } from '../src/math/divergence/psi.ts'
import { wasserstein } from '../src/math/divergence/sample-distances.ts'
import { wassersteinFromCounts } from '../src/math/divergence/share-distances.ts'
import { bootstrap } from '../src/math/inference/bootstrap.ts'
import { chiSquaredTwoSample } from '../src/math/inference/chi-squared-two-sample.ts'
import { ks } from '../src/math/inference/ks.ts'
import { rankedAuc, ranking, rocAuc } from '../src/math/metrics/auc.ts'
import { binaryMetrics } from '../src/math/metrics/binary.ts'
import { regressionMetrics } from '../src/math/metrics/regression.ts'
import { seededRandom } from '../src/math/random.ts'

const ROWS = 1_000_000
const BINS = 128
const CATEGORIES = 100_000
const ROUNDS = 5

const random = seededRandom(1)
const scores = Float64Array.from({ length: ROWS }, () => random() ** 2)
const labels = Uint8Array.from(scores, score => (random() < score ? 1 : 0))
const answers = scores.map(score => score + random() - 0.5)
const few = scores.slice(0, 500)
const fine = Array.from({ length: BINS }, () => 100 + Math.floor(random() * 100))
const fineNow = Array.from({ length: BINS }, () => 100 + Math.floor(random() * 100))
const places = fine.map((_, at) => at)
const many = Array.from({ length: CATEGORIES }, () => Math.floor(random() * 9))
const manyNow = Array.from({ length: CATEGORIES }, () => Math.floor(random() * 9))
const mean = (sample: Float64Array): number => sample.reduce((sum, value) => sum + value, 0) / sample.length

/** All statistics of one column, as a reading of drift takes them. */
function reading(): number {
  const starts = mergeBins(fine, 10)
  const value = psi(mergedCounts(fine, starts), mergedCounts(fineNow, starts))
  return (
    psiPValue(value, 19_200, 19_200, starts.length) +
    ksFromCounts(fine, fineNow).pValue +
    kullbackLeibler(fine, fineNow) +
    jensenShannon(fine, fineNow) +
    wassersteinFromCounts(fine, fineNow, places) +
    chiSquaredTwoSample(fine, fineNow).pValue
  )
}

const CASES: Readonly<Record<string, readonly [times: number, run: () => unknown]>> = {
  'ROC-AUC, 1 M rows': [1, () => rocAuc(labels, scores)],
  'ROC-AUC with DeLong variance, 1 M rows': [1, () => rankedAuc(ranking(labels, scores))],
  'all nine binary metrics with intervals, 1 M rows': [1, () => binaryMetrics(labels, scores, 0.5)],
  'all four regression metrics with intervals, 1 M rows': [1, () => regressionMetrics(answers, scores)],
  'six statistics of a column of 128 bins': [1000, reading],
  'PSI and χ² of 100,000 categories': [10, () => psi(many, manyNow) + chiSquaredTwoSample(many, manyNow).pValue],
  'KS of two samples of 1 M, asymptotic': [1, () => ks(scores, answers)],
  'KS of 500 against 500, exact': [10, () => ks(few, answers.subarray(0, 500))],
  'Wasserstein of two samples of 1 M': [1, () => wasserstein(scores, answers)],
  'BCa of a mean of 500, 2,000 resamples': [1, () => bootstrap(few, mean, { random })],
  'upper tail of χ², 9 degrees of freedom': [10_000, () => chiSquaredUpper(12.3, 9)],
  'normal distribution function': [10_000, () => normalLower(1.3)],
}

for (const [name, [times, run]] of Object.entries(CASES)) {
  const taken: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now()
    for (let time = 0; time < times; time++) run()
    taken.push((performance.now() - startedAt) / times)
  }
  const median = taken.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!
  process.stdout.write(`${name.padEnd(56)} ${median.toPrecision(3).padStart(9)} ms\n`)
}
