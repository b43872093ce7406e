/** What a document declares of its fields: the data dictionary, and each model's mining schema. */

import type { Domain, Interval } from './domain.ts'
import { type DataType, parseValue, type Value } from './values.ts'
import {
  attribute,
  childrenOf,
  type Element,
  numberAttribute,
  refuseAt,
  requiredAttribute,
  requiredChild,
  wordAttribute,
} from './xml.ts'

export type OpType = 'continuous' | 'categorical' | 'ordinal'

export interface DataField {
  readonly name: string
  readonly opType: OpType
  readonly type: DataType
  readonly domain: Domain
}

const DATA_TYPES: Readonly<Record<string, DataType>> = {
  string: 'string',
  integer: 'integer',
  float: 'float',
  double: 'double',
  boolean: 'boolean',
}
export const OP_TYPES: readonly OpType[] = ['continuous', 'categorical', 'ordinal']

/** Dates and times are refused: a row holds numbers and categories. */
export function dataTypeOf(element: Element, otherwise?: DataType): DataType {
  const text = attribute(element, 'dataType')
  if (text === undefined && otherwise !== undefined) return otherwise
  const type = Object.hasOwn(DATA_TYPES, text ?? '') ? DATA_TYPES[text!] : undefined
  if (type === undefined) {
    throw refuseAt(
      element,
      `dataType=${JSON.stringify(text ?? '')} is not supported; make a number of it before the model (days since a date, seconds since midnight)`,
    )
  }
  return type
}

export function readDataFields(pmml: Element): ReadonlyMap<string, DataField> {
  const fields = new Map<string, DataField>()
  const dictionary = requiredChild(pmml, 'DataDictionary')
  for (const element of childrenOf(dictionary, 'DataField')) {
    const name = requiredAttribute(element, 'name')
    if (fields.has(name)) throw refuseAt(element, `the field ${name} is declared twice`)
    const type = dataTypeOf(element)
    if ((attribute(element, 'isCyclic') ?? '0') !== '0')
      throw refuseAt(element, `the field ${name} is cyclic, which is not supported`)
    fields.set(name, {
      name,
      opType: wordAttribute(element, 'optype', OP_TYPES),
      type,
      domain: readDomain(element, type),
    })
  }
  return fields
}

function readDomain(field: Element, type: DataType): Domain {
  const domain = { valid: [] as Value[], invalid: [] as Value[], missing: [] as Value[] }
  for (const element of childrenOf(field, 'Value')) {
    const text = requiredAttribute(element, 'value')
    const property = wordAttribute(element, 'property', ['valid', 'invalid', 'missing'], 'valid')
    const value = parseValue(text, type)
    if (value !== undefined) domain[property].push(value)
    // A missing value such as "N/A" of a number cannot arrive as one.
    else if (property === 'valid') throw refuseAt(element, `the value ${JSON.stringify(text)} is no ${type}`)
  }
  return { ...domain, intervals: childrenOf(field, 'Interval').map(readInterval) }
}

export function readInterval(element: Element): Interval {
  const closure = wordAttribute(element, 'closure', ['openClosed', 'openOpen', 'closedOpen', 'closedClosed'])
  const low = numberAttribute(element, 'leftMargin') ?? Number.NEGATIVE_INFINITY
  const high = numberAttribute(element, 'rightMargin') ?? Number.POSITIVE_INFINITY
  if (low > high) throw refuseAt(element, `its left margin ${low} is above its right margin ${high}`)
  return { low, high, lowOpen: closure.startsWith('open'), highOpen: closure.endsWith('Open') }
}

export type UsageType = 'active' | 'target' | 'supplementary' | 'other'

export interface MiningField {
  readonly name: string
  readonly usage: UsageType
  readonly opType?: OpType
  readonly invalid: 'returnInvalid' | 'asIs' | 'asMissing' | 'asValue'
  readonly invalidReplacement?: string
  readonly missingReplacement?: string
  readonly missingIsInvalid: boolean
  readonly outliers: 'asIs' | 'asMissingValues' | 'asExtremeValues'
  readonly low?: number
  readonly high?: number
  readonly element: Element
}

const MISSING_TREATMENTS = ['asIs', 'asMean', 'asMode', 'asMedian', 'asValue', 'returnInvalid'] as const

export function readMiningSchema(model: Element): readonly MiningField[] {
  const names = new Set<string>()
  return childrenOf(requiredChild(model, 'MiningSchema'), 'MiningField').map(element => {
    const field = readMiningField(element)
    if (names.has(field.name)) throw refuseAt(element, `the field ${field.name} stands there twice`)
    names.add(field.name)
    return field
  })
}

function readMiningField(element: Element): MiningField {
  const name = requiredAttribute(element, 'name')
  const usage = attribute(element, 'usageType') ?? 'active'
  const [low, high] = [numberAttribute(element, 'lowValue'), numberAttribute(element, 'highValue')]
  const outliers = wordAttribute(element, 'outliers', ['asIs', 'asMissingValues', 'asExtremeValues'], 'asIs')
  if (outliers !== 'asIs' && low === undefined && high === undefined) {
    throw refuseAt(element, `outliers of ${name} are treated, but neither lowValue nor highValue is given`)
  }
  const opType = attribute(element, 'optype')
  const missingReplacement = attribute(element, 'missingValueReplacement')
  const invalidReplacement = attribute(element, 'invalidValueReplacement')
  return {
    name,
    usage: usageOf(usage),
    ...(opType === undefined ? {} : { opType: wordAttribute(element, 'optype', OP_TYPES) }),
    invalid: invalidTreatment(element, invalidReplacement),
    ...(invalidReplacement === undefined ? {} : { invalidReplacement }),
    ...(missingReplacement === undefined ? {} : { missingReplacement }),
    missingIsInvalid: wordAttribute(element, 'missingValueTreatment', MISSING_TREATMENTS, 'asIs') === 'returnInvalid',
    outliers,
    ...(low === undefined ? {} : { low }),
    ...(high === undefined ? {} : { high }),
    element,
  }
}

/** PMML before 4.4 knew `asIs` with a replacement where it now says `asValue`. */
function invalidTreatment(element: Element, replacement: string | undefined): MiningField['invalid'] {
  const words = ['returnInvalid', 'asIs', 'asMissing', 'asValue'] as const
  const treatment = wordAttribute(element, 'invalidValueTreatment', words, 'returnInvalid')
  if (treatment === 'asValue' && replacement === undefined) {
    throw refuseAt(element, 'invalidValueTreatment is asValue, but there is no invalidValueReplacement')
  }
  return treatment === 'asIs' && replacement !== undefined ? 'asValue' : treatment
}

function usageOf(text: string): UsageType {
  if (text === 'target' || text === 'predicted') return 'target'
  if (text === 'active' || text === 'supplementary') return text
  return 'other'
}
