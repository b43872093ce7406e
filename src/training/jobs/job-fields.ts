/** Reads fields of a document one by one, and notes what is wrong with each instead of stopping at the first. */
import type { FieldProblem } from '../../errors.ts'

type Given = Readonly<Record<string, unknown>>

const TEXTS_MAX = 1_000
const CHARACTERS_MAX = 10_000

export function objectOf(from: Given, key: string, wrong: FieldProblem[], at: string = ''): Given {
  const value = from[key]
  if (value === undefined || value === null) return {}
  if (typeof value === 'object' && !Array.isArray(value)) return value as Given
  wrong.push({ field: `${at}${key}`, problem: 'wanted names with values' })
  return {}
}

export function unknownKeys(from: Given, at: string, known: readonly string[], wrong: FieldProblem[]): void {
  for (const key of Object.keys(from)) {
    if (!known.includes(key)) wrong.push({ field: `${at}${key}`, problem: `is not known, wanted ${known.join(', ')}` })
  }
}

export function textOf(from: Given, key: string, wrong: FieldProblem[], at: string = ''): string | undefined {
  const value = from[key]
  if (value === undefined) return undefined
  if (isText(value)) return value
  wrong.push({ field: `${at}${key}`, problem: 'wanted a text' })
  return undefined
}

export function nameOf(from: Given, key: string, pattern: RegExp, wrong: FieldProblem[]): string | undefined {
  const value = from[key]
  if (typeof value === 'string' && pattern.test(value)) return value
  const problem = 'wanted letters, digits and . _ - (100 at most), a letter or digit first'
  wrong.push({ field: key, problem: value === undefined ? `is missing, ${problem}` : problem })
  return undefined
}

export function textsOf(from: Given, key: string, at: string, wrong: FieldProblem[]): readonly string[] {
  const value = from[key]
  if (value === undefined) return []
  if (Array.isArray(value) && value.length <= TEXTS_MAX && value.every(isText)) return value
  wrong.push({ field: `${at}${key}`, problem: `wanted a list of texts, ${TEXTS_MAX} at most` })
  return []
}

export function numberOf(
  from: Given,
  key: string,
  { least, most, isWhole }: { readonly least: number; readonly most: number; readonly isWhole: boolean },
  wrong: FieldProblem[],
  at: string = '',
): number | undefined {
  const value = from[key]
  if (value === undefined) return undefined
  const isNumber = typeof value === 'number' && value >= least && value <= most
  if (isNumber && (!isWhole || Number.isInteger(value))) return value
  const kind = isWhole ? 'whole number' : 'number'
  wrong.push({
    field: `${at}${key}`,
    problem: `is ${JSON.stringify(value)}, wanted a ${kind} from ${least} to ${most}`,
  })
  return undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= CHARACTERS_MAX && !value.includes('\0')
}
