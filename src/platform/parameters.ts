/** What may be bound to a statement. Both databases take the same, so that what works on one works on the other. */
import { Problem } from '../errors.ts'

export type SqlValue = null | number | bigint | string | Uint8Array

/** The values of one column of many rows, as one parameter: see `insert-many.ts`. */
export class Column {
  readonly values: readonly SqlValue[]

  constructor(values: readonly unknown[]) {
    this.values = values.map(sqlValue)
  }
}

/**
 * A parameter as either database stores it. Refused are a NUL in a text (PostgreSQL cannot store it), half a surrogate pair
 * (no UTF-8 can), booleans, dates and objects (each database would store them otherwise).
 */
export function sqlValue(value: unknown): SqlValue {
  switch (typeof value) {
    case 'string':
      if (value.includes('\0')) throw new Problem('invalid', 'Cannot store a text: it has a NUL character (U+0000)')
      if (!value.isWellFormed()) throw new Problem('invalid', 'Cannot store a text: it has half a surrogate pair')
      return value
    case 'number':
    case 'bigint':
      return value
    case 'undefined':
      return null
    default:
      if (value === null || value instanceof Uint8Array) return value
      throw new TypeError(`Cannot bind ${described(value)}: wanted a number, bigint, text, bytes or null`)
  }
}

function described(value: unknown): string {
  return typeof value === 'object' ? `an object (${value?.constructor?.name ?? 'no prototype'})` : `a ${typeof value}`
}
