/** Answers of the server, which records each prediction. */
import { setTimeout } from 'node:timers/promises'
import type { Client } from '../../client.ts'
import { predictRows, type RowResult, type Sender } from '../predict-file.ts'
import type { AnswerRows } from './score-pool.ts'
import type { Answers } from './scored-rows.ts'

export interface RecordingOptions {
  readonly client: Client
  /** e.g. `/models/churn/predict`. */
  readonly path: string
  readonly outputs: readonly string[]
  readonly purpose?: string
  /** In one request. */
  readonly rowsMax: number
  readonly signal: AbortSignal
}

export function recordAnswers({ client, path, outputs, purpose, rowsMax, signal }: RecordingOptions): AnswerRows {
  const sender: Sender = {
    client,
    path,
    wait: ms => setTimeout(ms, undefined, { signal }),
    ...(purpose === undefined ? {} : { purpose }),
  }
  return async rows => {
    const results: RowResult[] = []
    for (let from = 0; from < rows.length; from += rowsMax) {
      signal.throwIfAborted()
      results.push(...(await predictRows(sender, rows.slice(from, from + rowsMax))))
    }
    return answersOf(results, outputs)
  }
}

function answersOf(results: readonly RowResult[], names: readonly string[]): Answers {
  const faults = new Map<number, string>()
  for (const [row, result] of results.entries()) if ('fault' in result) faults.set(row, result.fault)
  const predictions = results.map(result => ('prediction' in result ? result.prediction : undefined))
  return {
    outputs: names.map(name => predictions.map(prediction => prediction?.outputs[name] ?? Number.NaN)),
    recorded: {
      ids: predictions.map(prediction => prediction?.id ?? ''),
      versions: predictions.map(prediction => prediction?.version ?? ''),
    },
    faults,
  }
}
