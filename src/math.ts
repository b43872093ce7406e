/** Published as `bellwether/math`: pure functions under their textbook names, which also run in a browser. */
export { chiSquaredUpper } from './math/distributions/chi-squared.ts'
export { kolmogorovUpper } from './math/distributions/kolmogorov.ts'
export { normalLower, normalQuantile, normalUpper } from './math/distributions/normal.ts'
export { studentQuantile, studentUpper } from './math/distributions/student-t.ts'
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
export { hellinger, totalVariation, wassersteinFromCounts } from './math/divergence/share-distances.ts'
export { type ChiSquaredResult, chiSquaredTwoSample } from './math/inference/chi-squared-two-sample.ts'
export type { Estimate } from './math/inference/estimate.ts'
export { meanInterval, positiveMeanInterval } from './math/inference/mean.ts'
export { wilson } from './math/inference/proportion.ts'
export { averagePrecision, rocAuc } from './math/metrics/auc.ts'
export { type BinaryMetric, type BinaryOptions, binaryMetrics } from './math/metrics/binary.ts'
export { brier } from './math/metrics/brier.ts'
export { calibrationError, type ReliabilityBin, reliability } from './math/metrics/calibration.ts'
export { accuracy, type Confusion, confusion, f1, precision, recall } from './math/metrics/confusion.ts'
export { logLoss } from './math/metrics/log-loss.ts'
export {
  mae,
  mse,
  quantileLoss,
  type RegressionMetric,
  r2,
  regressionMetrics,
  rmse,
} from './math/metrics/regression.ts'
export { lowerQuantile, quantile, sortedValues } from './math/quantiles.ts'
