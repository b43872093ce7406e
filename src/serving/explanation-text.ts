/**
 * The canonical text of a record's `explanation` (RFC 8785), written digit by digit: an answer that is always explained
 * has one, and `JSON.stringify` would take longer than the explanation itself.
 *
 * Contributions are kept to seven significant digits of the largest of their row, which is what float32 knows of a margin.
 * They are rounded one after the other so that the *sums* are right: with `bias`, which is not rounded, the contributions
 * as written give the margin within half a unit of the last digit, however many features there are.
 */
import { canonical, quote } from '../ledger/canonical.ts'

/** What is written where, by column of the predictor and by margin. */
export interface ExplanationShape {
  /** Name of each column. */
  readonly names: readonly string[]
  /** Columns whose contributions are not for everybody. */
  readonly sensitive: readonly boolean[]
  /** Names of the margins, where there are several. */
  readonly margins: readonly string[]
  readonly bias: Float64Array
  /** Named where it is not what the version always does. */
  readonly method?: string
}

/** Values stand as an `Explainer` writes them: margin by margin, and of each, column by column. */
export interface ExplanationWriter {
  /** Without the sensitive columns. Throws `RangeError` for what is not finite. */
  write(values: Float64Array, offset: number): string
  /** With them: not for the ledger. */
  writeAll(values: Float64Array, offset: number): string
  /** The contributions of the sensitive columns alone, an object to be sealed. */
  writeSensitive(values: Float64Array, offset: number): string
}

const DIGITS = 7
/** Beyond these, numbers are written as they are: their scale is none that people use. */
const DECIMALS_MAX = 15
const POWERS: Float64Array = Float64Array.from({ length: DECIMALS_MAX + 1 }, (_, power) => 10 ** power)
/** `-0.` and digits; `-1.2345678901234567e-300`. */
const NUMBER_BYTES_MAX = 25

export function explanationWriter(shape: ExplanationShape): ExplanationWriter {
  const { names, sensitive, margins, bias, method } = shape
  const biasJson = margins.length === 0 ? bias[0] : Object.fromEntries(margins.map((name, at) => [name, bias[at]]))
  const start = `{"bias":${canonical(biasJson)}`
  const end = method === undefined ? '}' : `,"method":${quote(method)}}`
  const writing = (wanted: (column: number) => boolean): ExplanationWriter['write'] => {
    const contributions = contributionsWriter(names, margins, wanted)
    if (contributions === undefined) return () => start + end
    return (values, offset) => `${start},"contributions":${contributions(values, offset)}${end}`
  }
  return {
    write: writing(column => !sensitive[column]),
    writeAll: writing(() => true),
    writeSensitive: contributionsWriter(names, margins, column => sensitive[column] === true) ?? (() => '{}'),
  }
}

/** The text of an explanation with its sealed part: `sealed` is its last member. */
export function withSealed(explanation: string, sealed: string): string {
  return `${explanation.slice(0, -1)},"sealed":"${sealed}"}`
}

/** What the sealed part of a record's explanation is bound to, so that it does not pass for the record's features. */
export function sealedExplanationId(id: string): string {
  return `${id}/explanation`
}

/** A piece of text, and the number that follows it. */
interface Place {
  readonly head: Uint8Array
  readonly margin: number
  readonly index: number
}

function placesOf(names: readonly string[], margins: readonly string[], columns: readonly number[]): Place[] {
  const order = margins.length === 0 ? [0] : [...margins.keys()].sort((a, b) => (margins[a]! < margins[b]! ? -1 : 1))
  return order.flatMap((margin, nth) => {
    const before = margins.length === 0 ? '{' : `${nth === 0 ? '{' : '},'}${quote(margins[margin]!)}:{`
    return columns.map((column, at): Place => {
      const head = `${at === 0 ? before : ','}${quote(names[column]!)}:`
      return { head: new TextEncoder().encode(head), margin, index: margin * names.length + column }
    })
  })
}

/** Undefined where no column is wanted. */
function contributionsWriter(
  names: readonly string[],
  margins: readonly string[],
  wanted: (column: number) => boolean,
): ExplanationWriter['write'] | undefined {
  const columns = [...names.keys()].filter(wanted).sort((a, b) => (names[a]! < names[b]! ? -1 : 1))
  if (columns.length === 0) return undefined
  const width = names.length
  const places = placesOf(names, margins, columns)
  const heads = Buffer.concat(places.map(({ head }) => head))
  // Side by side: a row's places are gone through in one loop over numbers.
  const headEnds = Int32Array.from(sums(places.map(({ head }) => head.length)))
  const marginOf = Int32Array.from(places, ({ margin }) => margin)
  const indexOf = Int32Array.from(places, ({ index }) => index)
  const length = places.reduce((sum, { head }) => sum + head.length + NUMBER_BYTES_MAX, 2)
  const encoding = places.every(({ head }) => head.every(byte => byte < 0x80)) ? 'latin1' : 'utf8'
  const bytes = Buffer.allocUnsafe(length)
  const decimals = new Int32Array(Math.max(1, margins.length))
  const units = new Int32Array(width * decimals.length) // at most 10^7 and one of them
  return (values, offset) => {
    for (let margin = 0; margin < decimals.length; margin++) {
      decimals[margin] = round(values, offset + margin * width, units, margin * width, width)
    }
    let at = 0
    let byte = 0
    for (let place = 0; place < headEnds.length; place++) {
      for (const end = headEnds[place]!; byte < end; byte++) bytes[at++] = heads[byte]!
      const scale = decimals[marginOf[place]!]!
      const index = indexOf[place]!
      at = scale < 0 ? putText(bytes, at, values[offset + index]!) : put(bytes, at, units[index]!, scale)
    }
    bytes[at++] = CLOSING
    if (margins.length > 0) bytes[at++] = CLOSING
    return bytes.toString(encoding, 0, at)
  }
}

function sums(numbers: readonly number[]): number[] {
  let sum = 0
  return numbers.map(number => (sum += number))
}

/** Rounds a row of numbers to whole units, 10^-decimals each, so that also their sums are right; returns the decimals, or −1. */
function round(values: Float64Array, from: number, units: Int32Array, to: number, count: number): number {
  let largest = 0
  for (let at = 0; at < count; at++) {
    const size = Math.abs(values[from + at]!)
    if (!(size < Infinity)) throw new RangeError(`Cannot write a contribution: it is ${values[from + at]}`)
    if (size > largest) largest = size
  }
  const decimals = largest === 0 ? 0 : DIGITS - 1 - Math.floor(Math.log10(largest))
  if (decimals < 0 || decimals > DECIMALS_MAX) return -1
  const power = POWERS[decimals]!
  let sum = 0
  let before = 0
  for (let at = 0; at < count; at++) {
    sum += values[from + at]! * power
    const rounded = Math.round(sum)
    units[to + at] = rounded - before
    before = rounded
  }
  return decimals
}

const ZERO = 48
const MINUS = 45
const POINT = 46
const CLOSING = 125

/** Writes `units` × 10^-`decimals` as ECMAScript does, and returns where it ends. */
function put(bytes: Uint8Array, from: number, units: number, decimals: number): number {
  let at = from
  let left = Math.abs(units)
  let places = decimals
  if (left === 0) {
    bytes[at++] = ZERO
    return at
  }
  // ECMAScript writes what is smaller than a millionth with an exponent.
  if (left * 1e6 < POWERS[decimals]!) return putText(bytes, at, units / POWERS[decimals]!)
  while (places > 0 && left % 10 === 0) {
    left = (left / 10) | 0
    places--
  }
  if (units < 0) bytes[at++] = MINUS
  const digits = digitsOf(left)
  const whole = Math.max(1, digits - places)
  const point = at + whole
  let place = places > 0 ? point + 1 + places : point
  const end = place
  while (place > point + 1) {
    const rest = (left / 10) | 0
    bytes[--place] = ZERO + (left - rest * 10)
    left = rest
  }
  if (places > 0) bytes[--place] = POINT
  while (place > at) {
    const rest = (left / 10) | 0
    bytes[--place] = ZERO + (left - rest * 10)
    left = rest
  }
  return end
}

/** Of a whole number up to 10^8. */
function digitsOf(units: number): number {
  if (units < 1e4) return units < 1e2 ? (units < 10 ? 1 : 2) : units < 1e3 ? 3 : 4
  if (units < 1e6) return units < 1e5 ? 5 : 6
  return units < 1e7 ? 7 : 8
}

function putText(bytes: Uint8Array, from: number, value: number): number {
  const text = `${value}`
  for (let at = 0; at < text.length; at++) bytes[from + at] = text.charCodeAt(at)
  return from + text.length
}
