/**
 * JSON as a server should read it (RFC 8259 with the care of RFC 7493, I-JSON): a name given twice, a number beyond the
 * doubles and half a surrogate pair are refused instead of quietly becoming something else.
 *
 * `JSON.parse` does the work. What it forgives shows in a count: a text with as many colons outside its strings as the
 * parsed value has members lost none of them. Only where that fails does the slow reader look for the exact reason.
 */
import { Problem } from '../errors.ts'
import { jsonFault } from './json-fault.ts'

/** Containers within containers. Features are one or two deep; the limit protects everything that walks a value. */
export const DEPTH_MAX = 32

/**
 * Reads a JSON text.
 *
 * @param infinities `refuse` numbers beyond the doubles (1e999), or `leave` them as infinities to a reader that looks
 *   at every number anyway and can then name them beside whatever else is wrong.
 * @throws Problem `malformed` (with the position or the fields), or `invalid` for a number beyond the doubles.
 */
export function readJson(text: string, infinities: 'refuse' | 'leave' = 'refuse'): unknown {
  const found = survey(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw jsonFault(text)
  }
  // Without an escape, a text can hold half a surrogate pair only where it was broken before it was JSON.
  const escapes = found < 0 || !text.isWellFormed()
  const members = found < 0 ? -1 - found : found
  if (keptMembers(value, infinities === 'refuse', escapes) !== members) throw jsonFault(text)
  return value
}

/**
 * Looks at each character once, before anything is built from them: refuses depth, and counts the colons outside
 * strings, which in valid JSON is the number of members. A negative result, −1 − members, says that strings hold escapes.
 */
function survey(text: string): number {
  const length = text.length
  let members = 0
  let depth = 0
  let escapes = false
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code === 34 /* " */) {
      for (at++; at < length; at++) {
        const inside = text.charCodeAt(at)
        if (inside === 34) break
        if (inside === 92 /* \ */) {
          escapes = true
          at++
        }
      }
    } else if (code === 58 /* : */) {
      members++
    } else if ((code | 32) === 123 /* { [ */) {
      if (++depth > DEPTH_MAX) throw tooDeep(at)
    } else if ((code | 32) === 125 /* } ] */) {
      depth--
    }
  }
  return escapes ? -1 - members : members
}

function tooDeep(at: number): Problem {
  return new Problem(
    'malformed',
    `Cannot read the body: values are nested more than ${DEPTH_MAX} deep at character ${at + 1}, fewer were wanted`,
  )
}

/** How many members a parsed value has, at all depths; NaN where it holds something that is to be refused. */
function keptMembers(value: unknown, finite: boolean, wellFormed: boolean): number {
  if (typeof value === 'number') return finite && !Number.isFinite(value) ? Number.NaN : 0
  if (typeof value === 'string') return wellFormed && !value.isWellFormed() ? Number.NaN : 0
  if (typeof value !== 'object' || value === null) return 0
  const all = finite || wellFormed
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value) {
      if (all || typeof item === 'object') members += keptMembers(item, finite, wellFormed)
    }
    return members
  }
  // Parsed objects inherit nothing enumerable, and `__proto__` is a member like any other in them.
  for (const name in value) {
    const item = (value as Record<string, unknown>)[name]
    members++
    if (all || typeof item === 'object') members += keptMembers(item, finite, wellFormed)
    if (wellFormed && !name.isWellFormed()) return Number.NaN
  }
  return members
}
