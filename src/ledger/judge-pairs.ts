/** Pairs of an answer and what became of it, and how good the answers were. */
import type { Estimate } from '../math/inference/estimate.ts'
import { wilson } from '../math/inference/proportion.ts'
import { binaryMetrics } from '../math/metrics/binary.ts'
import { reliability } from '../math/metrics/calibration.ts'
import { confusion } from '../math/metrics/confusion.ts'
import { regressionMetrics } from '../math/metrics/regression.ts'
import type { JudgedWindow, Judging } from './quality-question.ts'

type Judged = Pick<JudgedWindow, 'metrics' | 'confusion' | 'reliability'>

const RELIABILITY_BINS = 10

/**
 * @param labels what happened: 0 or 1 (binary), a number (regression), number of a class (multiclass).
 * @param answers probability or log-odds, a number, number of the likeliest class.
 */
export function judgePairs(judging: Judging, labels: Float64Array, answers: Float64Array): Judged {
  if (labels.length === 0 || judging.task === 'unjudged') return { metrics: {} }
  if (judging.task === 'regression') return { metrics: existing(regressionMetrics(labels, answers)) }
  if (judging.task === 'multiclass') {
    const right = labels.reduce((sum, label, row) => sum + (label === answers[row] ? 1 : 0), 0)
    return { metrics: existing({ accuracy: wilson(right, labels.length) }) }
  }
  const { threshold, isLogOdds } = judging
  const scores = isLogOdds ? answers.map(odds => 1 / (1 + Math.exp(-odds))) : answers
  const areProbabilities = scores.every(score => score >= 0 && score <= 1)
  return {
    metrics: existing(binaryMetrics(labels, scores, threshold)),
    confusion: confusion(labels, scores, threshold),
    ...(areProbabilities && { reliability: reliability(labels, scores, RELIABILITY_BINS) }),
  }
}

/** Whether a pair can be judged: the outcome may have come before the model's task was known, by other means than ours. */
export function isPair({ task }: Judging, label: number, answer: number): boolean {
  if (!Number.isFinite(label) || !Number.isFinite(answer)) return false
  return task !== 'binary' || label === 0 || label === 1
}

function existing(metrics: Readonly<Record<string, Estimate | undefined>>): Record<string, Estimate> {
  return Object.fromEntries(
    Object.entries(metrics).flatMap(([name, found]) => (found === undefined ? [] : [[name, found]])),
  )
}

/** Columns of numbers that grow row by row. */
export class GrowingRows {
  #columns: Float64Array[]
  #rows = 0

  constructor(columns: number) {
    this.#columns = Array.from({ length: columns }, () => new Float64Array(1024))
  }

  get rows(): number {
    return this.#rows
  }

  add(...values: readonly number[]): void {
    if (this.#rows === this.#columns[0]!.length) {
      this.#columns = this.#columns.map(column => {
        const larger = new Float64Array(column.length * 2)
        larger.set(column)
        return larger
      })
    }
    for (let at = 0; at < values.length; at++) this.#columns[at]![this.#rows] = values[at]!
    this.#rows++
  }

  column(at: number): Float64Array {
    return this.#columns[at]!.subarray(0, this.#rows)
  }
}
