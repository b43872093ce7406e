/** A document as a function of rows, evaluated as it is written: the reference that its forest or linear form is held against. */
import type { ModelHead, Predictor } from '../predictor.ts'
import { slotEvaluator } from './evaluate-expression.ts'
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

/** A row without an answer (a value is invalid, a prediction missing) answers NaN. */
export function pmmlPredictor(pmml: PmmlModel): Predictor {
  const { slots, labels, features } = pmml
  const score = scoreOf(pmml.model)
  const compute = slots.map(slotEvaluator)
  const row: Row = { values: slots.map(() => undefined), stamps: new Float64Array(slots.length), compute, stamp: 0 }
  const width = features.length
  const outputCount = labels.length > 2 ? labels.length : 1
  return {
    ...headOf(pmml),
    outputCount,
    bytes: sizeOf(pmml.slots) + sizeOf(pmml.model),
    predict(rows, count, out) {
      if (rows.length < count * width)
        throw new RangeError(`Cannot predict: ${rows.length} values given, wanted ${count * width}`)
      if (out.length < count * outputCount)
        throw new RangeError(`Cannot predict: room for ${out.length} answers, wanted ${count * outputCount}`)
      for (let index = 0; index < count; index++) {
        row.stamp++
        takeInputs(row, slots, rows, index * width)
        write(answer(score, row), labels, out, index * outputCount, outputCount)
      }
    },
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
  } else if (outputs === 1) {
    out[at] = result?.shares === undefined ? Number.NaN : (result.shares.get(labels[1]!) ?? 0)
  } else {
    for (let k = 0; k < outputs; k++)
      out[at + k] = result?.shares === undefined ? Number.NaN : (result.shares.get(labels[k]!) ?? 0)
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

function headOf({ kind: _kind, slots: _slots, model: _model, labels: _labels, ...head }: PmmlModel): ModelHead {
  return head
}

/** About what plain data takes: a word for a number, a few for an object. */
function sizeOf(data: unknown): number {
  if (typeof data === 'string') return 16 + data.length
  if (typeof data !== 'object' || data === null) return 8
  return Object.values(data).reduce((sum: number, value) => sum + sizeOf(value), 32)
}
