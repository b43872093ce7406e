/** Rows of a block of JSON Lines: one object a line. Members that are no features stay in the file and are not asked about. */
import { type ParsedRows, RowsBuilder, reasonOf, type Scorer } from './parsed-rows.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
/** A short line, to guess how many rows a block has. */
const LINE_BYTES = 64

/** @param line number of the block's first line in its file. */
export function jsonRows(bytes: Buffer, line: number, scorer: Scorer): ParsedRows {
  const { signature } = scorer
  const rows = new RowsBuilder(signature.width, Math.ceil(bytes.length / LINE_BYTES))
  let number = line
  for (let from = 0; from < bytes.length; number++) {
    const found = bytes.indexOf(LINE_FEED, from)
    const next = found === -1 ? bytes.length + 1 : found + 1
    const end = bytes[next - 2] === CARRIAGE_RETURN ? next - 2 : next - 1
    const text = bytes.toString('utf8', from, end)
    if (text.trim() !== '') {
      const reason = readRow(text, scorer, rows)
      if (reason === undefined) rows.add(number, from, end)
      else rows.fault({ line: number, reason, row: text })
    }
    from = next
  }
  return rows.finish()
}

/** Puts the features of a row into its place; returns what is wrong with it. */
function readRow(text: string, scorer: Scorer, rows: RowsBuilder): string | undefined {
  const { inputs } = scorer.signature
  let row: unknown
  try {
    row = JSON.parse(text)
  } catch {
    return 'is not JSON'
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return 'is no JSON object'
  return readNamed(row as Readonly<Record<string, unknown>>, inputs, scorer, rows)
}

/** The same for values that have names already. */
export function readNamed(
  row: Readonly<Record<string, unknown>>,
  inputs: Scorer['signature']['inputs'],
  scorer: Scorer,
  rows: RowsBuilder,
): string | undefined {
  const { values, offset } = rows
  for (let input = 0; input < inputs.length; input++) {
    const { name } = inputs[input]!
    if (Object.hasOwn(row, name) && scorer.signature.encode(input, row[name], values, offset)) continue
    const features = inputs.filter(feature => Object.hasOwn(row, feature.name))
    return reasonOf(scorer, Object.fromEntries(features.map(feature => [feature.name, row[feature.name]])))
  }
  return undefined
}
