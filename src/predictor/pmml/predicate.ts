/** Predicates as functions of a row: true, false, or unknown (`undefined`) where a value is missing. */
import type { Operator, Predicate } from './models.ts'
import { type Row, valueAt } from './row.ts'
import { UNSEEN, type Value } from './values.ts'

export type Test = (row: Row) => boolean | undefined

const ORDER: Readonly<Record<Operator, (a: number | string, b: number | string) => boolean>> = {
  equal: (a, b) => a === b,
  notEqual: (a, b) => a !== b,
  lessThan: (a, b) => a < b,
  lessOrEqual: (a, b) => a <= b,
  greaterThan: (a, b) => a > b,
  greaterOrEqual: (a, b) => a >= b,
}

export function predicateTest(predicate: Predicate): Test {
  switch (predicate.op) {
    case 'constant': {
      const { value } = predicate
      return () => value
    }
    case 'missing':
      return row => (valueAt(row, predicate.slot) === undefined) === predicate.wanted
    case 'compare':
      return comparison(predicate)
    case 'set': {
      const { slot, isIn } = predicate
      const set = new Set(predicate.values)
      return row => {
        const value = valueAt(row, slot)
        return value === undefined ? undefined : set.has(value) === isIn
      }
    }
    default:
      return junction(predicate.op, predicate.parts.map(predicateTest))
  }
}

function comparison({ slot, operator, value: wanted, order }: Extract<Predicate, { op: 'compare' }>): Test {
  if (operator === 'equal' || operator === 'notEqual') {
    const isEqual = operator === 'equal'
    return row => {
      const value = valueAt(row, slot)
      return value === undefined ? undefined : (value === wanted) === isEqual
    }
  }
  const compare = ORDER[operator]
  const rank = (value: Exclude<Value, undefined>): number | string =>
    order === undefined ? (typeof value === 'boolean' ? Number(value) : value) : order.indexOf(value)
  const bound = rank(wanted!)
  return row => {
    const value = valueAt(row, slot)
    if (value === undefined) return undefined
    return value !== UNSEEN && compare(rank(value), bound)
  }
}

function junction(op: 'and' | 'or' | 'xor' | 'surrogate', tests: readonly Test[]): Test {
  if (op === 'surrogate') {
    return row => {
      for (const test of tests) {
        const found = test(row)
        if (found !== undefined) return found
      }
      return undefined
    }
  }
  if (op === 'xor') {
    return row => {
      let odd = false
      for (const test of tests) {
        const found = test(row)
        if (found === undefined) return undefined
        if (found) odd = !odd
      }
      return odd
    }
  }
  const decides = op === 'or'
  return row => {
    let isUnknown = false
    for (const test of tests) {
      const found = test(row)
      if (found === decides) return decides
      if (found === undefined) isUnknown = true
    }
    return isUnknown ? undefined : !decides
  }
}
