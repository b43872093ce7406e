/** A table of outcomes: good rows in, bad ones named. Whatever stopped it, reading the same table again adds what is missing. */
import { Problem } from '../errors.ts'
import { type CsvLine, cellsOf, csvLines, delimiterOf } from './csv-lines.ts'
import type { Intake, Teller } from './intake.ts'
import type { GivenOutcome } from './outcome.ts'
import { type OutcomeColumns, outcomeColumns, outcomeOf } from './outcome-rows.ts'

export interface Rejection {
  /** Of the file, the header being 1. */
  readonly line: number
  readonly reason: string
}

export interface ImportReport {
  readonly rows: number
  readonly recorded: number
  readonly corrected: number
  readonly repeated: number
  readonly rejected: number
  /** The first ones. */
  readonly rejections: readonly Rejection[]
  /** Columns that mean nothing here. */
  readonly ignored: readonly string[]
}

interface Row {
  readonly line: number
  readonly outcome: GivenOutcome
}

/** Rows that are looked up and written together. */
const BATCH_ROWS = 10_000
export const REJECTIONS_TOLD_MAX = 100_000

/**
 * @param source CSV with a header, UTF-8.
 * @param model of rows that do not say one.
 * @throws Problem `invalid` where the header cannot be used; then nothing was taken.
 */
export async function importOutcomes(
  intake: Pick<Intake, 'takeGood'>,
  source: AsyncIterable<Uint8Array>,
  by: Teller,
  model: string | undefined,
): Promise<ImportReport> {
  const counts = { rows: 0, recorded: 0, corrected: 0, repeated: 0, rejected: 0 }
  const rejections: Rejection[] = []
  let table: { readonly columns: OutcomeColumns; readonly delimiter: string } | undefined
  let batch: Row[] = []
  const reject = (line: number, reason: string): void => {
    counts.rejected++
    if (rejections.length < REJECTIONS_TOLD_MAX) rejections.push({ line, reason })
  }
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    const rows = batch
    batch = []
    const results = await intake.takeGood(
      rows.map(({ outcome }) => outcome),
      by,
    )
    for (const [place, result] of results.entries()) {
      if ('code' in result) reject(rows[place]!.line, `${columnOf(result.field)} ${result.problem}`)
      else counts[result.status]++
    }
  }
  for await (const line of csvLines(source)) {
    if (table === undefined) {
      table = readHeader(line, model)
      continue
    }
    counts.rows++
    const outcome = readRow(line, table.columns, table.delimiter, model)
    if (typeof outcome === 'string') reject(line.line, outcome)
    else batch.push({ line: line.line, outcome })
    if (batch.length === BATCH_ROWS) await flush()
  }
  if (table === undefined) throw new Problem('invalid', 'Cannot read outcomes: it is empty, wanted a header and rows')
  await flush()
  rejections.sort((a, b) => a.line - b.line)
  return { ...counts, rejections, ignored: table.columns.ignored }
}

function readHeader({ text, fault }: CsvLine, model: string | undefined) {
  const delimiter = delimiterOf(text ?? '')
  const header = text === undefined ? undefined : cellsOf(text, delimiter)
  if (header === undefined)
    throw new Problem('invalid', `Cannot read outcomes: the header ${fault ?? 'has an open quote'}`)
  return { columns: outcomeColumns(header, model), delimiter }
}

function readRow(
  { text, fault }: CsvLine,
  columns: OutcomeColumns,
  delimiter: string,
  model: string | undefined,
): GivenOutcome | string {
  return text === undefined ? (fault ?? 'cannot be read') : outcomeOf(columns, cellsOf(text, delimiter), model)
}

/** As tables name it: `happenedAt` is `happened_at`. */
function columnOf(field: string): string {
  return field.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
