/** How cards say numbers, metrics and formats. */

const METRICS: Readonly<Record<string, string>> = {
  accuracy: 'Accuracy',
  precision: 'Precision',
  recall: 'Recall',
  f1_score: 'F1 score',
  auc_roc: 'Area under the ROC curve',
  average_precision: 'Average precision',
  log_loss: 'Log loss',
  brier: 'Brier score',
  calibration_error: 'Calibration error',
  f1_macro: 'F1, mean of the classes',
  f1_weighted: 'F1, weighted by class',
  auc_ovr: 'Area under the ROC curve, one against the rest',
  auc_ovo: 'Area under the ROC curve, one against one',
  mae: 'Mean absolute error',
  mse: 'Mean squared error',
  rmse: 'Root mean squared error',
  r2: 'R²',
}

/** As the live ones are named. */
const LIVE_METRICS: Readonly<Record<string, string>> = {
  rocAuc: 'auc_roc',
  prAuc: 'average_precision',
  f1: 'f1_score',
  logLoss: 'log_loss',
  calibrationError: 'calibration_error',
}

export function metricLabel(name: string): string {
  return METRICS[LIVE_METRICS[name] ?? name] ?? name
}

interface Format {
  readonly name: string
  /** As Hugging Face knows it. */
  readonly library: string
}

const FORMATS: Readonly<Record<string, Format>> = {
  'xgboost-json': { name: 'XGBoost (JSON)', library: 'xgboost' },
  'xgboost-ubj': { name: 'XGBoost (UBJSON)', library: 'xgboost' },
  'lightgbm-text': { name: 'LightGBM (text)', library: 'lightgbm' },
  'lightgbm-json': { name: 'LightGBM (JSON)', library: 'lightgbm' },
  onnx: { name: 'ONNX', library: 'onnx' },
  pmml: { name: 'PMML', library: 'pmml' },
  python: { name: 'Python', library: 'sklearn' },
}

export function formatOf(format: string): Format {
  return FORMATS[format] ?? { name: format, library: format }
}

const DIGITS = 4

export function numberText(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  if (value === 0) return '0'
  const size = Math.abs(value)
  return size >= 1e6 || size < 1e-4 ? value.toExponential(2) : String(Number(value.toPrecision(DIGITS)))
}

export function percentText(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : `${(value * 100).toFixed(1)} %`
}
