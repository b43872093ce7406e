/** Regression tables: sums over predictors, and what normalisation makes of them. */
import type { RegressionModel, RegressionTable } from './models.ts'
import { differences, EXACT, inverseLink, simplemax, softmax } from './normalization.ts'
import { classResult, numberResult, type Score } from './result.ts'
import { type Row, valueAt } from './row.ts'
import { INVALID, type Value } from './values.ts'

export function numberAt(row: Row, slot: number): number | undefined {
  return plainNumber(valueAt(row, slot))
}

export function plainNumber(value: Value): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string') throw INVALID
  return Number(value)
}

export function regressionScore(model: RegressionModel): Score {
  const { tables, target, float, normalization } = model
  const f = float ? Math.fround : EXACT
  const sums = tables.map(table => tableSum(table, f))
  if (!model.isClassification) {
    return row => {
      const sum = sums[0]!(row)
      return numberResult(sum === undefined ? undefined : inverseLink(normalization, sum, 0, f), target, float)
    }
  }
  const finish = classNormalization(model, f)
  return row => {
    const values: number[] = []
    for (const sum of sums) {
      const value = sum(row)
      if (value === undefined) return classResult(undefined, target)
      values.push(value)
    }
    finish(values)
    return classResult(new Map(tables.map((table, index) => [table.label!, values[index]!])), target)
  }
}

function tableSum(
  { intercept, numeric, categorical, terms }: RegressionTable,
  f: (x: number) => number,
): (row: Row) => number | undefined {
  return row => {
    let sum = 0
    for (const { slot, exponent, coefficient } of numeric) {
      const value = numberAt(row, slot)
      if (value === undefined) return undefined
      sum = f(sum + f(f(coefficient) * (exponent === 1 ? f(value) : f(value ** exponent))))
    }
    for (const { slot, value, coefficient } of categorical) {
      if (valueAt(row, slot) === value && value !== undefined) sum = f(sum + f(coefficient))
    }
    for (const { slots, coefficient } of terms) {
      let product = f(coefficient)
      for (const slot of slots) {
        const value = numberAt(row, slot)
        if (value === undefined) return undefined
        product = f(product * f(value))
      }
      sum = f(sum + product)
    }
    return f(sum + f(intercept))
  }
}

/** Of two classes the first is computed and the second is the rest, whatever the tables; so the specification wants it. */
function classNormalization(
  { tables, normalization, isOrdinal }: RegressionModel,
  f: (x: number) => number,
): (values: number[]) => void {
  const one = (x: number): number =>
    normalization === 'none' ? Math.min(Math.max(x, 0), 1) : inverseLink(normalization, x, 0, f)
  if (isOrdinal && normalization !== 'softmax' && normalization !== 'simplemax') {
    return values => {
      for (let k = 0; k < values.length - 1; k++) values[k] = one(values[k]!)
      differences(values)
    }
  }
  const isEmpty = ({ intercept, numeric, categorical, terms }: RegressionTable): boolean =>
    intercept === 0 && numeric.length + categorical.length + terms.length === 0
  if (tables.length === 2 && (normalization !== 'softmax' || isEmpty(tables[1]!)) && normalization !== 'simplemax') {
    return values => {
      values[0] = one(values[0]!)
      values[1] = f(1 - values[0])
    }
  }
  if (normalization === 'softmax') return values => softmax(values, f)
  if (normalization === 'none') {
    return values => {
      const last = values.length - 1
      values[last] = f(1 - values.slice(0, last).reduce((sum, value) => f(sum + value), 0))
    }
  }
  return values => {
    if (normalization !== 'simplemax') for (let k = 0; k < values.length; k++) values[k] = one(values[k]!)
    simplemax(values, f)
  }
}
