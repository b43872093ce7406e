/** Expressions and treated fields as functions of a row. */

import { type Domain, isInside } from './domain.ts'
import type { Expression, Slot, Treatment } from './expression.ts'
import { functionNamed, truth } from './functions.ts'
import { type Evaluate, give, type Row, valueAt } from './row.ts'
import { castValue, type DataType, INVALID, type Value } from './values.ts'

export function slotEvaluator(slot: Slot): Evaluate {
  if (slot.kind === 'treated') return treated(slot.from, slot.treatment)
  if (slot.kind !== 'derived') return () => undefined
  const evaluate = expressionEvaluator(slot.expression)
  const { from, type } = slot
  if (from === type) return evaluate
  return row => castValue(evaluate(row), from, type)
}

export function isValid(domain: Domain, value: Value): boolean {
  if (value === undefined) return false
  if (domain.invalid.includes(value)) return false
  if (domain.valid.length > 0) return domain.valid.includes(value)
  return (
    domain.intervals.length === 0 ||
    (typeof value === 'number' && domain.intervals.some(interval => isInside(interval, value)))
  )
}

function treated(from: number, treatment: Treatment): Evaluate {
  const { domain: listed, invalid, missingIsInvalid, missingReplacement, invalidReplacement, outliers } = treatment
  const [valid, missing] = [new Set(listed.valid), new Set(listed.missing)]
  const low = treatment.low ?? Number.NEGATIVE_INFINITY
  const high = treatment.high ?? Number.POSITIVE_INFINITY
  const absent = (): Value => {
    if (missingIsInvalid) throw INVALID
    return missingReplacement
  }
  const isGood = (value: Value): boolean =>
    valid.size > 0 && valid.has(value) ? !listed.invalid.includes(value) : isValid(listed, value)
  const repaired = (value: Value): Value => {
    if (invalid === 'returnInvalid') throw INVALID
    return invalid === 'asMissing' ? absent() : invalid === 'asValue' ? invalidReplacement : value
  }
  return row => {
    const value = valueAt(row, from)
    if (value === undefined || missing.has(value)) return absent()
    if (!isGood(value)) return repaired(value)
    if (outliers === 'asIs' || typeof value !== 'number' || (value >= low && value <= high)) return value
    return outliers === 'asMissingValues' ? absent() : value < low ? low : high
  }
}

export function expressionEvaluator(expression: Expression): Evaluate {
  switch (expression.op) {
    case 'constant': {
      const { value } = expression
      return () => value
    }
    case 'field':
      return row => valueAt(row, expression.slot) ?? expression.missing
    case 'norm-continuous':
      return normContinuous(expression)
    case 'norm-discrete':
      return row => orMissing(row, expression, value => (value === expression.value ? 1 : 0))
    case 'discretize':
      return row => orMissing(row, expression, value => discretized(expression, Number(value)))
    case 'map':
      return mapped(expression)
    case 'valid':
      return row => isValid(expression.domain, valueAt(row, expression.slot))
    case 'let':
      return called(expression)
    case 'apply':
      return applied(expression)
  }
}

function orMissing(
  row: Row,
  { slot, missing }: { readonly slot: number; readonly missing?: Value },
  of: (value: Value) => Value,
): Value {
  const value = valueAt(row, slot)
  return value === undefined ? missing : of(value)
}

function normContinuous(norm: Extract<Expression, { op: 'norm-continuous' }>): Evaluate {
  return row => orMissing(row, norm, value => piecewise(norm.from, norm.to, norm.outliers, Number(value)))
}

/** Linear between the points, and beyond them as `outliers` says. */
export function piecewise(
  from: readonly number[],
  to: readonly number[],
  outliers: Treatment['outliers'],
  x: number,
): number | undefined {
  const last = from.length - 1
  if (x < from[0]! || x > from[last]!) {
    if (outliers === 'asMissingValues') return undefined
    if (outliers === 'asExtremeValues') return x < from[0]! ? to[0]! : to[last]!
  }
  let index = 0
  while (index < last - 1 && x > from[index + 1]!) index++
  const slope = (to[index + 1]! - to[index]!) / (from[index + 1]! - from[index]!)
  return to[index]! + (x - from[index]!) * slope
}

function discretized({ bins, fallback }: Extract<Expression, { op: 'discretize' }>, value: number): Value {
  const bin = bins.find(({ interval }) => isInside(interval, value))
  return bin === undefined ? fallback : bin.value
}

function mapped({ slots, keys, values, fallback, missing }: Extract<Expression, { op: 'map' }>): Evaluate {
  const found = new Map<Value | string, Value>()
  const single = slots.length === 1
  for (const [row, key] of keys.entries()) {
    const name = single ? key[0] : JSON.stringify(key)
    if (!found.has(name)) found.set(name, values[row])
  }
  return row => {
    const key: Value[] = []
    for (const slot of slots) {
      const value = valueAt(row, slot)
      if (value === undefined) return missing
      key.push(value)
    }
    const name = single ? key[0] : JSON.stringify(key)
    return found.has(name) ? found.get(name) : fallback
  }
}

function called({ slots, args, from, types, body, bodyType, type }: Extract<Expression, { op: 'let' }>): Evaluate {
  const inner = expressionEvaluator(body)
  const given = args.map(expressionEvaluator)
  return row => {
    // All arguments first: one of them may apply the same function.
    const values = given.map((evaluate, index) => castValue(evaluate(row), from[index]!, types[index]!))
    for (const [index, slot] of slots.entries()) give(row, slot, values[index])
    return castValue(inner(row), bodyType, type)
  }
}

function applied(apply: Extract<Expression, { op: 'apply' }>): Evaluate {
  const args = apply.args.map(expressionEvaluator)
  const { run } = functionNamed(apply.name)!
  const { missing, fallback, invalid, types, type } = apply
  const hasMissing = missing !== undefined
  const evaluate = apply.name === 'if' ? branching(args, missing) : undefined
  const compute = (row: Row): Value => {
    if (evaluate !== undefined) return evaluate(row)
    const values: Value[] = []
    for (const arg of args) {
      const value = arg(row)
      if (value === undefined && hasMissing) return missing
      values.push(value)
    }
    return run(values, types)
  }
  return row => settled(fallible(row, compute, invalid), fallback, type)
}

function fallible(row: Row, compute: Evaluate, invalid: 'returnInvalid' | 'asIs' | 'asMissing'): Value {
  if (invalid !== 'asMissing') return compute(row)
  try {
    return compute(row)
  } catch (error) {
    if (error !== INVALID) throw error
    return undefined
  }
}

function settled(value: Value, fallback: Value, type: DataType): Value {
  if (value === undefined || (typeof value === 'number' && Number.isNaN(value))) return fallback
  return type === 'float' && typeof value === 'number' ? Math.fround(value) : value
}

/** Only the branch that is taken is computed. */
function branching([flag, yes, no]: readonly Evaluate[], missing: Value): Evaluate {
  return row => {
    const value = flag!(row)
    if (value === undefined) return missing
    return (truth(value) ? yes! : (no ?? (() => undefined)))(row) ?? missing
  }
}
