/** How statistics and metrics are called on a page. */

const STATISTICS: Readonly<Record<string, string>> = {
  psi: 'PSI',
  ks: 'KS',
  kl: 'KL',
  js: 'JS',
  js2: 'JS (bits)',
  wasserstein: 'Wasserstein',
  chi2: 'χ²',
}

export function statisticWord(statistic: string): string {
  return STATISTICS[statistic] ?? statistic
}

const METRICS: Readonly<Record<string, string>> = {
  accuracy: 'Accuracy',
  precision: 'Precision',
  recall: 'Recall',
  f1: 'F1',
  rocAuc: 'ROC-AUC',
  prAuc: 'PR-AUC',
  logLoss: 'Log-loss',
  brier: 'Brier score',
  calibrationError: 'Calibration error',
  mae: 'Mean absolute error',
  rmse: 'RMSE',
  r2: 'R²',
  quantileLoss: 'Quantile loss',
}

export function metricWord(metric: string): string {
  return METRICS[metric] ?? metric
}
