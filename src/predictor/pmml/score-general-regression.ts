/** General regression: sums of parameters, each a product over its predictors. */
import type { GeneralRegressionModel, Parameter } from './models.ts'
import { EXACT, inverseLink, simplemax } from './normalization.ts'
import { classResult, numberResult, type Score } from './result.ts'
import { type Row, valueAt } from './row.ts'
import { numberAt } from './score-regression.ts'
import { INVALID } from './values.ts'

export function generalRegressionScore(model: GeneralRegressionModel): Score {
  const { modelType, target, sums, labels, float } = model
  const f = float ? Math.fround : EXACT
  const isLinked = modelType === 'generalizedLinear' || modelType === 'ordinalMultinomial'
  const answer = (row: Row, sum: number): number => (isLinked ? linked(model, row, sum, f) : sum)
  if (!model.isClassification) {
    return row => {
      const sum = total(sums[0]!, row, f)
      return numberResult(sum === undefined ? undefined : answer(row, sum), target, float)
    }
  }
  return row => {
    const values: number[] = []
    for (const parameters of sums) {
      const sum = total(parameters, row, f)
      if (sum === undefined) return classResult(undefined, target)
      values.push(modelType === 'multinomialLogistic' ? f(Math.exp(sum)) : answer(row, sum))
    }
    finish(model, values, f)
    return classResult(new Map(labels.map((label, index) => [label, values[index]!])), target)
  }
}

function finish({ modelType }: GeneralRegressionModel, values: number[], f: (x: number) => number): void {
  const known = values.length
  if (modelType === 'multinomialLogistic') {
    values.push(1)
    simplemax(values, f)
  } else if (modelType === 'ordinalMultinomial') {
    values.push(1)
    for (let k = known; k > 0; k--) values[k] = f(values[k]! - values[k - 1]!)
  } else {
    values.push(f(1 - values[known - 1]!))
  }
}

function total(parameters: readonly Parameter[], row: Row, f: (x: number) => number): number | undefined {
  let sum = 0
  for (const { beta, factors, covariates } of parameters) {
    let product = 1
    for (const { slot, values, contrasts } of factors) {
      const value = valueAt(row, slot)
      if (value === undefined) return undefined
      const index = values.indexOf(value)
      product *= index < 0 ? 0 : contrasts[index]!
    }
    if (product !== 0) {
      for (const { slot, exponent } of covariates) {
        const value = numberAt(row, slot)
        if (value === undefined) return undefined
        product *= exponent === 1 ? value : value ** exponent
      }
    }
    sum = f(sum + f(f(beta) * f(product)))
  }
  return sum
}

function linked(model: GeneralRegressionModel, row: Row, sum: number, f: (x: number) => number): number {
  const offset = model.offsetSlot === undefined ? model.offset : numberAt(row, model.offsetSlot)
  const trials = model.trialsSlot === undefined ? model.trials : numberAt(row, model.trialsSlot)
  if (
    (model.offsetSlot !== undefined && offset === undefined) ||
    (model.trialsSlot !== undefined && trials === undefined)
  )
    throw INVALID
  const mean = inverseLink(model.link, f(sum + (offset ?? 0)), model.linkParameter, f)
  return trials === undefined ? mean : f(mean * trials)
}
