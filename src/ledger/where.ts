/**
 * Conditions on what a prediction's record has inside: `contribution.balance > 0.1 and feature.age < 30`, or with the name
 * by itself, `feature = balance and contribution > 0.1`. All of them must hold; what a record does not have holds nothing.
 */
import { Problem } from '../errors.ts'
import { quote } from './canonical.ts'
import type { Scalar } from './record.ts'
import type { Column } from './schema.ts'
import { identifier, literal } from './sql-text.ts'

const SUBJECTS = ['contribution', 'feature', 'output'] as const
const COMPARISONS = ['<=', '>=', '!=', '=', '<', '>'] as const

export interface ValueCondition {
  /** Of several margins, a contribution to any of them. */
  readonly of: (typeof SUBJECTS)[number]
  readonly name: string
  readonly is: (typeof COMPARISONS)[number]
  /** Numbers are compared with numbers, texts with texts, and truths with truths. */
  readonly value: Scalar
}

const CONDITIONS_MAX = 20
const LENGTH_MAX = 4_000
/** A text in quotes (a quote in it is written twice), a comparison, or a word up to a blank or a comparison. */
const TOKEN = /\s*(?:"((?:[^"]|"")*)"|'((?:[^']|'')*)'|(<=|>=|!=|=|<|>)|([^\s<>=!"']+))/y

interface Token {
  readonly text: string
  readonly kind: 'quoted' | 'comparison' | 'word'
}

/** Throws `invalid`, saying where the text cannot be understood. */
export function parseWhere(text: string): ValueCondition[] {
  if (text.length > LENGTH_MAX) throw fault(`it has ${text.length} characters, wanted at most ${LENGTH_MAX}`)
  const parts = splitAtAnd(tokensOf(text))
  if (parts.length > CONDITIONS_MAX) throw fault(`it has ${parts.length} conditions, wanted at most ${CONDITIONS_MAX}`)
  let name: string | undefined
  const conditions: ValueCondition[] = []
  for (const part of parts) {
    const named = nameOf(part)
    if (named !== undefined) name = named
    else conditions.push(conditionOf(part, name))
  }
  if (conditions.length === 0) throw fault('it names a feature, and no contribution of it')
  return conditions
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  const end = text.trimEnd().length
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex
    const found = TOKEN.exec(text)
    if (found === null) throw fault(`"${text.slice(from, from + 20).trim()}" cannot be read`)
    const [, double, single, comparison, word] = found
    if (comparison !== undefined) tokens.push({ text: comparison, kind: 'comparison' })
    else if (word !== undefined) tokens.push({ text: word, kind: 'word' })
    else tokens.push({ text: double?.replaceAll('""', '"') ?? single!.replaceAll("''", "'"), kind: 'quoted' })
  }
  return tokens
}

function splitAtAnd(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]]
  for (const token of tokens) {
    if (token.kind === 'word' && token.text.toLowerCase() === 'and') parts.push([])
    else parts.at(-1)!.push(token)
  }
  return parts
}

/** `feature = balance`: of which feature the contributions are meant that are named next. */
function nameOf([subject, comparison, value, ...more]: readonly Token[]): string | undefined {
  const isName = subject?.kind === 'word' && subject.text === 'feature' && comparison?.text === '='
  return isName && value !== undefined && more.length === 0 ? value.text : undefined
}

function conditionOf(part: readonly Token[], feature: string | undefined): ValueCondition {
  const at = part.findIndex(({ kind }) => kind === 'comparison')
  const value = part[at + 1]
  const shown = part.map(({ text }) => text).join(' ')
  if (at < 1 || value === undefined || part.length !== at + 2) {
    throw fault(`"${shown}" is no condition, wanted one such as contribution.balance > 0.1`)
  }
  const [first, ...rest] = part.slice(0, at)
  const [of, ...inner] = first!.text.split('.')
  const subject = SUBJECTS.find(known => known === of)
  // A name with blanks is quoted after the point: contribution."has card".
  const name =
    [inner.join('.'), ...rest.map(({ text }) => text)].join('') || (of === 'contribution' ? feature : undefined)
  if (subject === undefined || name === undefined || name === '') {
    throw fault(`"${shown}" is about ${first!.text}, wanted contribution.NAME, feature.NAME or output.NAME`)
  }
  const is = part[at]!.text as ValueCondition['is']
  const wanted = scalarOf(value)
  if (typeof wanted !== 'number' && (subject === 'contribution' || (is !== '=' && is !== '!='))) {
    throw fault(`"${shown}" compares with ${JSON.stringify(wanted)}, wanted a number`)
  }
  return { of: subject, name, is, value: wanted }
}

function scalarOf({ text, kind }: Token): Scalar {
  if (kind === 'quoted') return text
  if (text === 'true' || text === 'false') return text === 'true'
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text
}

function fault(found: string): Problem {
  return new Problem('invalid', `Cannot query the ledger: where: ${found}`, {
    fields: [{ field: 'where', problem: found }],
  })
}

type Members = Readonly<Record<string, unknown>>

export function holds(record: Members, { of, name, is, value }: ValueCondition): boolean {
  const found = of === 'contribution' ? contributionsTo(record, name) : [member(member(record, `${of}s`), name)]
  return found.some(one => typeof one === typeof value && compare(one as Scalar, is, value))
}

function contributionsTo(record: Members, name: string): unknown[] {
  const contributions = member(member(record, 'explanation'), 'contributions')
  if (typeof contributions !== 'object' || contributions === null) return []
  return [member(contributions, name), ...Object.values(contributions).map(inner => member(inner, name))]
}

function member(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null && Object.hasOwn(of, name) ? (of as Members)[name] : undefined
}

function compare(found: Scalar, is: ValueCondition['is'], wanted: Scalar): boolean {
  switch (is) {
    case '=':
      return found === wanted
    case '!=':
      return found !== wanted
    case '<':
      return found < wanted
    case '<=':
      return found <= wanted
    case '>':
      return found > wanted
    case '>=':
      return found >= wanted
  }
}

/** A text that is in each canonical line where the condition holds. */
export function needleOf({ name }: ValueCondition): string {
  return `${quote(name)}:`
}

/** The condition on a file's columns; undefined where it has none of them, and so no match. */
export function sqlOf({ of, name, is, value }: ValueCondition, columns: readonly Column[]): string | undefined {
  const type = typeof value === 'string' ? 'text' : typeof value
  const found = columns.filter(column => column.type === type && isOf(column.path, of, name))
  if (found.length === 0) return undefined
  const wanted =
    typeof value === 'string' ? literal(value) : typeof value === 'number' ? `${value}::DOUBLE` : `${value}`
  return `(${found.map(column => `${identifier(column.name)} ${is} ${wanted}`).join(' OR ')})`
}

function isOf(path: readonly string[], of: ValueCondition['of'], name: string): boolean {
  if (of !== 'contribution') return path.length === 2 && path[0] === `${of}s` && path[1] === name
  return path[0] === 'explanation' && path[1] === 'contributions' && path.length > 2 && path.at(-1) === name
}
