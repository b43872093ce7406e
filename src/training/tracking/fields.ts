/** Reads the fields of a message: as Protocol Buffers' JSON allows, whole numbers may come as texts, lists as one value. */
import { Problem } from '../../errors.ts'

export type Message = Readonly<Record<string, unknown>>

export function invalid(message: string): Problem {
  return new Problem('invalid', message)
}

export function missing(what: string): Problem {
  return new Problem('not_found', `Cannot find ${what}: it is not there`)
}

/** A value in an error message: enough to find it. */
export function shown(value: unknown): string {
  const text = String(typeof value === 'string' ? value : JSON.stringify(value))
  return text.length <= 100 ? `'${text}'` : `'${text.slice(0, 100).toWellFormed()}…'`
}

export function optionalText(from: Message, name: string, charactersMax: number = 1_000_000): string | undefined {
  const value = from[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw invalid(`Cannot use parameter '${name}': found ${shown(value)}, wanted a text`)
  if (value.length > charactersMax)
    throw invalid(`Cannot use parameter '${name}': ${value.length} characters, at most ${charactersMax} were wanted`)
  return value
}

/** A text that is there; it may be empty only where `mayBeEmpty`. */
export function text(from: Message, name: string, charactersMax?: number, mayBeEmpty: boolean = false): string {
  const value = optionalText(from, name, charactersMax)
  if (value === undefined || (value === '' && !mayBeEmpty))
    throw invalid(`Cannot go on: the value of required parameter '${name}' is missing`)
  return value
}

export function optionalWhole(from: Message, name: string): number | undefined {
  const value = from[name]
  if (value === undefined || value === null || value === '') return undefined
  const number = typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number))
    throw invalid(`Cannot use parameter '${name}': found ${shown(value)}, wanted a whole number up to 2^53`)
  return number + 0
}

export function whole(from: Message, name: string): number {
  const value = optionalWhole(from, name)
  if (value === undefined) throw invalid(`Cannot go on: the value of required parameter '${name}' is missing`)
  return value
}

/** A number of any kind, those that are not finite as `NaN`, `Infinity` and `-Infinity`. */
export function real(from: Message, name: string): number {
  const value = from[name]
  if (typeof value === 'number') return value
  if (typeof value === 'string') {
    const number = /^-?inf(?:inity)?$/i.test(value) ? (value.startsWith('-') ? -Infinity : Infinity) : Number(value)
    if (value.trim() !== '' && (!Number.isNaN(number) || /^nan$/i.test(value))) return number
  }
  throw invalid(`Cannot use parameter '${name}': found ${shown(value)}, wanted a number`)
}

export function list(from: Message, name: string): readonly unknown[] {
  const value = from[name]
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : [value]
}

export function texts(from: Message, name: string): readonly string[] {
  return list(from, name).map(item => {
    if (typeof item === 'string') return item
    throw invalid(`Cannot use parameter '${name}': found ${shown(item)} in it, wanted texts`)
  })
}

export function messages(from: Message, name: string): readonly Message[] {
  return list(from, name).map(item => {
    if (typeof item === 'object' && item !== null && !Array.isArray(item)) return item as Message
    throw invalid(`Cannot use parameter '${name}': found ${shown(item)} in it, wanted objects`)
  })
}

/** How many are wanted at once, within what is allowed. */
export function pageSize(from: Message, usual: number, most: number): number {
  const size = optionalWhole(from, 'max_results') ?? usual
  if (size >= 1 && size <= most) return size
  throw invalid(`Cannot use parameter 'max_results': found ${size}, wanted 1 to ${most}`)
}

/** Where the next page begins. */
export function pageOffset(from: Message): number {
  const token = optionalText(from, 'page_token')
  if (token === undefined || token === '') return 0
  const offset = Number(/^\{"offset":(\d{1,12})\}$/.exec(Buffer.from(token, 'base64').toString())?.[1])
  if (Number.isSafeInteger(offset)) return offset
  throw invalid(`Cannot use parameter 'page_token': ${shown(token)} is not one that was given out`)
}

/** A page of what was found with one more asked for than wanted. */
export function paged<T>(found: readonly T[], offset: number, size: number): { rows: readonly T[]; next: Message } {
  if (found.length <= size) return { rows: found, next: {} }
  const token = Buffer.from(`{"offset":${offset + size}}`).toString('base64')
  return { rows: found.slice(0, size), next: { next_page_token: token } }
}
