/**
 * Regular expressions that come with a document. A pattern can be written so that a search never ends; the ones let in here
 * repeat single characters or classes only, and at most two of them without bound, so that a search of a short text is short.
 */

const TEXT_MAX = 1000
const PIECE = /^(?:\\[bBdDsSwWtnr.*+?^$|()[\]{}\\/-]|\[(?:[^\\[\]]|\\.)+\]|[^\\[\](){}*+?|]|\(\?:|[()|])/
const COUNT = /^(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})\??/

/** Why a pattern is refused; `undefined` where it is not. */
export function patternFault(pattern: string): string | undefined {
  let rest = pattern
  let unbounded = 0
  while (rest !== '') {
    const piece = PIECE.exec(rest)?.[0]
    if (piece === undefined) return `it has ${JSON.stringify(rest.slice(0, 8))}`
    rest = rest.slice(piece.length)
    const count = COUNT.exec(rest)?.[0]
    if (count === undefined) continue
    if (piece.startsWith('(') || piece === '|') return 'it has a group of a special kind'
    if (piece === ')') return 'it repeats a group'
    if (/^(?:[*+]|\{\d+,\})/.test(count) && ++unbounded > 2) return 'it has more than two repetitions without bound'
    rest = rest.slice(count.length)
  }
  try {
    new RegExp(pattern, 'u')
  } catch {
    return 'it is no regular expression'
  }
  return pattern.length > TEXT_MAX ? 'it is too long' : undefined
}

const compiled = new Map<string, RegExp>()

/** Compiled once; of patterns that were let in, and fresh, since a search with `g` starts where the last one ended. */
export function searchPattern(pattern: string): RegExp {
  let found = compiled.get(pattern)
  if (found === undefined) {
    found = new RegExp(pattern, 'gu')
    if (compiled.size < 1000) compiled.set(pattern, found)
  }
  found.lastIndex = 0
  return found
}
