/** Functions where they are applied: built-in ones, and those of the document, which are written out. */
import type { Expression } from './expression.ts'
import { dataTypeOf } from './fields.ts'
import { functionNamed } from './functions.ts'
import { patternFault } from './patterns.ts'
import type { TypedExpression } from './read-expression.ts'
import { comparable, Scope } from './scope.ts'
import { type DataType, parseValue, type Value } from './values.ts'
import { attribute, childrenOf, type Element, refuseAt, requiredAttribute, wordAttribute } from './xml.ts'

type Read = (element: Element, scope: Scope) => TypedExpression

const INSTEAD: Readonly<Record<string, string>> = {
  formatNumber: 'compare numbers as numbers',
  formatDatetime: 'make a number of the date before the model',
  dateDaysSinceYear: 'pass the number of days',
  dateSecondsSinceYear: 'pass the number of seconds',
  dateSecondsSinceMidnight: 'pass the number of seconds',
}
const COMPARING = new Set(['equal', 'notEqual', 'isIn', 'isNotIn'])
/** Functions that make new texts: of a text that is none of the categories, nobody knows which. */
const OF_TEXTS = new Set([
  'uppercase',
  'lowercase',
  'trimBlanks',
  'stringLength',
  'substring',
  'concat',
  'matches',
  'replace',
])

export function readApply(element: Element, scope: Scope, read: Read): TypedExpression {
  const name = requiredAttribute(element, 'function')
  const args = element.children.filter(child => child.name !== 'Extension').map(child => read(child, scope))
  const defined = scope.document.functions.get(name)
  if (defined !== undefined) return callDefined(element, defined, name, args, scope, read)
  const builtIn = functionNamed(name)
  if (builtIn === undefined) {
    const instead = Object.hasOwn(INSTEAD, name) ? `; ${INSTEAD[name]}` : ', nor defined in the document'
    throw refuseAt(element, `the function ${name} is not supported${instead}`)
  }
  if (args.length < builtIn.least || args.length > builtIn.most) {
    throw refuseAt(
      element,
      `the function ${name} has ${args.length} arguments, wanted ${builtIn.least}${builtIn.most > builtIn.least ? ' or more' : ''}`,
    )
  }
  if (name === 'isValid' || name === 'isNotValid') return validity(name, args[0]!)
  if (OF_TEXTS.has(name)) checkTexts(element, name, args)
  const same = COMPARING.has(name) ? alike(args) : args
  const types = same.map(arg => arg.type)
  const type = builtIn.type(types)
  const invalid = wordAttribute(
    element,
    'invalidValueTreatment',
    ['returnInvalid', 'asIs', 'asMissing'],
    'returnInvalid',
  )
  const expression: Expression = {
    op: 'apply',
    name,
    args: same.map(arg => arg.expression),
    types,
    ...given(element, 'mapMissingTo', 'missing', type),
    ...given(element, 'defaultValue', 'fallback', type),
    invalid,
    type,
  }
  return { expression, type }
}

/** A text given as an attribute, as the type of the result where it is one. */
function given<Name extends string>(
  element: Element,
  from: string,
  to: Name,
  type: DataType,
): { readonly [key in Name]?: Value } {
  const text = attribute(element, from)
  if (text === undefined) return {}
  const value = parseValue(text, type)
  if (value === undefined) throw refuseAt(element, `${from}=${JSON.stringify(text)} is no ${type}`)
  return { [to]: value } as { [key in Name]: Value }
}

/** Constants of another type become the type of the field that they are compared with. */
function alike(args: readonly TypedExpression[]): readonly TypedExpression[] {
  const other = args.find(arg => arg.expression.op !== 'constant')
  if (other === undefined) return args
  return args.map(arg => {
    if (arg.expression.op !== 'constant' || arg.expression.value === undefined) return arg
    const text = String(arg.expression.value)
    const isNumber = (type: DataType): boolean => type !== 'string' && type !== 'boolean'
    if (other.field !== undefined && other.type === 'string') comparable(other.field, text)
    if (arg.type === other.type || (isNumber(arg.type) && isNumber(other.type))) return arg
    return { expression: { op: 'constant', value: parseValue(text, other.type) }, type: other.type }
  })
}

function checkTexts(element: Element, name: string, args: readonly TypedExpression[]): void {
  for (const { field } of args) {
    if (field?.mentions !== undefined) {
      throw refuseAt(
        element,
        `the function ${name} is applied to a text whose values the data dictionary does not list; list them as Value`,
      )
    }
  }
  if (name !== 'matches' && name !== 'replace') return
  const pattern = args[1]!.expression
  if (pattern.op !== 'constant' || pattern.value === undefined) throw refuseAt(element, 'its pattern is no constant')
  const fault = patternFault(String(pattern.value))
  if (fault !== undefined)
    throw refuseAt(element, `its pattern ${JSON.stringify(pattern.value)} is not supported: ${fault}`)
}

/** Validity is asked of a data field; whatever else there is, is valid. */
function validity(name: 'isValid' | 'isNotValid', arg: TypedExpression): TypedExpression {
  const { expression, field } = arg
  if (expression.op !== 'field' || field?.domain === undefined) {
    return {
      expression: { op: 'apply', name, args: [expression], types: [arg.type], invalid: 'asIs', type: 'boolean' },
      type: 'boolean',
    }
  }
  const valid: Expression = { op: 'valid', slot: field.slot, domain: field.domain }
  const missing: Expression = {
    op: 'apply',
    name: 'isMissing',
    args: [expression],
    types: [arg.type],
    invalid: 'asIs',
    type: 'boolean',
  }
  const either: Expression = {
    op: 'apply',
    name: 'or',
    args: [valid, missing],
    types: ['boolean', 'boolean'],
    invalid: 'asIs',
    type: 'boolean',
  }
  const isNot: Expression = {
    op: 'apply',
    name: 'not',
    args: [either],
    types: ['boolean'],
    invalid: 'asIs',
    type: 'boolean',
  }
  return { expression: name === 'isValid' ? valid : isNot, type: 'boolean' }
}

function callDefined(
  element: Element,
  defined: Element,
  name: string,
  args: readonly TypedExpression[],
  scope: Scope,
  read: Read,
): TypedExpression {
  const parameters = childrenOf(defined, 'ParameterField')
  if (parameters.length !== args.length)
    throw refuseAt(element, `the function ${name} has ${args.length} arguments, wanted ${parameters.length}`)
  const body = defined.children.find(child => child.name !== 'ParameterField' && child.name !== 'Extension')
  if (body === undefined) throw refuseAt(defined, 'it has no expression')
  const { applying } = scope.document
  if (applying.has(name)) throw refuseAt(element, `the function ${name} applies itself`)
  // A function sees its parameters, and no field.
  const own = new Scope(scope.document)
  const types = parameters.map((parameter, index) => dataTypeOf(parameter, args[index]!.type))
  const slots = parameters.map((parameter, index) => {
    const slot = scope.document.add({ kind: 'given' })
    own.set(requiredAttribute(parameter, 'name'), {
      slot,
      type: types[index]!,
      opType: 'continuous',
      ...mentionsOf(args[index]!),
    })
    return slot
  })
  applying.add(name)
  const inner = scope.document.nested(element, () => read(body, own))
  applying.delete(name)
  const type = dataTypeOf(defined, inner.type)
  const from = args.map(arg => arg.type)
  const expression: Expression = {
    op: 'let',
    slots,
    args: args.map(arg => arg.expression),
    from,
    types,
    body: inner.expression,
    bodyType: inner.type,
    type,
  }
  return { expression, type }
}

function mentionsOf({ field }: TypedExpression): { readonly mentions?: Set<string> } {
  return field?.mentions === undefined ? {} : { mentions: field.mentions }
}
