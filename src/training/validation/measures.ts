/** What a version is judged by: each metric as a number, with its interval, and as the difference of two on the same rows. */
import { bootstrap } from '../../math/inference/bootstrap.ts'
import type { Estimate } from '../../math/inference/estimate.ts'
import { discordant, mcnemar, pairedShareDifference } from '../../math/inference/mcnemar.ts'
import { meanInterval, positiveMeanInterval } from '../../math/inference/mean.ts'
import { momentsOf } from '../../math/inference/moments.ts'
import { wilson } from '../../math/inference/proportion.ts'
import { averagePrecision, rocAuc } from '../../math/metrics/auc.ts'
import { rocAucDifference } from '../../math/metrics/auc-difference.ts'
import { type BinaryMetric, binaryMetrics } from '../../math/metrics/binary.ts'
import { calibrationError, reliability } from '../../math/metrics/calibration.ts'
import { confusion, f1, precision, recall } from '../../math/metrics/confusion.ts'
import { logLossOf } from '../../math/metrics/log-loss.ts'
import { aucOneVersusOne, aucOneVersusRest, confusionMatrix, multiclassF1 } from '../../math/metrics/multiclass.ts'
import { r2, regressionMetrics, rmse } from '../../math/metrics/regression.ts'
import type { Random } from '../../math/random.ts'
import type { JudgedMetric } from '../../registry/validation-keys.ts'

export type JudgedTask = 'binary' | 'multiclass' | 'regression'

/** Answers of a version to rows whose truth is known. */
export interface Scored {
  readonly task: JudgedTask
  /** 0 and 1, numbers of classes, or values. */
  readonly truth: Float64Array
  /** Probability of the positive class; one column a class; or the values. */
  readonly answers: readonly Float64Array[]
  /** The class called; of a regression the values. */
  readonly called: Float64Array
  readonly threshold: number
  /** Whether the answers of classes are probabilities, and not the classes themselves. */
  readonly isProbability: boolean
}

interface Measure {
  readonly tasks: readonly JudgedTask[]
  readonly better: 'higher' | 'lower'
  readonly of: (scored: Scored) => number
  /** Where the metric is a mean over rows. */
  readonly ofRow?: (scored: Scored, row: number) => number
  readonly needsProbability?: true
}

const rowLogLoss = ({ task, truth, answers }: Scored, row: number): number =>
  task === 'binary' ? logLossOf(truth[row]!, answers[0]![row]!) : logLossOf(1, answers[truth[row]!]![row]!)
const rowBrier = ({ truth, answers }: Scored, row: number): number => (answers[0]![row]! - truth[row]!) ** 2
const isRight = ({ truth, called }: Scored, row: number): number => (truth[row] === called[row] ? 1 : 0)
const error = ({ truth, answers }: Scored, row: number): number => answers[0]![row]! - truth[row]!
const decisions = ({ truth, answers, threshold }: Scored) => confusion(truth, answers[0]!, threshold)
const matrix = ({ truth, called, answers }: Scored): number[][] =>
  confusionMatrix(truth, called, Math.max(answers.length, 1 + largest(truth, called)))

function meanOf(ofRow: (scored: Scored, row: number) => number): Pick<Measure, 'of' | 'ofRow'> {
  return { ofRow, of: scored => momentsOf(scored.truth.length, row => ofRow(scored, row)).mean }
}

const binary = { tasks: ['binary'], better: 'higher' } as const
const classes = { tasks: ['multiclass'], better: 'higher' } as const
const values = { tasks: ['regression'], better: 'lower' } as const

export const MEASURES: Readonly<Record<JudgedMetric, Measure>> = {
  accuracy: { tasks: ['binary', 'multiclass'], better: 'higher', ...meanOf(isRight) },
  precision: { ...binary, of: scored => precision(decisions(scored)) },
  recall: { ...binary, of: scored => recall(decisions(scored)) },
  f1_score: { ...binary, of: scored => f1(decisions(scored)) },
  auc_roc: { ...binary, of: ({ truth, answers }) => rocAuc(truth, answers[0]!) },
  average_precision: { ...binary, of: ({ truth, answers }) => averagePrecision(truth, answers[0]!) },
  log_loss: { tasks: ['binary', 'multiclass'], better: 'lower', needsProbability: true, ...meanOf(rowLogLoss) },
  brier: { tasks: ['binary'], better: 'lower', needsProbability: true, ...meanOf(rowBrier) },
  calibration_error: {
    tasks: ['binary'],
    better: 'lower',
    needsProbability: true,
    of: ({ truth, answers }) => calibrationError(reliability(truth, answers[0]!)),
  },
  f1_macro: { ...classes, of: scored => multiclassF1(matrix(scored), 'macro') },
  f1_weighted: { ...classes, of: scored => multiclassF1(matrix(scored), 'weighted') },
  auc_ovr: { ...classes, needsProbability: true, of: ({ truth, answers }) => aucOneVersusRest(truth, answers) },
  auc_ovo: { ...classes, needsProbability: true, of: ({ truth, answers }) => aucOneVersusOne(truth, answers) },
  mae: { ...values, ...meanOf((scored, row) => Math.abs(error(scored, row))) },
  mse: { ...values, ...meanOf((scored, row) => error(scored, row) ** 2) },
  rmse: { ...values, of: ({ truth, answers }) => rmse(truth, answers[0]!) },
  r2: { tasks: ['regression'], better: 'higher', of: ({ truth, answers }) => r2(truth, answers[0]!) },
}

/** What stands for a task where nobody says by what it is judged. */
export const MAIN_METRIC: Readonly<Record<JudgedTask, JudgedMetric>> = {
  binary: 'auc_roc',
  multiclass: 'accuracy',
  regression: 'rmse',
}

/** The metrics that exist for these answers. */
export function metricsOf({ task, isProbability, answers }: Scored): readonly JudgedMetric[] {
  const known = Object.keys(MEASURES) as JudgedMetric[]
  return known.filter(name => {
    const { tasks, needsProbability } = MEASURES[name]
    if (!tasks.includes(task)) return false
    if (needsProbability !== true) return true
    return isProbability && (task === 'binary' || answers.length > 1)
  })
}

const BINARY_NAMES: Readonly<Partial<Record<JudgedMetric, BinaryMetric>>> = {
  accuracy: 'accuracy',
  precision: 'precision',
  recall: 'recall',
  f1_score: 'f1',
  auc_roc: 'rocAuc',
  average_precision: 'prAuc',
  log_loss: 'logLoss',
  brier: 'brier',
  calibration_error: 'calibrationError',
}

/** Values that are drawn in all: a bootstrap of many rows takes fewer samples. */
const DRAWN_MAX = 20_000_000
const RESAMPLES_MAX = 2000
const RESAMPLES_MIN = 200
/** With more rows than this, what BCa corrects is far below what 200 samples can tell, and finding it takes longest of all. */
const SKEWED_ROWS_MAX = 20_000

/** A metric with its interval; undefined where it does not exist for these rows. */
export function estimate(metric: JudgedMetric, scored: Scored, level: number, random: Random): Estimate | undefined {
  const { task, truth, answers, threshold } = scored
  if (task === 'binary') return binaryMetrics(truth, answers[0]!, threshold, { level })[BINARY_NAMES[metric]!]
  const { ofRow } = MEASURES[metric]
  if (metric === 'accuracy') {
    return wilson(
      truth.reduce((sum, _, row) => sum + isRight(scored, row), 0),
      truth.length,
      level,
    )
  }
  if (metric === 'mae' || metric === 'rmse' || metric === 'r2')
    return regressionMetrics(truth, answers[0]!, { level })[metric]
  if (ofRow !== undefined) {
    return positiveMeanInterval(
      momentsOf(truth.length, row => ofRow(scored, row)),
      level,
    )
  }
  return resampled(truth.length, rows => MEASURES[metric].of(picked(scored, rows)), level, random)
}

/** All metrics of a version: a table of them shares what it can. */
export function estimates(
  scored: Scored,
  level: number,
  random: Random,
): Readonly<Partial<Record<JudgedMetric, Estimate>>> {
  const { task, truth, answers, threshold } = scored
  const shared = task === 'binary' ? binaryMetrics(truth, answers[0]!, threshold, { level }) : undefined
  const found = metricsOf(scored).map(
    name => [name, shared === undefined ? estimate(name, scored, level, random) : shared[BINARY_NAMES[name]!]] as const,
  )
  return Object.fromEntries(found.filter(([, value]) => value !== undefined && Number.isFinite(value.value)))
}

/** Two versions on the same rows. */
export interface Difference extends Estimate {
  readonly first: number
  readonly second: number
  /** Two-sided, of no difference, where the method has one. */
  readonly pValue?: number
}

/**
 * By how much the first is **better** than the second, whichever way the metric runs. The interval is paired: both answered the
 * same rows.
 *
 * @returns undefined where the metric does not exist for these rows.
 */
export function gain(
  metric: JudgedMetric,
  first: Scored,
  second: Scored,
  level: number,
  random: Random,
): Difference | undefined {
  const { better, ofRow, of } = MEASURES[metric]
  const rows = first.truth.length
  if (metric === 'auc_roc') return rocAucDifference(first.truth, first.answers[0]!, second.answers[0]!, level)
  const both = { first: of(first), second: of(second) }
  if (!Number.isFinite(both.first) || !Number.isFinite(both.second)) return undefined
  if (metric === 'accuracy') {
    const apart = discordant(rights(first), rights(second))
    const found = pairedShareDifference(apart, rows, level)
    return found && { ...found, ...both, pValue: mcnemar(apart).exact }
  }
  const sign = better === 'higher' ? 1 : -1
  const found =
    ofRow === undefined
      ? resampled(rows, chosen => sign * (of(picked(first, chosen)) - of(picked(second, chosen))), level, random)
      : meanInterval(
          momentsOf(rows, row => sign * (ofRow(first, row) - ofRow(second, row))),
          level,
        )
  return found && { ...found, method: `${found.method} (paired)`, ...both }
}

export function rights(scored: Scored): Float64Array {
  return scored.truth.map((_, row) => isRight(scored, row))
}

function resampled(
  rows: number,
  statistic: (rows: Float64Array) => number,
  level: number,
  random: Random,
): Estimate | undefined {
  const resamples = Math.round(Math.min(RESAMPLES_MAX, Math.max(RESAMPLES_MIN, DRAWN_MAX / rows)))
  // A sample in which the metric does not exist, as one without a class, says nothing.
  const all = Float64Array.from({ length: rows }, (_, row) => row)
  const middle = statistic(all)
  const found = bootstrap(
    all,
    sample => {
      const value = statistic(sample)
      return Number.isFinite(value) ? value : middle
    },
    { random, level, resamples, method: rows > SKEWED_ROWS_MAX ? 'percentile' : 'BCa' },
  )
  return found && { value: found.value, low: found.low, high: found.high, level, method: found.method, n: rows }
}

/** The answers to some rows, in that order; a row may come more than once. */
export function picked(scored: Scored, rows: ArrayLike<number>): Scored {
  const of = (column: Float64Array): Float64Array => {
    const kept = new Float64Array(rows.length)
    for (let at = 0; at < rows.length; at++) kept[at] = column[rows[at]!]!
    return kept
  }
  return { ...scored, truth: of(scored.truth), called: of(scored.called), answers: scored.answers.map(of) }
}

function largest(...columns: readonly Float64Array[]): number {
  return columns.reduce((most, column) => column.reduce((one, other) => Math.max(one, other), most), 0)
}
