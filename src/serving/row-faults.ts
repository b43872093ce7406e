/** What is wrong with a row that a compiled signature refused: each field, what came and what was wanted. */
import type { FieldProblem } from '../errors.ts'
import type { Feature } from '../registry/signature.ts'

/**
 * The largest float32. XGBoost and ONNX compare in float32, where a larger number would silently become an infinity
 * (XGBoost itself refuses it).
 */
export const MAGNITUDE_MAX = 3.4028234663852886e38

/** Characters of a caller's text that an error message repeats. */
const TEXT_CHARACTERS_MAX = 40
const CATEGORIES_TOLD_MAX = 12

export interface RowFaults {
  readonly fields: readonly FieldProblem[]
  /** Whether there may be more than these. */
  readonly more: boolean
}

/**
 * Every wrong field of a row. Never repeats the value of a sensitive feature, nor of one it does not know.
 *
 * @param path what stands before the name: `[3]` for the fourth row of a batch.
 * @param room how many problems the caller has room for, at least 1.
 */
export function rowFaults(inputs: readonly Feature[], row: unknown, path: string, room: number): RowFaults {
  const fields: FieldProblem[] = []
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    return { fields: [{ field: path, problem: `is ${kindOf(row)}, an object of features was wanted` }], more: false }
  }
  const prefix = path === '' ? '' : `${path}.`
  const values = row as Readonly<Record<string, unknown>>
  for (const feature of inputs) {
    if (fields.length >= room) return { fields, more: true }
    const problem = Object.hasOwn(values, feature.name)
      ? valueFault(feature, values[feature.name])
      : `is missing, ${wanted(feature)}`
    if (problem !== undefined) fields.push({ field: prefix + feature.name, problem })
  }
  const known = new Set(inputs.map(({ name }) => name))
  const alike = new Map(inputs.map(({ name }) => [likeness(name), name]))
  for (const name of Object.keys(values)) {
    if (known.has(name)) continue
    if (fields.length >= room) return { fields, more: true }
    const meant = alike.get(likeness(name))
    const hint = meant === undefined ? '' : `, did you mean ${meant}`
    fields.push({ field: prefix + shorten(name), problem: `is not a feature of this model${hint}` })
  }
  return { fields, more: false }
}

/** What is wrong with one value, or `undefined`. */
export function valueFault(feature: Feature, value: unknown): string | undefined {
  if (value === null && feature.nullable) return undefined
  const came = typeof value === 'string' ? textFault(feature, value) : scalarFault(feature, value)
  if (came !== undefined) return `is ${came}, ${wanted(feature)}`
  return typeof value === 'string' ? undefined : rangeFault(feature, Number(value))
}

/** What came, where a text is not right. */
function textFault({ type, categories, sensitive }: Feature, value: string): string | undefined {
  if (type !== 'string') return sensitive ? 'a text' : `the text ${shown(value)}`
  if (categories?.includes(value)) return undefined
  return sensitive ? 'a text that is none of the categories' : `the unknown category ${shown(value)}`
}

/** What came, where anything but a text is of the wrong type. */
function scalarFault({ type, sensitive }: Feature, value: unknown): string | undefined {
  if (typeof value === 'boolean' && (type === 'boolean' || type === 'numeric')) return undefined
  if (typeof value !== 'number') return sensitive || typeof value !== 'boolean' ? kindOf(value) : `${value}`
  if (type === 'string') return sensitive ? 'a number' : `the number ${value}`
  if (!Number.isFinite(value)) return 'not a finite number'
  const isWhole = Number.isSafeInteger(value)
  if (type === 'integer' && !isWhole) {
    if (sensitive) return 'not an integer that a double holds exactly'
    return Number.isInteger(value) ? `${value}, beyond 2^53` : `${value}`
  }
  return type === 'boolean' && value !== 0 && value !== 1 ? (sensitive ? 'another number' : `${value}`) : undefined
}

function rangeFault(feature: Feature, value: number): string | undefined {
  const { minimum, maximum, sensitive } = feature
  const came = sensitive ? 'out of range' : `${value}`
  if (value < (minimum ?? -Infinity) || value > (maximum ?? Infinity)) return `is ${came}, ${wanted(feature)}`
  if (Math.abs(value) <= MAGNITUDE_MAX) return undefined
  return `is ${came}, a number within ±3.4e38 was wanted: models compare in 32-bit floating point`
}

function wanted(feature: Feature): string {
  const { type, minimum, maximum, categories, nullable } = feature
  const or = nullable ? ' or null was wanted' : ' was wanted'
  if (type === 'string') return `${oneOf(categories ?? [])}${or}`
  if (type === 'boolean') return `true, false, 0 or 1${nullable ? ', or null,' : ''} was wanted`
  const kind = type === 'integer' ? 'an integer' : type === 'numeric' ? 'a number or a boolean' : 'a number'
  if (minimum !== undefined && maximum !== undefined) return `${kind} from ${minimum} to ${maximum}${or}`
  if (minimum !== undefined) return `${kind} of at least ${minimum}${or}`
  if (maximum !== undefined) return `${kind} of at most ${maximum}${or}`
  return `${kind}${or}`
}

function oneOf(categories: readonly string[]): string {
  const told = categories.slice(0, CATEGORIES_TOLD_MAX).map(shown).join(', ')
  const more = categories.length > CATEGORIES_TOLD_MAX ? ` and ${categories.length - CATEGORIES_TOLD_MAX} others` : ''
  return `one of ${told}${more}`
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'string') return 'a text'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function shown(text: string): string {
  return JSON.stringify(shorten(text))
}

function shorten(text: string): string {
  return text.length <= TEXT_CHARACTERS_MAX ? text : `${text.slice(0, TEXT_CHARACTERS_MAX).toWellFormed()}…`
}

/** Two spellings of one name, as people mix them up: `NumProducts`, `num-products`, `num_products`. */
function likeness(name: string): string {
  return name
    .slice(0, 200)
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '')
}
