/** A document as a function of rows: by its core where it has one, else evaluated as it is written, which is the reference. */
import type { Forest } from '../forest.ts'
import type { Predictor } from '../predictor.ts'
import { requireRoom } from '../predictor.ts'
import { headOf } from './compile.ts'
import { coreTest, newRow } from './core-rows.ts'
import type { AnyModel } from './models.ts'
import type { PmmlModel } from './pmml.ts'
import type { Result, Score } from './result.ts'
import { type Row, takeInputs } from './row.ts'
import { generalRegressionScore } from './score-general-regression.ts'
import { miningScore } from './score-mining.ts'
import { neuralNetworkScore } from './score-neural-network.ts'
import { regressionScore } from './score-regression.ts'
import { scorecardScore } from './score-scorecard.ts'
import { treeScore } from './score-tree.ts'
import { INVALID } from './values.ts'

const BLOCK_ROWS = 256

/** Answers one row of `rows` into `out`. */
type AnswerRow = (rows: Float64Array, from: number, out: Float64Array, at: number) => void

/**
 * A row without an answer (a value is invalid, a prediction missing) answers NaN.
 *
 * @param predictorOf makes the predictor of the core; without it, or a core, every row is evaluated.
 */
export function pmmlPredictor(pmml: PmmlModel, predictorOf?: (forest: Forest) => Predictor): Predictor {
  const { labels, core, features } = pmml
  const width = features.length
  const outputs = labels.length > 2 ? labels.length : 1
  const answerRow = evaluating(pmml, outputs)
  const inner = core && predictorOf?.(core.forest)
  const isCore = coreTest(pmml)
  const block = inner === undefined ? 0 : BLOCK_ROWS
  const coreRows = new Float64Array(block * width)
  const coreOut = new Float64Array(block * outputs)
  const places = new Int32Array(block)
  return {
    ...headOf(pmml),
    outputCount: outputs,
    bytes: sizeOf(pmml.slots) + sizeOf(pmml.model) + (inner?.bytes ?? 0),
    predict(rows, count, out) {
      requireRoom(rows, count * width, out, count * outputs)
      if (inner !== undefined) predictMixed(rows, count, out)
      else for (let index = 0; index < count; index++) answerRow(rows, index * width, out, index * outputs)
    },
  }

  function predictMixed(rows: Float64Array, count: number, out: Float64Array): void {
    for (let start = 0; start < count; start += BLOCK_ROWS) {
      const size = Math.min(BLOCK_ROWS, count - start)
      let taken = 0
      for (let index = start; index < start + size; index++) {
        if (!isCore(rows, index * width)) answerRow(rows, index * width, out, index * outputs)
        else {
          coreRows.set(rows.subarray(index * width, (index + 1) * width), taken * width)
          places[taken++] = index
        }
      }
      inner!.predict(coreRows, taken, coreOut)
      for (let row = 0; row < taken; row++) {
        for (let k = 0; k < outputs; k++) out[places[row]! * outputs + k] = coreOut[row * outputs + k]!
      }
    }
  }
}

/** As the document is written. */
function evaluating(pmml: PmmlModel, outputs: number): AnswerRow {
  const { slots, labels } = pmml
  const score = scoreOf(pmml.model)
  const row = newRow(pmml)
  return (rows, from, out, at) => {
    row.stamp++
    takeInputs(row, slots, rows, from)
    write(answer(score, row), labels, out, at, outputs)
  }
}

function answer(score: Score, row: Row): Result | undefined {
  try {
    return score(row)
  } catch (error) {
    if (error !== INVALID) throw error
    return undefined
  }
}

function write(
  result: Result | undefined,
  labels: readonly string[],
  out: Float64Array,
  at: number,
  outputs: number,
): void {
  if (labels.length === 0) {
    out[at] = typeof result?.value === 'number' ? result.value : Number.NaN
  } else {
    for (let k = 0; k < outputs; k++) {
      const label = labels[outputs === 1 ? 1 : k]!
      out[at + k] = result?.shares === undefined ? Number.NaN : (result.shares.get(label) ?? 0)
    }
  }
}

function scoreOf(model: AnyModel): Score {
  switch (model.kind) {
    case 'tree':
      return treeScore(model)
    case 'regression':
      return regressionScore(model)
    case 'general-regression':
      return generalRegressionScore(model)
    case 'scorecard':
      return scorecardScore(model)
    case 'neural-network':
      return neuralNetworkScore(model)
    case 'mining':
      return miningScore(model, scoreOf)
  }
}

/** About what plain data takes: a word for a number, a few for an object. */
function sizeOf(data: unknown): number {
  if (typeof data === 'string') return 16 + data.length
  if (typeof data !== 'object' || data === null) return 8
  return Object.values(data).reduce((sum: number, value) => sum + sizeOf(value), 32)
}
