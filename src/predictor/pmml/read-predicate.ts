/** Predicates of a document, their fields resolved and their values cast. */
import type { Junction, Operator, Predicate } from './models.ts'
import { comparable, type Scope } from './scope.ts'
import type { Value } from './values.ts'
import { attribute, type Element, refuseAt, requiredAttribute, requiredChild, wordAttribute } from './xml.ts'

const OPERATORS: readonly Operator[] = ['equal', 'notEqual', 'lessThan', 'lessOrEqual', 'greaterThan', 'greaterOrEqual']
const JUNCTIONS: readonly Junction[] = ['and', 'or', 'xor', 'surrogate']
const NAMES = new Set(['True', 'False', 'SimplePredicate', 'SimpleSetPredicate', 'CompoundPredicate'])

/** The predicate among the children of a node, a segment or an attribute. */
export function predicateOf(parent: Element, scope: Scope): Predicate {
  const element = parent.children.find(child => NAMES.has(child.name))
  if (element === undefined) throw refuseAt(parent, 'it has no predicate')
  return readPredicate(element, scope)
}

function readPredicate(element: Element, scope: Scope): Predicate {
  if (element.name === 'True' || element.name === 'False') return { op: 'constant', value: element.name === 'True' }
  if (element.name === 'SimplePredicate') return readSimple(element, scope)
  if (element.name === 'SimpleSetPredicate') return readSet(element, scope)
  const op = wordAttribute(element, 'booleanOperator', JUNCTIONS)
  const parts = element.children.filter(child => NAMES.has(child.name)).map(child => readPredicate(child, scope))
  if (parts.length === 0) throw refuseAt(element, 'it has no predicates')
  return { op, parts }
}

function readSimple(element: Element, scope: Scope): Predicate {
  const field = scope.field(requiredAttribute(element, 'field'), element)
  const name = requiredAttribute(element, 'operator')
  if (name === 'isMissing' || name === 'isNotMissing')
    return { op: 'missing', slot: field.slot, wanted: name === 'isMissing' }
  const operator = wordAttribute(element, 'operator', OPERATORS)
  const value = comparable(field, requiredAttribute(element, 'value'))
  const isOrder = operator !== 'equal' && operator !== 'notEqual'
  if (isOrder && value === undefined) {
    throw refuseAt(element, `it compares a ${field.type} with ${JSON.stringify(attribute(element, 'value'))}`)
  }
  const order = isOrder && field.opType === 'ordinal' && field.type === 'string' ? field.domain?.valid : undefined
  return { op: 'compare', slot: field.slot, operator, value, ...(order === undefined ? {} : { order }) }
}

function readSet(element: Element, scope: Scope): Predicate {
  const field = scope.field(requiredAttribute(element, 'field'), element)
  const isIn = wordAttribute(element, 'booleanOperator', ['isIn', 'isNotIn']) === 'isIn'
  const values = readTexts(requiredChild(element, 'Array'))
    .map(text => comparable(field, text))
    .filter((value): value is Exclude<Value, undefined> => value !== undefined)
  return { op: 'set', slot: field.slot, values, isIn }
}

/** White space parts them; a text with spaces stands in quotes, in which `\"` is a quote. */
export function readTexts(array: Element): readonly string[] {
  const texts: string[] = []
  const { text } = array
  let at = 0
  while (at < text.length) {
    if (/\s/.test(text[at]!)) {
      at++
      continue
    }
    const isQuoted = text[at] === '"'
    const start = isQuoted ? at + 1 : at
    let end = start
    let value = ''
    while (end < text.length && (isQuoted ? text[end] !== '"' : !/\s/.test(text[end]!))) {
      if (text[end] === '\\' && text[end + 1] === '"') end++
      value += text[end++]
    }
    if (isQuoted && end >= text.length) throw refuseAt(array, 'a quoted text does not end')
    texts.push(value)
    at = isQuoted ? end + 1 : end
  }
  return texts
}
