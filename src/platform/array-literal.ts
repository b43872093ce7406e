import type { SqlValue } from './parameters.ts'

/**
 * An array as PostgreSQL reads it in a text (PostgreSQL, "Array Value Input"). The client library would look into each element
 * three times; many are sent at once, and mostly the same text again and again.
 */
export function arrayLiteral(values: readonly SqlValue[]): string {
  let literal = ''
  let latest: string | undefined
  let quoted = ''
  for (const value of values) {
    literal += literal === '' ? '{' : ','
    if (typeof value === 'string') {
      if (value !== latest) {
        quoted = quotedElement(value)
        latest = value
      }
      literal += quoted
    } else if (value === null) literal += 'NULL'
    else if (typeof value === 'object') literal += `"\\\\x${Buffer.from(value).toString('hex')}"`
    else literal += value
  }
  return literal === '' ? '{}' : `${literal}}`
}

const ESCAPED = /["\\]/

function quotedElement(text: string): string {
  return ESCAPED.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`
}
