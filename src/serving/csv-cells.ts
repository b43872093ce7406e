/** Text of comma-separated values (RFC 4180), as somebody sends rows to be answered: read whole, for bodies are bounded. */
import { Problem } from '../errors.ts'

/** The cells of each line; `null` is one of nothing at all, where `""` is an empty text. */
export type Cells = readonly (string | null)[]

/** One cell with what ends it: quoted, or without quotes. */
const CELL = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y
const BOM = '\uFEFF'

/**
 * Lines without a single character are passed over.
 *
 * @throws Problem `malformed` naming the line that cannot be read, or that has another number of cells than the first.
 */
export function csvLines(text: string): Cells[] {
  const lines: Cells[] = []
  let cells: (string | null)[] = []
  let at = text.startsWith(BOM) ? 1 : 0
  let lineStart = at
  while (at < text.length || cells.length > 0) {
    CELL.lastIndex = at
    const found = CELL.exec(text)
    if (found === null) throw malformed(lines.length, 'a quote stands where none was wanted, or is not closed')
    const [, quoted, plain, end] = found
    cells.push(quoted === undefined ? plain || null : quoted.replaceAll('""', '"'))
    at = CELL.lastIndex
    if (end === ',') continue
    const isEmpty = CELL.lastIndex - end!.length === lineStart
    lineStart = at
    if (!isEmpty) lines.push(counted(cells, lines))
    cells = []
  }
  return lines
}

function counted(cells: Cells, lines: readonly Cells[]): Cells {
  const wanted = lines[0]?.length ?? cells.length
  if (cells.length === wanted) return cells
  throw malformed(lines.length, `it has ${cells.length} cells, ${wanted} were wanted as in the first`)
}

function malformed(line: number, found: string): Problem {
  return new Problem('malformed', `Cannot read line ${line + 1} of the CSV: ${found}`)
}
