/** Sends the lines of a file in parts, each with the header, and gathers what the server says of them. */
import type { Client } from '../client.ts'
import { Problem } from '../errors.ts'
import type { ImportReport, Rejection } from './import.ts'
import type { FileLine, OutcomeFile } from './outcome-file.ts'

export interface OutcomeSender {
  readonly client: Client
  /** Of rows that do not say one. */
  readonly model?: string
  /** Waits that many milliseconds. */
  readonly wait: (ms: number) => Promise<unknown>
}

/** What became of a part. Lines of rejections are those of the file. */
export interface SentPart {
  readonly report: ImportReport
  readonly rejected: readonly (Rejection & { readonly text: string })[]
}

const PART_ROWS = 20_000
const BUSY_CODES = new Set(['overloaded', 'rate_limited'])
const ATTEMPTS_MAX = 6
const FIRST_WAIT_MS = 250

export async function* sendOutcomes(
  sender: OutcomeSender,
  { header, lines }: OutcomeFile,
): AsyncGenerator<SentPart, void, undefined> {
  let part: FileLine[] = []
  for await (const line of lines) {
    part.push(line)
    if (part.length < PART_ROWS) continue
    yield await sendPart(sender, header, part)
    part = []
  }
  if (part.length > 0) yield await sendPart(sender, header, part)
}

async function sendPart(sender: OutcomeSender, header: string, part: readonly FileLine[]): Promise<SentPart> {
  const sent = part.filter(({ fault }) => fault === undefined)
  const report = await sendPatiently(sender, `${header}\n${sent.map(({ text }) => text).join('\n')}\n`)
  const unreadable = part.flatMap(({ line, text, fault }) =>
    fault === undefined ? [] : [{ line, text, reason: fault }],
  )
  // The server counts lines of what it was sent: the header is 1, the first row 2.
  const refused = report.rejections.map(({ line, reason }) => ({ ...sent[line - 2]!, reason }))
  const { rows, rejected } = report
  return {
    report: { ...report, rows: rows + unreadable.length, rejected: rejected + unreadable.length },
    rejected: [...refused, ...unreadable].sort((a, b) => a.line - b.line),
  }
}

/** A server that is busy is asked again, each time after a longer wait: what was taken already is only repeated. */
async function sendPatiently({ client, model, wait }: OutcomeSender, csv: string): Promise<ImportReport> {
  for (let attempt = 1; ; attempt++) {
    const body = new FormData()
    if (model !== undefined) body.append('model', model)
    body.append('file', new File([csv], 'outcomes.csv', { type: 'text/csv' }))
    try {
      const answer = await client.send({ method: 'POST', path: '/outcomes/import', body })
      return (await answer.json()) as ImportReport
    } catch (error) {
      if (!(error instanceof Problem) || !BUSY_CODES.has(error.code) || attempt === ATTEMPTS_MAX) throw error
      await wait(Math.max(FIRST_WAIT_MS * 2 ** (attempt - 1), (error.retryAfterSeconds ?? 0) * 1000))
    }
  }
}
