/**
 * Rows of a block of CSV (RFC 4180), read from its bytes. A number that is written plainly becomes a double without a text in
 * between: the cells of a large file are nearly all such numbers.
 */
import type { Feature } from '../../registry/signature.ts'
import { cellValue, type ExtraColumn, type ParsedRows, RowsBuilder, reasonOf, type Scorer } from './parsed-rows.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const QUOTE = 0x22
const SPACE = 0x20
const TAB = 0x09

export interface CsvLayout {
  readonly header: readonly string[]
  /** Byte between cells. */
  readonly delimiter: number
}

/** The cells of one row: where each begins and ends, and whether it stands in quotes. */
interface Cells {
  count: number
  starts: Int32Array
  ends: Int32Array
  quoted: Uint8Array
  /** Where the row ends, without its line end; where the next begins. */
  end: number
  next: number
  hasQuotes: boolean
  /** A quote that is not closed, or text beside one. */
  isBroken: boolean
}

/** More than any row of a usable file has. */
const CELLS_MAX = 10_000

function cellsFor(columns: number): Cells {
  const room = Math.min(CELLS_MAX, columns) + 1
  return {
    count: 0,
    starts: new Int32Array(room),
    ends: new Int32Array(room),
    quoted: new Uint8Array(room),
    end: 0,
    next: 0,
    hasQuotes: false,
    isBroken: false,
  }
}

/** Header and delimiter: commas, unless the header has none outside quotes and has semicolons or tabs. */
export function csvLayout(headerLine: Buffer): CsvLayout {
  const bare = headerLine.toString('utf8').replaceAll(/"[^"]*"/g, '')
  const delimiter = ([',', ';', '\t'].find(mark => bare.includes(mark)) ?? ',').charCodeAt(0)
  const cells = cellsFor(CELLS_MAX)
  scanRow(headerLine, 0, delimiter, cells)
  const header = Array.from({ length: Math.min(cells.count, CELLS_MAX) }, (_, cell) => textOf(headerLine, cells, cell))
  return { header, delimiter }
}

/**
 * @param line number of the block's first line in its file.
 * @param extras names of columns that are kept beside the features.
 */
export function csvRows(
  bytes: Buffer,
  line: number,
  { header, delimiter }: CsvLayout,
  scorer: Scorer,
  extras: readonly string[],
): ParsedRows {
  const { inputs, width } = scorer.signature
  const places = Int32Array.from(inputs, ({ name }) => header.indexOf(name))
  const kept = extras.map(name => ({ name, at: header.indexOf(name), values: [] as (string | null)[] }))
  const rows = new RowsBuilder(width, Math.ceil(bytes.length / (header.length * 6)))
  const cells = cellsFor(header.length)
  let at = 0
  let number = line
  while (at < bytes.length) {
    const from = at
    scanRow(bytes, at, delimiter, cells)
    at = cells.next
    if (cells.end > from) {
      const reason = readRow(bytes, cells, header, places, scorer, rows)
      if (reason === undefined) {
        for (const { at: cell, values } of kept) values.push(textOf(bytes, cells, cell))
        rows.add(number, from, cells.end)
      } else rows.fault({ line: number, reason, row: bytes.toString('utf8', from, cells.end) })
    }
    number += linesIn(bytes, from, at, cells)
  }
  return rows.finish(kept.map(({ name, values }): ExtraColumn => ({ name, values })))
}

/** Puts the features of a row into its place; returns what is wrong with it. */
function readRow(
  bytes: Buffer,
  cells: Cells,
  header: readonly string[],
  places: Int32Array,
  scorer: Scorer,
  rows: RowsBuilder,
): string | undefined {
  if (cells.isBroken) return 'has a quote that is not closed, or text beside one'
  if (cells.count !== header.length) return `has ${cells.count} cells, wanted ${header.length} as in the header`
  const { signature } = scorer
  const { values, offset } = rows
  for (let input = 0; input < places.length; input++) {
    const cell = places[input]!
    let value: number | boolean | string | null = Number.NaN
    if (cells.quoted[cell] === 0) value = decimalOf(bytes, cells.starts[cell]!, cells.ends[cell]!)
    const feature = signature.inputs[input]!
    if (Number.isNaN(value) || feature.type === 'string') value = cellValue(feature, textOf(bytes, cells, cell))
    if (!signature.encode(input, value, values, offset)) {
      return reasonOf(scorer, namedValues(bytes, cells, signature.inputs, places))
    }
  }
  return undefined
}

function namedValues(
  bytes: Buffer,
  cells: Cells,
  inputs: readonly Feature[],
  places: Int32Array,
): Record<string, unknown> {
  return Object.fromEntries(
    inputs.map((feature, input) => [feature.name, cellValue(feature, textOf(bytes, cells, places[input]!))]),
  )
}

/** Finds the cells of the row that begins at `from`. Cells beyond the room of `cells` are counted, not kept. */
function scanRow(bytes: Buffer, from: number, delimiter: number, cells: Cells): void {
  cells.isBroken = false
  cells.hasQuotes = false
  cells.count = 0
  let at = from
  for (;;) {
    if (bytes[at] === QUOTE) at = scanQuoted(bytes, at, delimiter, cells)
    else {
      const start = at
      while (at < bytes.length && bytes[at] !== delimiter && bytes[at] !== LINE_FEED) at++
      keep(cells, start, at, 0)
    }
    if (at >= bytes.length || bytes[at] === LINE_FEED) break
    at++
  }
  cells.next = at + 1
  cells.end = at > from && bytes[at - 1] === CARRIAGE_RETURN ? at - 1 : at
  const last = Math.min(cells.count, cells.starts.length) - 1
  if (cells.quoted[last] === 0 && cells.ends[last]! > cells.end) cells.ends[last] = cells.end
}

/** Takes the cell whose quote opens at `open`; returns where it ends: at a delimiter, a line end, or the end. */
function scanQuoted(bytes: Buffer, open: number, delimiter: number, cells: Cells): number {
  cells.hasQuotes = true
  const close = closingQuote(bytes, open + 1)
  if (close === -1) {
    cells.isBroken = true
    keep(cells, open, bytes.length, 0)
    return bytes.length
  }
  keep(cells, open + 1, close, 1)
  let at = close + 1
  while (bytes[at] === SPACE || bytes[at] === CARRIAGE_RETURN) at++
  while (at < bytes.length && bytes[at] !== delimiter && bytes[at] !== LINE_FEED) {
    cells.isBroken = true
    at++
  }
  return at
}

function keep(cells: Cells, start: number, end: number, quoted: number): void {
  const cell = cells.count++
  if (cell >= cells.starts.length) return
  cells.starts[cell] = start
  cells.ends[cell] = end
  cells.quoted[cell] = quoted
}

/** The quote that ends a cell: one that is not followed by another. */
function closingQuote(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(QUOTE, from); at !== -1; at = bytes.indexOf(QUOTE, at + 2)) {
    if (bytes[at + 1] !== QUOTE) return at
  }
  return -1
}

function textOf(bytes: Buffer, { starts, ends, quoted }: Cells, cell: number): string {
  const text = bytes.toString('utf8', starts[cell], ends[cell])
  return quoted[cell] === 1 ? text.replaceAll('""', '"') : text.trim()
}

function linesIn(bytes: Buffer, from: number, to: number, { hasQuotes }: Cells): number {
  let lines = 1
  // Only a quoted cell can hold a line break.
  if (!hasQuotes) return lines
  for (let at = bytes.indexOf(LINE_FEED, from); at !== -1 && at < to - 1; at = bytes.indexOf(LINE_FEED, at + 1)) lines++
  return lines
}

/** Largest count of digits whose whole number a double holds, whatever they are. */
const DIGITS_MAX = 15
const POWERS: readonly number[] = Array.from({ length: DIGITS_MAX + 1 }, (_, power) => 10 ** power)

/**
 * The number that is plainly written between two positions (a sign, digits, a point), or NaN for anything else, numbers with
 * an exponent or more digits included. A quotient of two whole numbers below 2^53 is rounded once, so the double is the
 * one nearest to what is written (Clinger 1990, fast path).
 */
export function decimalOf(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  let to = end
  while (at < to && (bytes[at] === SPACE || bytes[at] === TAB)) at++
  while (to > at && (bytes[to - 1] === SPACE || bytes[to - 1] === TAB)) to--
  let sign = 1
  if (bytes[at] === 0x2d) {
    sign = -1
    at++
  } else if (bytes[at] === 0x2b) at++
  let whole = 0
  let digits = 0
  let scale = -1
  for (; at < to; at++) {
    const digit = bytes[at]! - 0x30
    if (digit >= 0 && digit <= 9) {
      whole = whole * 10 + digit
      digits++
    } else if (bytes[at] === 0x2e && scale === -1) scale = digits
    else return Number.NaN
  }
  if (digits === 0 || digits > DIGITS_MAX) return Number.NaN
  return sign * (scale === -1 ? whole : whole / POWERS[digits - scale]!)
}
