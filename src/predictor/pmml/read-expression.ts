/** Expressions of a document: their names resolved, their constants cast, their functions known; everything else refused. */
import type { Expression } from './expression.ts'
import { dataTypeOf, OP_TYPES, readInterval } from './fields.ts'
import { functionNamed } from './functions.ts'
import { readApply } from './read-apply.ts'
import { comparable, type Field, type Scope } from './scope.ts'
import { type DataType, parseValue, type Value } from './values.ts'
import {
  attribute,
  childOf,
  childrenOf,
  type Element,
  localName,
  refuseAt,
  requiredAttribute,
  requiredChild,
  requiredNumber,
  wordAttribute,
} from './xml.ts'

export interface TypedExpression {
  readonly expression: Expression
  readonly type: DataType
  /** Where it is a field as it stands. */
  readonly field?: Field
}

const READERS: Readonly<Record<string, (element: Element, scope: Scope) => TypedExpression>> = {
  Constant: readConstant,
  FieldRef: readFieldRef,
  NormContinuous: readNormContinuous,
  NormDiscrete: readNormDiscrete,
  Discretize: readDiscretize,
  MapValues: readMapValues,
  Apply: (element, scope) => readApply(element, scope, readExpression),
}

const INSTEAD: Readonly<Record<string, string>> = {
  Aggregate: 'aggregate rows before they are scored, and pass the result as a number',
  Lag: 'pass the earlier value as a field of its own',
  TextIndex: 'count terms before the row is scored, and pass the counts as numbers; or export the pipeline as ONNX',
}

export function isExpression(element: Element): boolean {
  return Object.hasOwn(READERS, element.name) || Object.hasOwn(INSTEAD, element.name)
}

export function readExpression(element: Element, scope: Scope): TypedExpression {
  if (!Object.hasOwn(READERS, element.name)) {
    const instead = Object.hasOwn(INSTEAD, element.name) ? `; ${INSTEAD[element.name]}` : ''
    throw refuseAt(element, `the expression ${element.name} is not supported${instead}`)
  }
  return scope.document.nested(element, () => READERS[element.name]!(element, scope))
}

/** Fields that a dictionary or a model derives: made when they are first named. */
export function declareDerivedFields(parent: Element | undefined, scope: Scope): void {
  for (const element of childrenOf(parent, 'DerivedField')) {
    scope.derive(requiredAttribute(element, 'name'), element, own => readDerivedField(element, own))
  }
}

function readDerivedField(element: Element, scope: Scope): Field {
  const type = dataTypeOf(element)
  const opType = wordAttribute(element, 'optype', OP_TYPES)
  const inner = element.children.find(isExpression)
  if (inner === undefined) throw refuseAt(element, 'it has no expression')
  const { expression, type: from, field } = readExpression(inner, scope)
  if (field !== undefined && from === type && inner.name === 'FieldRef') return { ...field, type, opType }
  return { slot: scope.document.add({ kind: 'derived', expression, from, type }), type, opType }
}

export function declareFunctions(dictionary: Element | undefined, scope: Scope): void {
  for (const element of childrenOf(dictionary, 'DefineFunction')) {
    const name = requiredAttribute(element, 'name')
    if (functionNamed(name) !== undefined)
      throw refuseAt(element, `the function ${name} has the name of a built-in one`)
    if (scope.document.functions.has(name)) throw refuseAt(element, `the function ${name} is defined twice`)
    scope.document.functions.set(name, element)
  }
}

function readConstant(element: Element): TypedExpression {
  const text = element.text
  if (attribute(element, 'missing') === 'true')
    return { expression: { op: 'constant', value: undefined }, type: dataTypeOf(element, 'string') }
  const type = dataTypeOf(element, guessType(text))
  const value = text === '' && type !== 'string' ? undefined : parseValue(text, type)
  if (value === undefined && text.trim() !== '' && text.trim() !== 'NaN') {
    throw refuseAt(element, `the constant ${JSON.stringify(text)} is no ${type}`)
  }
  return { expression: { op: 'constant', value }, type }
}

function guessType(text: string): DataType {
  if (/^[+-]?\d+$/.test(text)) return 'integer'
  return parseValue(text, 'double') === undefined ? 'string' : 'double'
}

function readFieldRef(element: Element, scope: Scope): TypedExpression {
  const field = scope.field(requiredAttribute(element, 'field'), element)
  const text = attribute(element, 'mapMissingTo')
  if (text === undefined) return { expression: { op: 'field', slot: field.slot }, type: field.type, field }
  const missing = required(element, text, comparable(field, text), field.type)
  return { expression: { op: 'field', slot: field.slot, missing }, type: field.type }
}

function required(element: Element, text: string, value: Value, type: DataType): Value {
  if (value === undefined) throw refuseAt(element, `the value ${JSON.stringify(text)} is no ${type}`)
  return value
}

/** The attribute as a value of the type, where it is given. */
function given<Name extends string>(
  element: Element,
  from: string,
  to: Name,
  type: DataType,
): { readonly [key in Name]?: Value } {
  const text = attribute(element, from)
  if (text === undefined) return {}
  return { [to]: required(element, text, parseValue(text, type), type) } as { [key in Name]: Value }
}

export function readNormContinuous(element: Element, scope: Scope): TypedExpression {
  const field = scope.field(requiredAttribute(element, 'field'), element)
  const norms = childrenOf(element, 'LinearNorm')
  if (norms.length < 2) throw refuseAt(element, `it has ${norms.length} LinearNorm, wanted two at least`)
  const from = norms.map(norm => requiredNumber(norm, 'orig'))
  const to = norms.map(norm => requiredNumber(norm, 'norm'))
  if (from.some((value, index) => index > 0 && value <= from[index - 1]!))
    throw refuseAt(element, 'its LinearNorm do not ascend')
  const outliers = wordAttribute(element, 'outliers', ['asIs', 'asMissingValues', 'asExtremeValues'], 'asIs')
  const missing = given(element, 'mapMissingTo', 'missing', 'double')
  return { expression: { op: 'norm-continuous', slot: field.slot, from, to, outliers, ...missing }, type: 'double' }
}

function readNormDiscrete(element: Element, scope: Scope): TypedExpression {
  const field = scope.field(requiredAttribute(element, 'field'), element)
  wordAttribute(element, 'method', ['indicator'], 'indicator')
  const value = comparable(field, requiredAttribute(element, 'value'))
  const missing = given(element, 'mapMissingTo', 'missing', 'double')
  return { expression: { op: 'norm-discrete', slot: field.slot, value, ...missing }, type: 'double' }
}

function readDiscretize(element: Element, scope: Scope): TypedExpression {
  const field = scope.field(requiredAttribute(element, 'field'), element)
  const type = dataTypeOf(element, 'string')
  const bins = childrenOf(element, 'DiscretizeBin').map(bin => {
    const text = requiredAttribute(bin, 'binValue')
    return {
      interval: readInterval(requiredChild(bin, 'Interval')),
      value: required(bin, text, parseValue(text, type), type),
    }
  })
  const fallback = given(element, 'defaultValue', 'fallback', type)
  const missing = given(element, 'mapMissingTo', 'missing', type)
  return { expression: { op: 'discretize', slot: field.slot, bins, ...fallback, ...missing }, type }
}

function readMapValues(element: Element, scope: Scope): TypedExpression {
  const type = dataTypeOf(element, 'string')
  const output = localName(requiredAttribute(element, 'outputColumn'))
  if (childOf(element, 'TableLocator') !== undefined)
    throw refuseAt(
      element,
      'a TableLocator names a table elsewhere, which is not supported; put an InlineTable into the document',
    )
  const pairs = childrenOf(element, 'FieldColumnPair').map(pair => ({
    field: scope.field(requiredAttribute(pair, 'field'), pair),
    column: localName(requiredAttribute(pair, 'column')),
  }))
  if (pairs.length === 0) throw refuseAt(element, 'it has no FieldColumnPair')
  const keys: Value[][] = []
  const values: Value[] = []
  for (const row of childrenOf(requiredChild(element, 'InlineTable'), 'row')) {
    const cells = new Map(row.children.map(cell => [cell.name, cell.text]))
    const text = cells.get(output)
    const key = pairs.map(({ field, column }) =>
      cells.has(column) ? comparable(field, cells.get(column)!) : undefined,
    )
    if (text === undefined) throw refuseAt(row, `it has no ${output}`)
    // A key that no value of the field can be is a row that is never met.
    if (key.includes(undefined)) continue
    keys.push(key)
    values.push(required(row, text, parseValue(text, type), type))
  }
  const slots = pairs.map(({ field }) => field.slot)
  const fallback = given(element, 'defaultValue', 'fallback', type)
  return {
    expression: { op: 'map', slots, keys, values, ...fallback, ...given(element, 'mapMissingTo', 'missing', type) },
    type,
  }
}
