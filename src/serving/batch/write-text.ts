/** Scored rows as text: a row as it stood in its file and its answers, or, from another format, its columns and its answers. */
import { answerColumns, type Column, type ScoredRows } from './scored-rows.ts'

const LINE_FEED = 0x0a
/** So that a small block is not enlarged at once. */
const ROOM_BYTES = 4096

/** Rows of CSV with the answers behind them. */
export function csvAfterCsv(bytes: Buffer, { parsed, answers, kept }: ScoredRows, delimiter: number): Buffer {
  const { starts, ends } = parsed
  const columns = answerColumns(answers)
  const mark = String.fromCharCode(delimiter)
  let out = Buffer.allocUnsafe(bytes.length + kept.length * (columns.length * 24 + 1) + ROOM_BYTES)
  let at = 0
  for (const row of kept) {
    let tail = ''
    for (const column of columns) tail += mark + csvCell(column[row], mark)
    const needed = ends[row]! - starts[row]! + tail.length * 3 + 1
    if (at + needed > out.length) out = Buffer.concat([out.subarray(0, at)], out.length * 2 + needed)
    at += bytes.copy(out, at, starts[row], ends[row])
    at += out.write(tail, at)
    out[at++] = LINE_FEED
  }
  return out.subarray(0, at)
}

/** Objects of JSON with a member `prediction` at their end. */
export function jsonAfterJson(bytes: Buffer, { parsed, answers, kept }: ScoredRows, names: readonly string[]): Buffer {
  const { starts, ends } = parsed
  const columns = answerColumns(answers)
  const heads = names.map((name, output) => `${output === 0 ? '' : ','}${JSON.stringify(name)}:`)
  const lines: string[] = []
  for (const row of kept) {
    const text = bytes.toString('utf8', starts[row], ends[row]).trimEnd()
    const inside = text.slice(0, -1).trimEnd()
    const outputs = heads.map((head, output) => head + JSON.stringify(columns[output]![row])).join('')
    lines.push(`${inside}${inside.endsWith('{') ? '' : ','}"prediction":{${outputs}}}\n`)
  }
  return Buffer.from(lines.join(''))
}

/** Columns as CSV, without a header. */
export function csvOf(columns: readonly Column[], rows: number): Buffer {
  const lines: string[] = []
  for (let row = 0; row < rows; row++) lines.push(csvLine(columns.map(({ values }) => values[row])))
  return Buffer.from(lines.join(''))
}

/** Columns as JSON Lines; the last `outputs` of them are the members of `prediction`. */
export function jsonOf(columns: readonly Column[], rows: number, outputs: number): Buffer {
  const features = columns.slice(0, columns.length - outputs)
  const answers = columns.slice(columns.length - outputs)
  const object = (of: readonly Column[], row: number): [string, unknown][] =>
    of.map(({ name, values }) => [name, jsonValue(values[row])])
  const lines: string[] = []
  for (let row = 0; row < rows; row++) {
    const all = [...object(features, row), ['prediction', Object.fromEntries(object(answers, row))] as const]
    lines.push(`${JSON.stringify(Object.fromEntries(all))}\n`)
  }
  return Buffer.from(lines.join(''))
}

function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  return value
}

/** One line of CSV, quoted where RFC 4180 wants it. */
export function csvLine(cells: readonly unknown[], delimiter = ','): string {
  return `${cells.map(cell => csvCell(cell, delimiter)).join(delimiter)}\n`
}

function csvCell(cell: unknown, delimiter: string): string {
  if (typeof cell === 'number') return Number.isNaN(cell) ? '' : String(cell)
  const text = cell === undefined || cell === null ? '' : cell instanceof Date ? cell.toISOString() : String(cell)
  const isPlain = !/["\r\n]/.test(text) && !text.includes(delimiter)
  return isPlain ? text : `"${text.replaceAll('"', '""')}"`
}
