/** Finds the exact reason why a text is not the JSON that `readJson` takes. Slow and only for texts already refused. */
import { type FieldProblem, Problem } from '../errors.ts'

const FAULTS_MAX = 100
const NAME_CHARACTERS_MAX = 64

/** What people write for JSON's words, and what to tell them. */
const FOREIGN_WORDS: readonly (readonly [word: string, advice: string])[] = [
  ['-Infinity', 'is not a JSON number, and a model takes finite numbers only'],
  ['Infinity', 'is not a JSON number, and a model takes finite numbers only'],
  ['-inf', 'is not a JSON number, and a model takes finite numbers only'],
  ['inf', 'is not a JSON number, and a model takes finite numbers only'],
  ['NaN', 'is not JSON: send null for a missing value'],
  ['nan', 'is not JSON: send null for a missing value'],
  ['undefined', 'is not JSON: send null for a missing value'],
  ['None', 'is not JSON: send null for a missing value'],
  ['True', 'is not JSON: write true'],
  ['False', 'is not JSON: write false'],
  ["'", 'is not a JSON quotation mark: write "'],
  ['//', 'starts a comment, which JSON does not have'],
  ['/*', 'starts a comment, which JSON does not have'],
  ['\ufeff', 'is a byte order mark, which JSON does not have'],
]

interface Reading {
  readonly text: string
  at: number
  /** `age`, `[3].age`; empty at the top. */
  path: string
  readonly faults: (FieldProblem & { readonly code: 'malformed' | 'invalid' })[]
}

/** Where the text stops being JSON. */
class SyntaxFault extends Error {
  readonly at: number
  readonly path: string

  constructor(reading: Reading, found: string) {
    super(found)
    this.at = reading.at
    this.path = reading.path
  }
}

/** The problem with a text that `readJson` refuses: its first error of syntax, or every field that breaks a rule. */
export function jsonFault(text: string): Problem {
  const reading: Reading = { text, at: 0, path: '', faults: [] }
  try {
    readValue(reading)
    skipSpace(reading)
    if (reading.at < text.length) throw new SyntaxFault(reading, `${seen(reading)} comes after the end of the value`)
  } catch (error) {
    if (error instanceof SyntaxFault) return syntaxProblem(text, error)
    throw error
  }
  const { faults } = reading
  const first = faults[0]
  if (first === undefined) return new Problem('malformed', 'Cannot read the body: it is not JSON')
  const code = faults.some(fault => fault.code === 'malformed') ? 'malformed' : 'invalid'
  const where = first.field === '' ? '' : `${first.field} `
  const more = faults.length === 1 ? '' : `, and ${faults.length - 1} more`
  const fields = faults.map(({ field, problem }) => ({ field, problem }))
  return new Problem(code, `Cannot read the body: ${where}${first.problem}${more}`, { fields })
}

function syntaxProblem(text: string, fault: SyntaxFault): Problem {
  if (text.trim() === '') return new Problem('malformed', 'Cannot read the body: it is empty, JSON was wanted')
  const before = text.slice(0, fault.at)
  const line = before.split('\n').length
  const column = fault.at - before.lastIndexOf('\n')
  const where = `line ${line}, column ${column}`
  const fields = fault.path === '' ? [] : [{ field: fault.path, problem: `${fault.message}, at ${where}` }]
  return new Problem('malformed', `Cannot read the body: ${fault.message}, at ${where}`, { fields })
}

function readValue(reading: Reading): void {
  skipSpace(reading)
  const character = reading.text[reading.at]
  if (character === '{') readObject(reading)
  else if (character === '[') readArray(reading)
  else if (character === '"') readString(reading, 'value')
  else if (character !== undefined && /[-\d]/.test(character)) readNumber(reading)
  else readWord(reading)
}

function readObject(reading: Reading): void {
  const parent = reading.path
  const names = new Set<string>()
  reading.at++
  skipSpace(reading)
  if (take(reading, '}')) return
  for (;;) {
    skipSpace(reading)
    if (reading.text[reading.at] !== '"') throw new SyntaxFault(reading, `${seen(reading)}, a name in " was wanted`)
    const name = readString(reading, 'name')
    reading.path = parent === '' ? shown(name) : `${parent}.${shown(name)}`
    if (names.has(name)) fault(reading, 'malformed', 'is given more than once')
    names.add(name)
    skipSpace(reading)
    if (!take(reading, ':')) throw new SyntaxFault(reading, `${seen(reading)} after a name, a colon was wanted`)
    readValue(reading)
    reading.path = parent
    skipSpace(reading)
    if (take(reading, '}')) return
    if (!take(reading, ',')) throw new SyntaxFault(reading, `${seen(reading)}, a comma or } was wanted`)
  }
}

function readArray(reading: Reading): void {
  const parent = reading.path
  reading.at++
  skipSpace(reading)
  if (take(reading, ']')) return
  for (let index = 0; ; index++) {
    reading.path = `${parent}[${index}]`
    readValue(reading)
    reading.path = parent
    skipSpace(reading)
    if (take(reading, ']')) return
    if (!take(reading, ',')) throw new SyntaxFault(reading, `${seen(reading)}, a comma or ] was wanted`)
  }
}

/** Reads the string at the position; the escapes are left to `JSON.parse`, which knows them exactly. */
function readString(reading: Reading, what: 'name' | 'value'): string {
  const { text } = reading
  const start = reading.at
  for (reading.at++; ; reading.at++) {
    const code = text.charCodeAt(reading.at)
    if (Number.isNaN(code)) throw new SyntaxFault(reading, 'the text ends within a string')
    if (code === 34) break
    if (code < 32) throw new SyntaxFault(reading, `a control character in a string, written \\u00${hex(code)} in JSON`)
    if (code === 92) readEscape(reading)
  }
  reading.at++
  const value = JSON.parse(text.slice(start, reading.at)) as string
  if (!value.isWellFormed()) fault(reading, 'malformed', `has a ${what} with half of a surrogate pair`)
  return value
}

function readEscape(reading: Reading): void {
  const found = /^\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/.exec(reading.text.slice(reading.at, reading.at + 6))
  if (found === null) throw new SyntaxFault(reading, 'a \\ that starts none of the escapes of JSON')
  reading.at += found[0].length - 1
}

function readNumber(reading: Reading): void {
  const rest = reading.text.slice(reading.at, reading.at + 2000)
  const foreign = foreignWord(rest)
  if (foreign !== undefined) throw new SyntaxFault(reading, foreign)
  const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(rest)?.[0]
  if (number === undefined || /^[\d.+\-A-Za-z]/.test(rest.slice(number.length))) {
    // Longer than any number that a double can use, or written as other languages do (01, 1., 0x10).
    if (number?.length !== rest.length) throw new SyntaxFault(reading, 'a number that is not written as JSON wants it')
  }
  const whole = /^[\d.eE+-]+/.exec(reading.text.slice(reading.at))![0]
  if (!Number.isFinite(Number(whole))) fault(reading, 'invalid', 'is beyond the numbers a computer can hold (1.8e308)')
  reading.at += whole.length
}

function readWord(reading: Reading): void {
  const rest = reading.text.slice(reading.at, reading.at + 12)
  const word = /^(?:true|false|null)/.exec(rest)?.[0]
  if (word === undefined) throw new SyntaxFault(reading, foreignWord(rest) ?? `${seen(reading)}, a value was wanted`)
  reading.at += word.length
}

function foreignWord(rest: string): string | undefined {
  for (const [word, advice] of FOREIGN_WORDS)
    if (rest.startsWith(word)) return `${word === '\ufeff' ? 'U+FEFF' : word} ${advice}`
  return undefined
}

function skipSpace(reading: Reading): void {
  while (/[ \t\r\n]/.test(reading.text[reading.at] ?? '')) reading.at++
}

function take(reading: Reading, character: string): boolean {
  if (reading.text[reading.at] !== character) return false
  reading.at++
  return true
}

/** What stands at the position: one character, never more, since a body may hold what nobody should read in a log. */
function seen(reading: Reading): string {
  const code = reading.text.codePointAt(reading.at)
  if (code === undefined) return 'the text ends'
  return code > 32 && code < 127 ? `found ${String.fromCodePoint(code)}` : `found U+${hex(code).padStart(4, '0')}`
}

function fault(reading: Reading, code: 'malformed' | 'invalid', problem: string): void {
  if (reading.faults.length < FAULTS_MAX) reading.faults.push({ field: reading.path, problem, code })
}

function shown(name: string): string {
  const whole = name.toWellFormed()
  return whole.length <= NAME_CHARACTERS_MAX ? whole : `${whole.slice(0, NAME_CHARACTERS_MAX)}…`
}

function hex(code: number): string {
  return code.toString(16).toUpperCase().padStart(2, '0')
}
