/**
 * CSV in which a row is a line: no cell holds a line break, so that a row that is broken (a quote that is never closed, above all)
 * is one wrong row, and not the end of all rows after it. Otherwise after RFC 4180.
 */
import { isUtf8 } from 'node:buffer'

export interface CsvLine {
  /** From 1. */
  readonly line: number
  /** Without its end; undefined where it is too long, or no UTF-8. */
  readonly text: string | undefined
  readonly fault?: string
}

export const LINE_BYTES_MAX = 65_536
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** The lines of a text that are not empty. Holds one line at a time, however long it is. */
export async function* csvLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<CsvLine, void, undefined> {
  let rest: Buffer = Buffer.alloc(0)
  let line = 0
  let isTooLong = false
  for await (const chunk of source) {
    const bytes =
      rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : Buffer.concat([rest, chunk])
    let from = 0
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, from)) {
      line++
      const found = lineOf(bytes.subarray(from, end), line, isTooLong)
      if (found !== undefined) yield found
      isTooLong = false
      from = end + 1
    }
    rest = bytes.subarray(from)
    if (rest.length > LINE_BYTES_MAX) {
      isTooLong = true
      rest = Buffer.alloc(0)
    }
  }
  const last = lineOf(rest, line + 1, isTooLong)
  if (last !== undefined) yield last
}

function lineOf(bytes: Buffer, line: number, isTooLong: boolean): CsvLine | undefined {
  if (isTooLong || bytes.length > LINE_BYTES_MAX) {
    return { line, text: undefined, fault: `is longer than ${LINE_BYTES_MAX} bytes` }
  }
  if (!isUtf8(bytes)) return { line, text: undefined, fault: 'is not UTF-8' }
  const end = bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length
  const text = bytes.toString('utf8', 0, end)
  const plain = line === 1 ? text.replace(/^\ufeff/, '') : text
  return plain.trim() === '' ? undefined : { line, text: plain }
}

/** Commas, unless the header has none and has semicolons or tabs. */
export function delimiterOf(header: string): string {
  return [',', ';', '\t'].find(delimiter => header.includes(delimiter)) ?? ','
}

/** Only spaces around it: a tab may be what stands between cells. */
const QUOTED = / *"((?:[^"]|"")*)" */y

/** The cells of a line, without white space around them; undefined where a quote is not closed, or text stands beside one. */
export function cellsOf(line: string, delimiter: string): readonly string[] | undefined {
  if (!line.includes('"')) return line.split(delimiter).map(cell => cell.trim())
  const cells: string[] = []
  for (let at = 0; at <= line.length; ) {
    QUOTED.lastIndex = at
    const quoted = QUOTED.exec(line)
    if (quoted === null) {
      const end = line.indexOf(delimiter, at)
      const cell = line.slice(at, end === -1 ? undefined : end)
      if (cell.includes('"')) return undefined
      cells.push(cell.trim())
      at = end === -1 ? line.length + 1 : end + 1
      continue
    }
    cells.push(quoted[1]!.replaceAll('""', '"'))
    at += quoted[0].length
    if (at < line.length && line[at] !== delimiter) return undefined
    at++
  }
  return cells
}
