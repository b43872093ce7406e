/** What a name means where it stands: fields of the models around it, resolved to slots while a document is loaded. */

import type { Domain } from './domain.ts'
import type { Slot } from './expression.ts'
import type { DataField, MiningField, OpType } from './fields.ts'
import { type DataType, parseValue, type Value } from './values.ts'
import { type Element, refusal, refuseAt } from './xml.ts'

/** Derived fields that ask for derived fields, and expressions in expressions: each level is a call when a row is computed. */
const NESTING_MAX = 700
/** Functions of the document are written out where they are applied; one that applies another twice doubles it. */
const WRITTEN_MAX = 200_000

export interface Field {
  readonly slot: number
  readonly type: DataType
  readonly opType: OpType
  /** Of a data field. */
  readonly domain?: Domain
  /** Of a text whose values the dictionary does not list: what the document compares it with. */
  readonly mentions?: Set<string>
}

/** Makes the slot of a derived field when it is first named. */
type Derive = (scope: Scope) => Field

/** What all scopes of a document have together. */
export class Document {
  readonly slots: Slot[] = []
  readonly functions: Map<string, Element> = new Map()
  /** Functions being written out. */
  readonly applying: Set<string> = new Set()
  #depth = 0
  #written = 0

  add(slot: Slot): number {
    return this.slots.push(slot) - 1
  }

  /** Counts the depth of an expression while it is read, and its number inside of functions. */
  nested<T>(element: Element, read: () => T): T {
    if (++this.#depth > NESTING_MAX)
      throw refuseAt(element, `expressions and derived fields are nested deeper than ${NESTING_MAX}`)
    if (this.applying.size > 0 && ++this.#written > WRITTEN_MAX) {
      throw refuseAt(element, `it has more than ${WRITTEN_MAX} expressions in functions that are written out`)
    }
    try {
      return read()
    } finally {
      this.#depth--
    }
  }
}

export class Scope {
  readonly document: Document
  readonly #parent: Scope | undefined
  readonly #fields = new Map<string, Field>()
  readonly #pending = new Map<string, Derive | 'at work'>()

  constructor(document: Document, parent?: Scope) {
    this.document = document
    this.#parent = parent
  }

  set(name: string, field: Field): void {
    this.#fields.set(name, field)
  }

  /** A field that is made when it is first named; it may be declared before those it is made of. */
  derive(name: string, element: Element, derive: Derive): void {
    if (this.#pending.has(name)) throw refuseAt(element, `the field ${name} is derived twice`)
    this.#pending.set(name, derive)
  }

  find(name: string, element: Element): Field | undefined {
    const known = this.#fields.get(name)
    if (known !== undefined) return known
    const derive = this.#pending.get(name)
    if (derive === undefined) return this.#parent?.find(name, element)
    if (derive === 'at work') throw refuseAt(element, `the derived field ${name} is made of itself`)
    this.#pending.set(name, 'at work')
    const field = this.document.nested(element, () => derive(this))
    this.#fields.set(name, field)
    return field
  }

  field(name: string, element: Element): Field {
    const field = this.find(name, element)
    if (field === undefined)
      throw refuseAt(element, `there is no field ${JSON.stringify(name)} here, or the mining schema does not name it`)
    return field
  }
}

/** A text of the document as a value of the field, to be compared with it. */
export function comparable(field: Field, text: string): Value {
  if (field.type === 'string') field.mentions?.add(text)
  return parseValue(text, field.type)
}

const ANY: Domain = { valid: [], invalid: [], missing: [], intervals: [] }

/** A field as a model sees it. Inside a model of models, values have been checked: only what is said anew is done again. */
export function treatField(document: Document, field: Field, mining: MiningField, isNested: boolean): Field {
  const opType = mining.opType ?? field.opType
  const domain = field.domain ?? ANY
  const says = mining.missingReplacement !== undefined || mining.outliers !== 'asIs' || mining.missingIsInvalid
  const isAny = domain.valid.length + domain.invalid.length + domain.intervals.length === 0
  const checks = (mining.invalid !== 'asIs' && !isAny) || domain.missing.length > 0
  const isRechecked = mining.invalid === 'asMissing' || mining.invalid === 'asValue'
  if (!(says || (isNested ? isRechecked : checks))) return { ...field, opType }
  const slot = document.add({
    kind: 'treated',
    from: field.slot,
    treatment: {
      type: field.type,
      domain: opType === 'continuous' ? domain : { ...domain, intervals: [] },
      invalid: mining.invalid,
      ...replacement('invalidReplacement', field, mining),
      ...replacement('missingReplacement', field, mining),
      missingIsInvalid: mining.missingIsInvalid,
      outliers: mining.outliers,
      ...(mining.low === undefined ? {} : { low: mining.low }),
      ...(mining.high === undefined ? {} : { high: mining.high }),
    },
  })
  return { ...field, slot, opType }
}

function replacement<Name extends 'invalidReplacement' | 'missingReplacement'>(
  name: Name,
  field: Field,
  mining: MiningField,
): { readonly [key in Name]?: Value } {
  const text = mining[name]
  if (text === undefined) return {}
  const value = comparable(field, text)
  if (value === undefined)
    throw refuseAt(mining.element, `the replacement ${JSON.stringify(text)} of ${mining.name} is no ${field.type}`)
  return { [name]: value } as { [key in Name]: Value }
}

/** Columns of the row, one for each active field of the outermost mining schema. */
export interface InputColumn {
  readonly field: DataField
  readonly slot: number
  readonly categories?: string[]
  readonly mentions?: Set<string>
}

/** Makes the slots of the inputs, and hands the fields to the scope as the schema treats them. */
export function declareInputs(
  scope: Scope,
  fields: ReadonlyMap<string, DataField>,
  schema: readonly MiningField[],
): readonly InputColumn[] {
  const columns: InputColumn[] = []
  for (const mining of schema) {
    if (mining.usage !== 'active') continue
    const field = fields.get(mining.name)
    if (field === undefined) throw refuseAt(mining.element, `the data dictionary has no field ${mining.name}`)
    if (columns.length >= 1 << 20) throw refusal('it has more than 2^20 inputs')
    const { type, domain } = field
    const isText = type === 'string'
    const listed = isText ? [...domain.valid, ...domain.missing, ...domain.invalid].map(String) : []
    const categories = isText ? [...new Set(listed)] : undefined
    const slot = scope.document.add({ kind: 'input', column: columns.length, type, ...(categories && { categories }) })
    const mentions = isText && domain.valid.length === 0 ? new Set<string>() : undefined
    const known = { slot, type, opType: field.opType, domain, ...(mentions && { mentions }) }
    columns.push({ field, slot, ...(categories && { categories }), ...(mentions && { mentions }) })
    scope.set(mining.name, treatField(scope.document, known, mining, false))
  }
  return columns
}
