import { createWriteStream, type WriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import { PROBLEMS, Problem } from '../errors.ts'
import type { Command, CommandContext } from '../platform/command.ts'
import { numberText } from '../platform/text-table.ts'
import { type OutcomeFile, openOutcomeFile } from './outcome-file.ts'
import { type OutcomeSender, type SentPart, sendOutcomes } from './send-outcomes.ts'

const outcomesCommand: Command = {
  path: 'outcomes',
  summary: 'Say what became of predictions, from a file',
  description: `Reads CSV (with a header) or Parquet. Columns, in any order: prediction_id, or subject with happened_at; value (true, false, 1 or 0 for a model of two classes, the class for one of more, else a number); and where known model, happened_at, amount with currency, correction. A time is RFC 3339, a day, or milliseconds since the epoch; without a zone it is UTC. Other columns are left alone.

Rows that cannot be taken are set aside with the reason, in the file given by --rejected; the exit status is 65 then. An import that was interrupted is simply repeated: what is known already is counted as repeated and not recorded again. Another value than the one that is known is refused, unless the row says correction = true.`,
  options: [
    {
      name: 'input',
      short: 'i',
      type: 'string',
      value: 'FILE',
      required: true,
      completes: 'file',
      summary: 'Rows: .csv or .parquet',
    },
    { name: 'model', type: 'string', value: 'NAME', completes: 'model', summary: 'Model of rows that do not say one' },
    {
      name: 'rejected',
      type: 'string',
      value: 'FILE',
      completes: 'file',
      summary:
        'Rows that were refused, with line and reason; made only if there are any. Without it, INPUT.rejected.csv',
    },
  ],
  examples: [
    { line: 'bellwether outcomes --input left.csv', does: 'by prediction_id' },
    { line: 'bellwether outcomes -i left.parquet --model churn', does: 'by subject and happened_at' },
  ],
  run: tellFile,
}

export const feedbackCommands: readonly Command[] = [outcomesCommand]

interface Counts {
  rows: number
  recorded: number
  corrected: number
  repeated: number
  rejected: number
  ignored: readonly string[]
}

async function tellFile(context: CommandContext): Promise<number | undefined> {
  const { options, terminal, signal } = context
  const input = String(options['input'])
  const model = options['model'] as string | undefined
  const rejectedFile = (options['rejected'] as string | undefined) ?? `${input}.rejected.csv`
  const file = await openOutcomeFile(input)
  const sender: OutcomeSender = {
    client: await context.api(),
    wait: ms => setTimeout(ms, undefined, { signal }),
    ...(model === undefined ? {} : { model }),
  }
  const startedAt = performance.now()
  const counts = await tellAll(context, sender, file, rejectedFile)
  const seconds = (performance.now() - startedAt) / 1000
  const { rows, recorded, corrected, repeated, rejected, ignored } = counts
  const refusals = rejected > 0 ? { rejectedFile } : {}
  terminal.result({ ...counts, seconds, ...refusals }, () =>
    [
      `Read ${numberText(rows)} rows in ${seconds.toFixed(1)} s: ${numberText(recorded)} outcomes recorded, ${numberText(corrected)} corrected, ${numberText(repeated)} known already`,
      ...(ignored.length > 0 ? [`Left alone: the columns ${ignored.join(', ')}`] : []),
      ...(rejected > 0 ? [`Refused ${numberText(rejected)} rows: ${rejectedFile} says why`] : []),
    ].join('\n'),
  )
  return rejected > 0 ? PROBLEMS.invalid.exit : undefined
}

async function tellAll(
  { terminal, signal, options }: CommandContext,
  sender: OutcomeSender,
  file: OutcomeFile,
  rejectedFile: string,
): Promise<Counts> {
  const progress = terminal.progress(`Telling ${options['input']}`)
  const counts: Counts = { rows: 0, recorded: 0, corrected: 0, repeated: 0, rejected: 0, ignored: [] }
  const refused = rejectedRows(rejectedFile, file)
  try {
    for await (const { report, rejected } of sendOutcomes(sender, file)) {
      signal.throwIfAborted()
      for (const name of ['rows', 'recorded', 'corrected', 'repeated', 'rejected'] as const)
        counts[name] += report[name]
      counts.ignored = report.ignored
      await refused.write(rejected)
      progress.update(counts.rows, `${numberText(counts.rejected)} refused`)
    }
    return counts
  } catch (error) {
    if (counts.rows > 0) terminal.warn(`The first ${counts.rows} rows are told; repeat the command to go on`)
    throw error
  } finally {
    progress.end()
    await refused.close()
  }
}

interface RejectedRows {
  write(rejected: SentPart['rejected']): Promise<void>
  close(): Promise<void>
}

/** The rows as they stand in their file, with line and reason before them. Made when the first one comes. */
function rejectedRows(path: string, { header, delimiter }: OutcomeFile): RejectedRows {
  let stream: WriteStream | undefined
  let failure: Problem | undefined
  const open = (): WriteStream => {
    const opened = createWriteStream(path)
    opened.on('error', error => {
      failure = new Problem('storage_full', `Cannot write ${path}: ${error.message}`, { cause: error })
    })
    opened.write(`line${delimiter}reason${delimiter}${header}\n`)
    return opened
  }
  return {
    async write(rejected): Promise<void> {
      if (rejected.length === 0) return
      stream ??= open()
      const rows = rejected.map(({ line, reason, text }) => {
        return `${line}${delimiter}"${reason.replaceAll('"', '""')}"${delimiter}${text}\n`
      })
      await new Promise<void>(resolve => stream!.write(rows.join(''), () => resolve()))
      if (failure !== undefined) throw failure
    },
    async close(): Promise<void> {
      if (stream === undefined) return
      stream.end()
      await finished(stream).catch(() => undefined) // told by `write`
    },
  }
}
