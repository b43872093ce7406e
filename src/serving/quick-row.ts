/**
 * Reads the body that callers nearly always send — one object, the features in the signature's order, plain numbers,
 * words and texts — from its bytes straight into a row, in a quarter of the time that `JSON.parse` and a walk over
 * its result take. Whatever looks any different is left to the careful reader: this one decides nothing, it only agrees.
 */

type Value = number | boolean | string | null

/** Puts the value of an input into a row; false where it is not right for it. */
export type Encode = (input: number, value: Value, values: Float64Array, offset: number) => boolean

/** Reads a body into a row. False: not a body for this reader, and the row may hold anything. */
export type QuickRow = (body: Uint8Array, values: Float64Array, offset: number) => boolean

/** Bytes of the longest body for this reader. */
const LENGTH_MAX = 8_192
/** Browsers have no `Buffer`. A signature comes there in an edge bundle, which is handed rows and reads no bodies. */
const HAS_BUFFER = typeof Buffer === 'function'
/** The body that is read, always in the same place: what is known where it lies is read faster. Nobody else runs meanwhile. */
const bytes: Buffer = HAS_BUFFER ? Buffer.alloc(LENGTH_MAX + 1) : (new Uint8Array(0) as Buffer)
/** What stands in a text where bytes were not UTF-8. */
const REPLACEMENT = '\ufffd'
/** Where the reading is. */
let at = 0

/** Digits that are exact in a double whatever they are: 10^15 < 2^53. */
const DIGITS_MAX = 15

/**
 * Powers of ten that doubles hold exactly: the quotient of two exact doubles is the double nearest to the decimal (W. D.
 * Clinger, How to read floating point numbers accurately, 1990).
 */
const POWERS: Float64Array = Float64Array.from({ length: DIGITS_MAX + 1 }, (_, power) => 10 ** power)

/** Names are expected as `JSON.stringify` writes them, and in this order. */
export function quickRow(names: readonly string[], encode: Encode): QuickRow {
  if (!HAS_BUFFER) return () => false
  const quoted = names.map(name => Buffer.from(JSON.stringify(name)))
  const last = names.length - 1
  return (body, values, offset) => {
    const end = body.length
    if (end > LENGTH_MAX || last < 0) return false
    bytes.set(body)
    bytes[end] = 0 // no byte of JSON: whatever reads on stops here
    at = 0
    if (!take(123 /* { */)) return false
    for (let input = 0; input <= last; input++) {
      if (!takeName(quoted[input]!) || !take(58 /* : */)) return false
      const value = readValue()
      if (value === undefined || !encode(input, value, values, offset)) return false
      if (!take(input === last ? 125 /* } */ : 44 /* , */)) return false
    }
    skipSpace()
    return at === end
  }
}

function skipSpace(): void {
  for (let code = bytes[at]!; code === 32 || code === 10 || code === 13 || code === 9; code = bytes[at]!) at++
}

function take(wanted: number): boolean {
  skipSpace()
  return bytes[at++] === wanted
}

function takeName(quoted: Uint8Array): boolean {
  skipSpace()
  for (let index = 0; index < quoted.length; index++) {
    if (bytes[at + index] !== quoted[index]) return false
  }
  at += quoted.length
  return true
}

/** A plain value, or `undefined` for one that wants the careful reader: an escape, an exponent, many digits, a container. */
function readValue(): Value | undefined {
  skipSpace()
  const code = bytes[at]!
  if (code === 45 /* - */ || (code >= 48 && code <= 57)) return readNumber()
  if (code === 34 /* " */) return readText()
  if (code === 116 /* t */) return takeName(TRUE) ? true : undefined
  if (code === 102 /* f */) return takeName(FALSE) ? false : undefined
  return code === 110 /* n */ && takeName(NULL) ? null : undefined
}

const TRUE: Uint8Array = new TextEncoder().encode('true')
const FALSE: Uint8Array = new TextEncoder().encode('false')
const NULL: Uint8Array = new TextEncoder().encode('null')

function readNumber(): number | undefined {
  let here = at
  const isNegative = bytes[here] === 45
  if (isNegative) here++
  const first = here
  let digits = 0
  let code = bytes[here]!
  for (; code >= 48 && code <= 57; code = bytes[++here]!) digits = digits * 10 + code - 48
  const whole = here - first
  if (whole === 0 || (whole > 1 && bytes[first] === 48)) return undefined
  let fraction = 0
  if (code === 46 /* . */) {
    for (code = bytes[++here]!; code >= 48 && code <= 57; code = bytes[++here]!) {
      digits = digits * 10 + code - 48
      fraction++
    }
    if (fraction === 0) return undefined
  }
  if (whole + fraction > DIGITS_MAX || (code | 32) === 101 /* e */) return undefined
  at = here
  const value = fraction === 0 ? digits : digits / POWERS[fraction]!
  return isNegative ? -value : value
}

function readText(): string | undefined {
  const start = at + 1
  let here = start
  for (let code = bytes[here]!; code !== 34; code = bytes[++here]!) {
    if (code < 32 || code === 92 /* \ */) return undefined
  }
  at = here + 1
  const text = bytes.toString('utf8', start, here)
  return text.includes(REPLACEMENT) ? undefined : text
}
