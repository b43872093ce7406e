/**
 * Predictions for a whole file, in batches over the API. A batch with wrong rows is refused as a whole and names them: they are
 * set aside with the reason, and the others sent again. So every row ends in one of two files.
 */
import type { Client } from '../client.ts'
import { Problem } from '../errors.ts'

export interface Prediction {
  readonly id: string
  readonly model: string
  readonly version: string
  readonly outputs: Readonly<Record<string, number | string>>
}

export type RowResult = { readonly prediction: Prediction } | { readonly fault: string }

export interface Sender {
  readonly client: Client
  /** e.g. `/models/churn/predict`. */
  readonly path: string
  readonly purpose?: string
  /** Waits that many milliseconds. */
  readonly wait: (ms: number) => Promise<unknown>
}

/** Refusals of rows; anything else that goes wrong ends the work. */
const ROW_CODES = new Set(['invalid', 'malformed', 'too_large'])
const BUSY_CODES = new Set(['overloaded', 'rate_limited'])
const ATTEMPTS_MAX = 6
const FIRST_WAIT_MS = 250
const FAULTS_TOLD_MAX = 5

/** Results in the order of `rows`, JSON objects. Throws the first problem that is not a row's. */
export async function predictRows(sender: Sender, rows: readonly string[]): Promise<readonly RowResult[]> {
  const results: (RowResult | undefined)[] = new Array<undefined>(rows.length).fill(undefined)
  await settle(sender, rows, [...rows.keys()], results)
  return results as RowResult[]
}

async function settle(
  sender: Sender,
  rows: readonly string[],
  indexes: readonly number[],
  results: (RowResult | undefined)[],
): Promise<void> {
  let left = indexes
  while (left.length > 0) {
    const sent = left
    const answer = await sendPatiently(
      sender,
      sent.map(index => rows[index]!),
    )
    if (!(answer instanceof Problem)) {
      for (const [i, index] of sent.entries()) results[index] = { prediction: answer[i]! }
      return
    }
    const faults = faultsByRow(answer, sent.length)
    for (const [row, fault] of faults) results[sent[row]!] = { fault }
    left = sent.filter((_, row) => !faults.has(row))
    if (faults.size > 0) continue
    if (sent.length === 1) {
      results[sent[0]!] = { fault: answer.message }
      return
    }
    // It does not say which row it is: found by halving.
    const half = Math.ceil(sent.length / 2)
    await settle(sender, rows, sent.slice(0, half), results)
    left = sent.slice(half)
  }
}

/** The reason for each row that the problem names: fields such as `[3].age`. */
function faultsByRow(problem: Problem, count: number): Map<number, string> {
  const told = new Map<number, string[]>()
  for (const { field, problem: text } of problem.fields) {
    const [, digits, name] = /^\[(\d+)\]\.?(.*)$/.exec(field) ?? []
    const row = Number(digits ?? -1)
    if (row < 0 || row >= count) continue
    told.set(row, [...(told.get(row) ?? []), `${name ?? ''} ${text}`.trim()])
  }
  return new Map([...told].map(([row, texts]) => [row, texts.slice(0, FAULTS_TOLD_MAX).join('; ')]))
}

/** The answers, or the problem of the rows. A server that is busy is asked again, each time after a longer wait. */
async function sendPatiently(sender: Sender, rows: readonly string[]): Promise<readonly Prediction[] | Problem> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send(sender, rows)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      if (ROW_CODES.has(error.code)) return error
      if (!BUSY_CODES.has(error.code) || attempt === ATTEMPTS_MAX) throw error
      const ms = Math.max(FIRST_WAIT_MS * 2 ** (attempt - 1), (error.retryAfterSeconds ?? 0) * 1000)
      await sender.wait(ms)
    }
  }
}

async function send({ client, path, purpose }: Sender, rows: readonly string[]): Promise<readonly Prediction[]> {
  const headers = {
    'content-type': 'application/json',
    ...(purpose === undefined ? {} : { 'bellwether-purpose': purpose }),
  }
  const response = await client.send({ method: 'POST', path, headers, body: `[${rows.join(',')}]` })
  const { predictions } = (await response.json()) as { predictions: readonly Prediction[] }
  if (predictions.length !== rows.length) {
    throw new Problem(
      'failed',
      `Cannot use the answer: it has ${predictions.length} predictions, wanted ${rows.length}`,
    )
  }
  return predictions
}
