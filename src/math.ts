/** Published as `bellwether/math`: pure functions under their textbook names, which also run in a browser. */
export { averagePrecision, rocAuc } from './math/metrics/auc.ts'
export { brier } from './math/metrics/brier.ts'
export { accuracy, type Confusion, confusion, f1, precision, recall } from './math/metrics/confusion.ts'
export { logLoss } from './math/metrics/log-loss.ts'
export { mae, mse, r2, rmse } from './math/metrics/regression.ts'
export { lowerQuantile, quantile, sortedValues } from './math/quantiles.ts'
