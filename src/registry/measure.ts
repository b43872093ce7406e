/** Recomputes the metrics that a trainer stated, and refuses numbers that are not reproduced. */
import type { CsvTable } from '../data/csv.ts'
import { type FieldProblem, Problem } from '../errors.ts'
import { averagePrecision, rocAuc } from '../math/metrics/auc.ts'
import { brier } from '../math/metrics/brier.ts'
import { accuracy, type Confusion, confusion, f1, precision, recall } from '../math/metrics/confusion.ts'
import { logLoss } from '../math/metrics/log-loss.ts'
import { mae, mse, r2, rmse } from '../math/metrics/regression.ts'
import type { AnswerScale, ModelHead, Task } from '../predictor/predictor.ts'

export const TOLERANCE = 0.005
export const THRESHOLD = 0.5
/** Where a model says nothing of how many there are. */
const CLASSES_MAX = 1000

/** Names that trainers use, by our own. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  accuracy: ['acc'],
  precision: [],
  recall: ['sensitivity', 'tpr'],
  f1_score: ['f1'],
  auc_roc: ['roc_auc', 'auc', 'roc_auc_score'],
  f1_macro: ['macro_f1'],
  f1_weighted: ['weighted_f1'],
  auc_ovr: ['roc_auc_ovr', 'auc_macro_ovr'],
  auc_ovo: ['roc_auc_ovo', 'auc_macro_ovo'],
  average_precision: ['auc_pr', 'pr_auc', 'average_precision_score'],
  log_loss: ['logloss', 'mlogloss', 'multi_logloss'],
  brier: ['brier_score', 'brier_score_loss'],
  mae: ['mean_absolute_error'],
  mse: ['mean_squared_error'],
  rmse: ['root_mean_squared_error'],
  r2: ['r2_score', 'r_squared'],
}

export interface Measuring {
  readonly task: Task
  readonly scale: AnswerScale
  readonly threshold: number
}

/** Our name of a metric, if we know it: `f1` is `f1_score`, in any case. */
export function metricName(stated: string): string | undefined {
  const name = stated.toLowerCase().replaceAll(/[- ]/g, '_')
  return Object.hasOwn(ALIASES, name) ? name : Object.keys(ALIASES).find(known => ALIASES[known]!.includes(name))
}

/** All metrics of a task, by our names. A metric that does not exist for these rows (AUC of one class) is absent. */
export function measure(
  { task, scale, threshold }: Measuring,
  truth: Float64Array,
  answers: Float64Array,
): Record<string, number> {
  // The score of a ranking has no true value to be near to, and a survival time may be censored.
  if (task !== 'binary' && task !== 'regression') return {}
  const measured = task === 'binary' ? classification(truth, answers, scale, threshold) : regression(truth, answers)
  return Object.fromEntries(Object.entries(measured).filter(([, value]) => Number.isFinite(value)))
}

function classification(
  labels: Float64Array,
  answers: Float64Array,
  scale: AnswerScale,
  threshold: number,
): Record<string, number> {
  // A model that answers log-odds (binary:logitraw) is judged by the probabilities they mean.
  const probabilities = scale === 'log-odds' ? answers.map(odds => 1 / (1 + Math.exp(-odds))) : answers
  const counts = confusion(labels, probabilities, threshold)
  const decided = { accuracy, precision, recall, f1_score: f1 } satisfies Record<string, (counts: Confusion) => number>
  return {
    ...Object.fromEntries(Object.entries(decided).map(([name, metric]) => [name, metric(counts)])),
    auc_roc: rocAuc(labels, answers),
    average_precision: averagePrecision(labels, answers),
    log_loss: logLoss(labels, probabilities),
    brier: brier(labels, probabilities),
  }
}

function regression(truth: Float64Array, answers: Float64Array): Record<string, number> {
  return { mae: mae(truth, answers), mse: mse(truth, answers), rmse: rmse(truth, answers), r2: r2(truth, answers) }
}

/**
 * Throws `invalid` naming each metric that was stated and not reproduced within `tolerance`. Returns the stated metrics that
 * could not be recomputed, because we do not know them or they do not exist for this task.
 */
export function requireReproduced(
  stated: Readonly<Record<string, number>>,
  measured: Readonly<Record<string, number>>,
  tolerance: number,
): readonly string[] {
  const wrong: FieldProblem[] = []
  const unknown: string[] = []
  for (const [metric, value] of Object.entries(stated)) {
    const found = measured[metricName(metric) ?? '']
    if (found === undefined) unknown.push(metric)
    // The rounding error of the subtraction must not refuse a difference that is exactly the tolerance.
    else if (Math.abs(found - value) > tolerance + 1e-12)
      wrong.push({ field: `metrics.${metric}`, problem: `is stated as ${value}, measured ${rounded(found)}` })
  }
  if (wrong.length === 0) return unknown
  const list = wrong.map(({ field, problem }) => `${field.slice('metrics.'.length)} ${problem}`).join('; ')
  throw new Problem('invalid', `Cannot register: stated metrics are not reproduced within ${tolerance}: ${list}`, {
    fields: wrong,
  })
}

/** The true values of a data set: its target column; the names of the classes of a model are their numbers. */
export function truthOf(
  table: CsvTable,
  target: string,
  { task, classes }: Pick<ModelHead, 'task' | 'classes'>,
  what: string,
): Float64Array {
  const column = table.columns.get(target)
  const fail = (detail: string): never => {
    throw new Problem('invalid', `Cannot use ${what}: the target ${target} ${detail}`, {
      fields: [{ field: 'target', problem: detail }],
    })
  }
  if (column === undefined) return fail('is not one of its columns')
  const isClasses = task === 'binary' || task === 'multiclass'
  if (column.kind === 'string' && isClasses && column.texts.every(text => classes?.includes(text) === true)) {
    if (column.missing > 0) return fail(`is missing in ${column.missing} rows`)
    return Float64Array.from(column.codes, code => classes!.indexOf(column.texts[code]!))
  }
  if (column.kind === 'string' || column.kind === 'text') {
    return fail(
      `is ${JSON.stringify(column.example.text)} in line ${column.example.line}, wanted ${task === 'binary' ? '0 or 1' : 'a number'}`,
    )
  }
  if (column.missing > 0) return fail(`is missing in ${column.missing} rows`)
  if (task === 'multiclass') return classNumbers(column.values, classes, fail)
  const wrong = task === 'binary' ? column.values.find(value => value !== 0 && value !== 1) : undefined
  return wrong === undefined ? column.values : fail(`has the value ${wrong}, wanted 0 or 1`)
}

/** Numbers may be names of classes as well: of those that scikit-learn was given as 3, 5 and 7, the first is 3. */
function classNumbers(
  values: Float64Array,
  classes: readonly string[] | undefined,
  fail: (detail: string) => never,
): Float64Array {
  const numbers = classes === undefined ? values : values.map(value => classes.indexOf(String(value)))
  const at = numbers.findIndex(number => !(Number.isInteger(number) && number >= 0 && number < CLASSES_MAX))
  return at < 0
    ? numbers
    : fail(`has the value ${values[at]}, wanted a class, ${classes?.slice(0, 20).join(', ') ?? 'numbered from 0'}`)
}

function rounded(value: number): number {
  return Number(value.toPrecision(6))
}
