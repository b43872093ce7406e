/**
 * Published as `bellwether/math`: pure functions under their textbook names, which also run in a browser. What each is for,
 * and what misleads, is told in `docs/statistics.md`. Values come as arrays of numbers, typed or not; fractions are of 1.
 * Arguments that make no sense throw a `RangeError`; what does not exist for the data is NaN, or undefined where an
 * estimate with an interval was asked for.
 */

// Distributions: tails and quantiles.
export { betaQuantile, betaTails } from './math/distributions/beta.ts'
export { chiSquaredUpper } from './math/distributions/chi-squared.ts'
export { fisherUpper } from './math/distributions/fisher-f.ts'
export { gammaTails, type Tails } from './math/distributions/gamma.ts'
export { kolmogorovUpper, kolmogorovUpperFast, kolmogorovUpperOf } from './math/distributions/kolmogorov.ts'
export { normalLower, normalQuantile, normalUpper } from './math/distributions/normal.ts'
export { studentQuantile, studentUpper } from './math/distributions/student-t.ts'

// Divergences, of counts by bin and of samples.
export {
  entropy,
  jensenShannon,
  jensenShannonDistance,
  kullbackLeibler,
  type LogBase,
} from './math/divergence/entropy.ts'
export { type KsOfCounts, ksFromCounts } from './math/divergence/ks-from-counts.ts'
export { mergeBins, mergedCounts } from './math/divergence/merge-bins.ts'
export { psi, psiPValue } from './math/divergence/psi.ts'
export { energyDistance, type SampleWeights, wasserstein } from './math/divergence/sample-distances.ts'
export { hellinger, totalVariation, wassersteinFromCounts } from './math/divergence/share-distances.ts'
export { countsWithin, equalBounds, quantileBounds, sturges } from './math/histogram.ts'

// Inference: tests and intervals.
export { type AndersonDarlingResult, andersonDarling } from './math/inference/anderson-darling.ts'
export { type BootstrapOptions, bootstrap } from './math/inference/bootstrap.ts'
export { type ChiSquaredResult, chiSquaredTwoSample } from './math/inference/chi-squared-two-sample.ts'
export {
  type ContingencyResult,
  type ContingencyTable,
  chiSquaredTest,
  cramersV,
  fisherExact,
  gTest,
} from './math/inference/contingency.ts'
export { type CramerVonMisesResult, cramerVonMises } from './math/inference/cramer-von-mises.ts'
export type { Estimate } from './math/inference/estimate.ts'
export { type Alternative, type KsOptions, type KsResult, ks, ksOneSample } from './math/inference/ks.ts'
export { levene } from './math/inference/levene.ts'
export { type MannWhitneyResult, mannWhitney } from './math/inference/mann-whitney.ts'
export { meanInterval, positiveMeanInterval } from './math/inference/mean.ts'
export { type Moments, momentsOf } from './math/inference/moments.ts'
export { benjaminiHochberg, benjaminiYekutieli, bonferroni, holm } from './math/inference/multiple.ts'
export { wilson } from './math/inference/proportion.ts'
export { type TTestOptions, type TTestResult, tTest } from './math/inference/t-test.ts'

// Metrics: what was answered against what was true.
export { d2Absolute, mape, maxError, medianAbsoluteError } from './math/metrics/absolute-errors.ts'
export { balancedAccuracy, kappa, matthews } from './math/metrics/agreement.ts'
export { averagePrecision, rocAuc } from './math/metrics/auc.ts'
export { type BinaryMetric, type BinaryOptions, binaryMetrics } from './math/metrics/binary.ts'
export { brier } from './math/metrics/brier.ts'
export { calibrationError, type ReliabilityBin, reliability } from './math/metrics/calibration.ts'
export { accuracy, type Confusion, confusion, f1, precision, recall } from './math/metrics/confusion.ts'
export {
  classSeparation,
  prAucTrapezoid,
  type ThresholdPoint,
  thresholdCurve,
  weightedRocAuc,
} from './math/metrics/curves.ts'
export { logLoss } from './math/metrics/log-loss.ts'
export {
  type Average,
  aucOneVersusOne,
  aucOneVersusRest,
  confusionMatrix,
  multiclassF1,
  multiclassLogLoss,
  topAccuracy,
} from './math/metrics/multiclass.ts'
export { dcg, ndcg, rankingAveragePrecision } from './math/metrics/ranking.ts'
export {
  explainedVariance,
  mae,
  mse,
  quantileLoss,
  type RegressionMetric,
  type RegressionOptions,
  r2,
  regressionMetrics,
  rmse,
} from './math/metrics/regression.ts'

// Quantiles of a sample, and randomness that can be repeated.
export { lowerQuantile, quantile, sortedValues } from './math/quantiles.ts'
export { type Random, seededRandom } from './math/random.ts'
