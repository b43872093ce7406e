/** Tables for people: aligned, numbers to the right, no wider than the terminal. */
import { cut, padEnd, padStart, plain, widthOf } from './text-width.ts'

export type Cell = string | number | undefined

export interface TableStyle {
  /** Columns of the terminal; the widest texts are cut until the table fits. Without it nothing is cut. */
  readonly width?: number
  readonly heading?: (text: string) => string
}

const GAP = '  '
const TEXT_COLUMNS_MIN = 8
const ABSENT = '–'

/** Lines joined by line feeds, without one at the end. Rows may be shorter than the columns. */
export function textTable(
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  style: TableStyle = {},
): string {
  const isNumeric = columns.map((_, c) => {
    const present = rows.map(row => row[c]).filter(cell => cell !== undefined)
    return present.length > 0 && present.every(cell => typeof cell === 'number')
  })
  const texts = rows.map(row => columns.map((_, c) => cellText(row[c])))
  const natural = columns.map((name, c) => Math.max(widthOf(name), ...texts.map(row => widthOf(row[c]!))))
  const widths = style.width === undefined ? natural : fit(natural, isNumeric, style.width)
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, c) => {
        const shown = cut(cell, widths[c]!)
        return isNumeric[c] === true ? padStart(shown, widths[c]!) : padEnd(shown, widths[c]!)
      })
      .join(GAP)
      .trimEnd()
  const heading = style.heading ?? ((text: string) => text)
  return [heading(line(columns)), ...texts.map(line)].join('\n')
}

function cellText(cell: Cell): string {
  if (cell === undefined || cell === '') return ABSENT
  return typeof cell === 'number' ? numberText(cell) : plain(cell)
}

/** Takes columns from the widest texts, one by one, until the row fits; numbers are never cut. */
function fit(natural: readonly number[], isNumeric: readonly boolean[], width: number): readonly number[] {
  const widths = [...natural]
  let excess = widths.reduce((sum, w) => sum + w, 0) + GAP.length * (widths.length - 1) - width
  while (excess > 0) {
    let widest = -1
    for (const [c, w] of widths.entries()) {
      if (isNumeric[c] !== true && w > TEXT_COLUMNS_MIN && (widest === -1 || w > widths[widest]!)) widest = c
    }
    if (widest === -1) break
    widths[widest]!--
    excess--
  }
  return widths
}

/** A whole number with a comma between each three digits. */
function grouped(value: number): string {
  return value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** Whole numbers from 10,000 with separators; others with at most six significant digits. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (Number.isInteger(value)) return Math.abs(value) >= 10_000 ? grouped(value) : String(value)
  const size = Math.abs(value)
  if (size >= 100_000) return grouped(value)
  return size < 1e-4 ? value.toExponential(3) : String(Number(value.toPrecision(6)))
}

/** A duration for people: `3.2 ms`, `1.4 s`, `2 min 5 s`. */
export function durationText(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

const BYTE_UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const

/** A size for people, in decimal units: `812 bytes`, `1.3 MB`. */
export function bytesText(bytes: number): string {
  let unit = 0
  let value = bytes
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000
    unit++
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1
  return `${value.toFixed(digits)} ${bytes === 1 ? 'byte' : BYTE_UNITS[unit]}`
}
