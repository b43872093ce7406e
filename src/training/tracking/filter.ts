/**
 * The language of MLflow's searches: comparisons joined by AND, and keys to order by. The grammar is that of
 * https://mlflow.org/docs/latest/search-runs, read by hand: no part of it ever reaches the database as text.
 */
import { invalid, shown } from './fields.ts'

export type EntityKind = 'metric' | 'param' | 'tag' | 'attribute' | 'dataset'
export type Operator =
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'LIKE'
  | 'ILIKE'
  | 'IN'
  | 'NOT IN'
  | 'IS NULL'
  | 'IS NOT NULL'

export interface Entity {
  readonly kind: EntityKind
  readonly key: string
}

export interface Condition extends Entity {
  readonly operator: Operator
  /** Texts of IN; nothing of IS NULL. */
  readonly value: string | number | readonly (string | number)[] | undefined
}

export interface Order extends Entity {
  readonly isDescending: boolean
}

const KINDS: Readonly<Record<string, EntityKind>> = {
  metric: 'metric',
  metrics: 'metric',
  param: 'param',
  params: 'param',
  parameter: 'param',
  parameters: 'param',
  tag: 'tag',
  tags: 'tag',
  attribute: 'attribute',
  attributes: 'attribute',
  attr: 'attribute',
  run: 'attribute',
  dataset: 'dataset',
  datasets: 'dataset',
}

interface Token {
  readonly kind: 'entity' | 'text' | 'number' | 'operator' | 'mark'
  readonly text: string
  /** Of an entity, the part before the dot. */
  readonly prefix?: string
}

const FILTER_CHARACTERS_MAX = 100_000
const CONDITIONS_MAX = 100
const BLANK = /\s+/y
const NUMBER = /[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])/y
const TEXT = /'((?:[^']|'')*)'/y
const QUOTED = /"([^"]*)"|`([^`]*)`/y
const OPERATOR = /!=|<=|>=|=|<|>/y
const MARK = /[(),]/y
const WORD = /[^\s=<>!(),'"`.]+/y
const KEY = /\.(?:"([^"]*)"|`([^`]*)`|([^\s=<>!(),'"`]+))/y

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

function tokens(text: string): readonly Token[] {
  if (text.length > FILTER_CHARACTERS_MAX)
    throw invalid(`Cannot read the filter: ${text.length} characters, at most ${FILTER_CHARACTERS_MAX} were wanted`)
  const found: Token[] = []
  for (let at = 0; at < text.length; ) {
    const blank = match(BLANK, text, at)
    if (blank !== null) {
      at += blank[0].length
      continue
    }
    const { token, length } = tokenAt(text, at)
    found.push(token)
    at += length
  }
  return found
}

function tokenAt(text: string, at: number): { readonly token: Token; readonly length: number } {
  let read = match(NUMBER, text, at)
  if (read !== null) return { token: { kind: 'number', text: read[0] }, length: read[0].length }
  read = match(TEXT, text, at)
  if (read !== null) return { token: { kind: 'text', text: read[1]!.replaceAll("''", "'") }, length: read[0].length }
  read = match(OPERATOR, text, at)
  if (read !== null) return { token: { kind: 'operator', text: read[0] }, length: read[0].length }
  read = match(MARK, text, at)
  if (read !== null) return { token: { kind: 'mark', text: read[0] }, length: read[0].length }
  read = match(QUOTED, text, at) ?? match(WORD, text, at)
  if (read === null) throw invalid(`Cannot read the filter at ${shown(text.slice(at, at + 40))}`)
  const word = read[1] ?? read[2] ?? read[0]
  const key = match(KEY, text, at + read[0].length)
  if (key === null) return { token: { kind: 'entity', text: word }, length: read[0].length }
  const name = key[1] ?? key[2] ?? key[3]!
  return { token: { kind: 'entity', prefix: word, text: name }, length: read[0].length + key[0].length }
}

function entityOf(token: Token | undefined): Entity {
  if (token?.kind !== 'entity' || token.text === '')
    throw invalid(`Cannot read the filter: found ${shown(token?.text ?? '')}, wanted a name such as metrics.accuracy`)
  if (token.prefix === undefined) return { kind: 'attribute', key: token.text }
  const kind = KINDS[token.prefix.toLowerCase()]
  if (kind === undefined)
    throw invalid(
      `Cannot read the filter: found the type ${shown(token.prefix)}, wanted metrics, params, tags, attributes or datasets`,
    )
  return { kind, key: token.text }
}

/** @throws Problem `invalid`. */
export function parseFilter(text: string | undefined): readonly Condition[] {
  if (text === undefined || text.trim() === '') return []
  const all = tokens(text)
  const conditions: Condition[] = []
  for (let at = 0; ; ) {
    const { condition, next } = conditionAt(all, at)
    conditions.push(condition)
    if (conditions.length > CONDITIONS_MAX)
      throw invalid(`Cannot search: more than ${CONDITIONS_MAX} conditions were given`)
    if (next === all.length) return conditions
    if (!isWord(all[next], 'AND'))
      throw invalid(`Cannot read the filter: found ${shown(all[next]!.text)} after a comparison, wanted AND or its end`)
    at = next + 1
  }
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'entity' && token.prefix === undefined && token.text.toUpperCase() === word
}

function conditionAt(all: readonly Token[], at: number): { readonly condition: Condition; readonly next: number } {
  const entity = entityOf(all[at])
  const second = all[at + 1]
  if (isWord(second, 'IS')) {
    const isNot = isWord(all[at + 2], 'NOT')
    const end = at + (isNot ? 3 : 2)
    if (!isWord(all[end], 'NULL')) throw invalid('Cannot read the filter: wanted NULL or NOT NULL after IS')
    const operator = isNot ? 'IS NOT NULL' : 'IS NULL'
    return { condition: { ...entity, operator, value: undefined }, next: end + 1 }
  }
  const isNot = isWord(second, 'NOT')
  if (isNot || isWord(second, 'IN')) {
    const start = at + (isNot ? 2 : 1)
    if (!isWord(all[start], 'IN')) throw invalid('Cannot read the filter: wanted IN after NOT')
    const { values, next } = listAt(all, start + 1)
    return { condition: { ...entity, operator: isNot ? 'NOT IN' : 'IN', value: values }, next }
  }
  return { condition: { ...entity, operator: operatorOf(second), value: literalOf(all[at + 2]) }, next: at + 3 }
}

function operatorOf(token: Token | undefined): Operator {
  if (token?.kind === 'operator') return token.text as Operator
  if (isWord(token, 'LIKE')) return 'LIKE'
  if (isWord(token, 'ILIKE')) return 'ILIKE'
  throw invalid(
    `Cannot read the filter: found ${shown(token?.text ?? 'its end')}, wanted a comparison such as = or LIKE`,
  )
}

function literalOf(token: Token | undefined): string | number {
  if (token?.kind === 'number') return Number(token.text)
  if (token?.kind === 'text') return token.text
  // A text in double quotes is one too, where a value stands.
  if (token?.kind === 'entity' && token.prefix === undefined) return wordValue(token)
  throw invalid(`Cannot read the filter: found ${shown(token?.text ?? 'its end')}, wanted a number or a text in quotes`)
}

function wordValue({ text }: Token): string | number {
  if (/^[-+]?(?:inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Number.MAX_VALUE : Number.MAX_VALUE
  return text
}

function listAt(
  all: readonly Token[],
  at: number,
): { readonly values: readonly (string | number)[]; readonly next: number } {
  const values: (string | number)[] = []
  const isMark = (token: Token | undefined, mark: string): boolean => token?.kind === 'mark' && token.text === mark
  if (!isMark(all[at], '(')) throw invalid('Cannot read the filter: wanted a list in parentheses after IN')
  for (let next = at + 1; ; next += 2) {
    values.push(literalOf(all[next]))
    if (isMark(all[next + 1], ')')) return { values, next: next + 2 }
    if (!isMark(all[next + 1], ',')) throw invalid('Cannot read the filter: wanted a comma or ) in the list after IN')
  }
}

/** One key to order by: `metrics.accuracy DESC`. */
export function parseOrder(text: string): Order {
  const all = [...tokens(text)]
  const last = all.at(-1)
  const isDescending = all.length > 1 && isWord(last, 'DESC')
  if (isDescending || (all.length > 1 && isWord(last, 'ASC'))) all.pop()
  if (all.length !== 1)
    throw invalid(`Cannot order by ${shown(text)}: wanted a name such as metrics.accuracy, then ASC or DESC`)
  return { ...entityOf(all[0]), isDescending }
}
