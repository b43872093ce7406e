/**
 * From a signature's data to the code of a model's door: rows of named values in, columns of numbers out, and back to
 * text for the record. Compiled once a version; a row then costs one walk over its members, and no wrong row gets in.
 */

import { Problem } from '../errors.ts'
import { quote } from '../ledger/canonical.ts'
import { jsonNumber } from '../platform/json-number.ts'
import type { Predictor } from '../predictor/predictor.ts'
import type { Feature, Signature } from '../registry/signature.ts'
import { quickRow } from './quick-row.ts'
import { MAGNITUDE_MAX, type RowFaults, rowFaults } from './row-faults.ts'

/** Rows as a predictor takes them. */
export interface Rows {
  /** `count` × `width`, row-major, NaN for a missing value. */
  readonly values: Float64Array
  /** Receives what the predictor answers. */
  readonly outputs: Float64Array
  readonly count: number
  /** Whether the caller sent one row by itself, and gets one answer by itself. */
  readonly single: boolean
}

export interface CompiledSignature {
  readonly inputs: readonly Feature[]
  /** Columns of a row. */
  readonly width: number
  /** Column of the predictor that takes each input. */
  readonly columns: Int32Array
  readonly hasSensitive: boolean
  /** Empty rows, for a reader that fills them cell by cell with `encode`. */
  rows(count: number, single: boolean): Rows
  /**
   * Takes a parsed JSON body: an object of features, or an array of them.
   *
   * @throws Problem `invalid` naming every wrong field, `too_large` for more than `rowsMax` rows.
   */
  read(body: unknown, rowsMax: number): Rows
  /** Takes the body of a single row if it is as plain as most are; `undefined` tells nothing but that it is not. */
  readQuickly(body: Buffer): Rows | undefined
  /** Takes back the rows of a single call, to be overwritten by a later one. Whoever gives them back uses them no more. */
  release(rows: Rows): void
  /** Puts one value into a row if it is right for the input; false leaves the row as it was. */
  encode(input: number, value: unknown, values: Float64Array, offset: number): boolean
  /** What is wrong with a row, as far as `room` field problems allow; `path` stands before the names. */
  faults(row: unknown, path: string, room: number): RowFaults
  /** The record's `features`: canonical JSON of what a row holds, without missing and without sensitive ones. */
  writeFeatures(values: Float64Array, offset: number): string
  /** The same of the sensitive ones alone, to be sealed; `undefined` where all are missing. */
  writeSensitive(values: Float64Array, offset: number): string | undefined
}

/** What a feature takes, as bits. */
const NUMBERS = 1
const BOOLEANS = 2
const TEXTS = 4
/** Whole numbers only. */
const WHOLE = 8
const TAKES = {
  number: NUMBERS,
  integer: NUMBERS | WHOLE,
  boolean: NUMBERS | BOOLEANS | WHOLE, // between 0 and 1
  numeric: NUMBERS | BOOLEANS,
  string: TEXTS,
} as const

interface Table {
  readonly inputs: readonly Feature[]
  readonly names: readonly string[]
  readonly indexOf: ReadonlyMap<string, number>
  readonly takes: Uint8Array
  readonly minimums: Float64Array
  readonly maximums: Float64Array
  readonly nullable: Uint8Array
  /** Column of the predictor that takes the input. */
  readonly columns: Int32Array
  readonly codes: readonly (ReadonlyMap<string, number> | undefined)[]
}

/**
 * The signature may list the features in another order than the artifact; where the artifact has no names, the orders
 * are the same.
 *
 * @throws Problem `misconfigured` where the two do not name the same features.
 */
export function compileSignature(
  signature: Signature,
  predictor: Pick<Predictor, 'features' | 'named' | 'outputCount'>,
): CompiledSignature {
  const names = signature.inputs.map(({ name }) => name)
  const columns = predictor.named || names.length !== predictor.features.length ? predictor.features : names
  const table = tableOf(signature.inputs, columns)
  const width = columns.length
  const quick = quickRow(names, (input, value, values, offset) => encode(table, input, value, values, offset))
  const free: Rows[] = []
  const rows = (count: number, single: boolean): Rows => ({
    values: new Float64Array(count * width),
    outputs: new Float64Array(count * predictor.outputCount),
    count,
    single,
  })
  const clear = writerOf(table, feature => !feature.sensitive)
  const sensitive = writerOf(table, feature => feature.sensitive)

  return {
    inputs: table.inputs,
    width,
    columns: table.columns,
    rows,
    hasSensitive: table.inputs.some(feature => feature.sensitive),
    read(body, rowsMax) {
      if (Array.isArray(body)) return readBatch(table, body, rowsMax, rows)
      const single = free.pop() ?? rows(1, true)
      if (readRow(table, body, single.values, 0)) return single
      free.push(single)
      return refuse(rowFaults(table.inputs, body, '', FAULTS_MAX), body)
    },
    readQuickly(body) {
      const single = free.pop() ?? rows(1, true)
      if (quick(body, single.values, 0)) return single
      free.push(single)
      return undefined
    },
    release(rows) {
      if (rows.single && free.length < FREE_ROWS_MAX) free.push(rows)
    },
    encode: (input, value, values, offset) => encode(table, input, value, values, offset),
    faults: (row, path, room) => rowFaults(table.inputs, row, path, room),
    writeFeatures: (values, offset) => write(clear, values, offset) ?? '{}',
    writeSensitive: (values, offset) => write(sensitive, values, offset),
  }
}

/** Single rows kept for reuse: as many as are likely to wait for the journal at the same time. */
const FREE_ROWS_MAX = 1024

/** Field problems that one answer names; a batch can have a million. */
const FAULTS_MAX = 100

function tableOf(inputs: readonly Feature[], columns: readonly string[]): Table {
  const columnOf = new Map(columns.map((name, column) => [name, column]))
  const names = inputs.map(({ name }) => name)
  const unknown = names.find(name => !columnOf.has(name)) ?? columns.find(name => !names.includes(name))
  if (unknown !== undefined || names.length !== columns.length || new Set(names).size !== names.length) {
    const why = unknown === undefined ? `${names.length} inputs for ${columns.length} columns` : `"${unknown}"`
    throw new Problem('misconfigured', `Cannot serve the model: signature and artifact do not agree: ${why}`)
  }
  for (const { name, type, categories } of inputs) {
    if (type === 'string' && categories === undefined) {
      throw new Problem('misconfigured', `Cannot serve the model: the text feature "${name}" has no list of categories`)
    }
  }
  return {
    inputs,
    names,
    indexOf: new Map(names.map((name, index) => [name, index])),
    takes: Uint8Array.from(inputs, ({ type }) => TAKES[type]),
    minimums: Float64Array.from(inputs, lowest),
    maximums: Float64Array.from(inputs, highest),
    nullable: Uint8Array.from(inputs, ({ nullable }) => (nullable ? 1 : 0)),
    columns: Int32Array.from(names, name => columnOf.get(name)!),
    codes: inputs.map(({ type, categories }) =>
      type === 'string' ? new Map(categories?.map((text, code) => [text, code])) : undefined,
    ),
  }
}

function lowest({ type, minimum = -Infinity }: Feature): number {
  return Math.max(minimum, type === 'boolean' ? 0 : -MAGNITUDE_MAX)
}

function highest({ type, maximum = Infinity }: Feature): number {
  return Math.min(maximum, type === 'boolean' ? 1 : MAGNITUDE_MAX)
}

function readBatch(table: Table, body: readonly unknown[], rowsMax: number, makeRows: CompiledSignature['rows']): Rows {
  if (body.length === 0) {
    throw new Problem('invalid', 'Cannot read the features: the batch is empty, at least one row was wanted')
  }
  if (body.length > rowsMax) {
    const found = `the batch has ${body.length} rows, at most ${rowsMax} are taken at once`
    throw new Problem('too_large', `Cannot read the features: ${found}`)
  }
  const width = table.inputs.length
  const rows = makeRows(body.length, false)
  for (let row = 0; row < body.length; row++) {
    if (!readRow(table, body[row], rows.values, row * width)) return refuse(batchFaults(table, body, row), body)
  }
  return rows
}

/** Puts a row into its slot; false where anything at all is wrong with it. */
function readRow(table: Table, row: unknown, values: Float64Array, offset: number): boolean {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return false
  const { names, indexOf } = table
  // Callers write the features in the signature's order more often than not: then each name is found where it is expected.
  let expected = 0
  let seen = 0
  for (const name in row) {
    let input = expected
    if (name !== names[input]) {
      const found = indexOf.get(name)
      if (found === undefined) return false
      input = found
    }
    if (!encode(table, input, (row as Record<string, unknown>)[name], values, offset)) return false
    expected = input + 1
    seen++
  }
  return seen === names.length // names are unique and all known: so many means all
}

function encode(table: Table, input: number, value: unknown, values: Float64Array, offset: number): boolean {
  const takes = table.takes[input]!
  let number: number
  if (typeof value === 'number' && (takes & NUMBERS) !== 0) number = value
  else if (typeof value === 'boolean' && (takes & BOOLEANS) !== 0) number = value ? 1 : 0
  else if (typeof value === 'string') number = table.codes[input]?.get(value) ?? Number.NaN
  else if (value === null && table.nullable[input] === 1) {
    values[offset + table.columns[input]!] = Number.NaN
    return true
  } else return false
  // Refuses NaN and infinities too, and with them an unknown category.
  if (!(number >= table.minimums[input]! && number <= table.maximums[input]!)) return false
  if ((takes & WHOLE) !== 0 && !Number.isSafeInteger(number)) return false
  values[offset + table.columns[input]!] = number
  return true
}

function batchFaults(table: Table, body: readonly unknown[], firstWrong: number): RowFaults {
  const fields: RowFaults['fields'][number][] = []
  for (let row = firstWrong; row < body.length && fields.length < FAULTS_MAX; row++) {
    fields.push(...rowFaults(table.inputs, body[row], `[${row}]`, FAULTS_MAX - fields.length).fields)
  }
  return { fields, more: fields.length === FAULTS_MAX }
}

function refuse({ fields, more }: RowFaults, body: unknown): never {
  if (fields.length === 0) throw new Error('A row was refused in which the slow reader finds no fault')
  if (typeof body !== 'object' || body === null) {
    throw new Problem('invalid', `Cannot read the features: the body ${fields[0]!.problem}`)
  }
  const some = fields.slice(0, 3).map(({ field, problem }) => `${field} ${problem}`)
  const rest = fields.length - some.length
  const others =
    rest === 0 ? '' : `; and ${rest}${more ? ' or more' : ''} other ${rest === 1 && !more ? 'field' : 'fields'}`
  throw new Problem('invalid', `Cannot read the features: ${some.join('; ')}${others}`, { fields })
}

/** What it takes to write the features of a row, in the order of their names. */
interface Writer {
  /** `"age":` */
  readonly heads: readonly string[]
  readonly booleans: Uint8Array
  readonly columns: Int32Array
  /** JSON texts by code, for categories. */
  readonly texts: readonly (readonly string[] | undefined)[]
}

function writerOf(table: Table, wanted: (feature: Feature) => boolean): Writer {
  const { inputs, columns } = table
  // RFC 8785 sorts by UTF-16 code units, which is how JavaScript compares texts.
  const order = [...inputs.keys()].filter(input => wanted(inputs[input]!))
  order.sort((a, b) => (inputs[a]!.name < inputs[b]!.name ? -1 : 1))
  return {
    heads: order.map(input => `${quote(inputs[input]!.name)}:`),
    booleans: Uint8Array.from(order, input => (inputs[input]!.type === 'boolean' ? 1 : 0)),
    columns: Int32Array.from(order, input => columns[input]!),
    texts: order.map(input => (inputs[input]!.type === 'string' ? inputs[input]!.categories?.map(quote) : undefined)),
  }
}

function write({ heads, booleans, columns, texts }: Writer, values: Float64Array, offset: number): string | undefined {
  let text = ''
  for (let at = 0; at < heads.length; at++) {
    const value = values[offset + columns[at]!]!
    if (Number.isNaN(value)) continue
    text += (text === '' ? '{' : ',') + heads[at]
    const categories = texts[at]
    if (categories !== undefined) text += categories[value]
    else if (booleans[at] === 1) text += value === 1 ? 'true' : 'false'
    else text += jsonNumber(value)
  }
  return text === '' ? undefined : `${text}}`
}
