/**
 * Values of fields while a row is computed: numbers, texts, truth values, or nothing. A number that is NaN is nothing, too.
 * What a document compares with is cast once, when it is loaded, to the type of the field.
 */

/** `undefined` is missing. */
export type Value = number | string | boolean | undefined

export type DataType = 'integer' | 'float' | 'double' | 'string' | 'boolean'

/** A text that is none of the categories: equal to no text that a document can hold. */
export const UNSEEN = '\u0000'

/** Thrown by an evaluation whose row has no answer because a value is invalid. Always this one object: it says nothing else. */
export const INVALID: Error = new Error('Cannot predict: the row has an invalid value')

const NUMBER = /^\s*[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|INF|Infinity|NaN)\s*$/

/** A text of the document as a value of the type; `undefined` where it is none. */
export function parseValue(text: string, type: DataType): Value {
  if (type === 'string') return text
  if (type === 'boolean') return parseBoolean(text.trim())
  if (!NUMBER.test(text)) return undefined
  return castNumber(Number(text.replace('INF', 'Infinity')), type)
}

function parseBoolean(text: string): Value {
  if (/^(true|1|1\.0)$/i.test(text)) return true
  return /^(false|0|0\.0)$/i.test(text) ? false : undefined
}

function castNumber(value: number, type: 'integer' | 'float' | 'double'): Value {
  if (Number.isNaN(value)) return undefined
  if (type === 'float') return Math.fround(value)
  return type === 'double' || Number.isInteger(value) ? value : undefined
}

/** A value as another type; throws INVALID where it cannot be one. */
export function castValue(value: Value, from: DataType, to: DataType): Value {
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isNaN(value)) return undefined
  if (from === to && to !== 'float') return value
  const cast =
    to === 'string' ? textOf(value, from) : typeof value === 'string' ? parseValue(value, to) : castPlain(value, to)
  if (cast === undefined) throw INVALID
  return cast
}

function castPlain(value: number | boolean, to: Exclude<DataType, 'string'>): Value {
  if (to === 'boolean') return typeof value === 'boolean' ? value : value === 1 ? true : value === 0 ? false : undefined
  return castNumber(Number(value), to)
}

/** As Java writes it: a number that is not an integer by type has a point. */
function textOf(value: number | string | boolean, from: DataType): string {
  if (typeof value !== 'number') return String(value)
  return from !== 'integer' && Number.isInteger(value) && Math.abs(value) < 1e7 ? `${value}.0` : String(value)
}

/** The type of a result of arithmetic. */
export function commonType(left: DataType, right: DataType): DataType {
  if (left === right) return left
  if (left === 'string' || right === 'string') return 'string'
  if (left === 'boolean') return right
  if (right === 'boolean') return left
  return left === 'double' || right === 'double' ? 'double' : 'float'
}

/** One text for each class, however a document writes its number (`1`, `1.0`). */
export function labelOf(text: string, type: DataType): string {
  const value = parseValue(text, type)
  return value === undefined ? text : String(value)
}
