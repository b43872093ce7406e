import { setTimeout } from 'node:timers/promises'
import type { Client } from '../client.ts'
import { PROBLEMS, Problem } from '../errors.ts'
import type { Command, CommandContext } from '../platform/command.ts'
import { numberText } from '../platform/text-table.ts'
import type { Signature } from '../registry/signature.ts'
import { predictRows, type RowResult, type Sender } from './predict-file.ts'
import { ResultFiles } from './predict-output.ts'
import { formatOf, openRows, type Prepared, preparerOf, type SourceRow } from './predict-rows.ts'

const BATCH_DEFAULT = 500

const predictCommand: Command = {
  path: 'predict',
  summary: 'Predict every row of a file',
  description: `Reads CSV (with a header) or JSON Lines, asks the model in batches, and writes each row with its answer, the id of its record and the version that answered. The names of the files decide the format. Columns of a CSV that are no features of the model are kept and not sent.

Rows that the model refuses are set aside with the reason, in the file given by --rejected; the exit status is 65 then. Every prediction is recorded as any other: this is not a dry run.`,
  args: [{ name: 'model', summary: 'Name of the model; with @VERSION or @ALIAS, that version', completes: 'model' }],
  options: [
    {
      name: 'input',
      short: 'i',
      type: 'string',
      value: 'FILE',
      required: true,
      completes: 'file',
      summary: 'Rows: .csv or .jsonl',
    },
    {
      name: 'output',
      short: 'o',
      type: 'string',
      value: 'FILE',
      required: true,
      completes: 'file',
      summary: 'Rows with answers, in the same format',
    },
    {
      name: 'rejected',
      type: 'string',
      value: 'FILE',
      completes: 'file',
      summary:
        'Rows that were refused, with line and reason; made only if there are any. Without it, OUTPUT.rejected.csv (or .jsonl)',
    },
    { name: 'batch', type: 'number', value: 'ROWS', default: BATCH_DEFAULT, summary: 'Rows in one request' },
    {
      name: 'purpose',
      type: 'string',
      value: 'TEXT',
      summary: 'What the predictions are for, where the model wants to know',
    },
  ],
  examples: [
    {
      line: 'bellwether predict churn --input customers.csv --output scored.csv',
      does: 'through the release of the model',
    },
    {
      line: 'bellwether predict churn@1.0.0 -i customers.jsonl -o scored.jsonl --purpose retention-offer',
      does: 'a pinned version, for a stated purpose',
    },
  ],
  run: predictFile,
}

export const servingCommands: readonly Command[] = [predictCommand]

async function predictFile(context: CommandContext): Promise<number | undefined> {
  const { args, options, terminal, signal } = context
  const [model, reference] = splitModel(args['model'] ?? '')
  const input = String(options['input'])
  const output = String(options['output'])
  const format = formatOf(output, 'output')
  const source = await openRows(input)
  if (source.format !== format) {
    throw new Problem('usage', `Cannot write ${output}: it must be of the input's format, .${source.format}`)
  }
  const client = await context.api()
  const prepare = preparerOf(source, await signatureOf(client, model, reference))
  const pinned = reference === undefined ? '' : `/versions/${encodeURIComponent(reference)}`
  const purpose = options['purpose'] as string | undefined
  const sender: Sender = {
    client,
    path: `/models/${encodeURIComponent(model)}${pinned}/predict`,
    wait: ms => setTimeout(ms, undefined, { signal }),
    ...(purpose === undefined ? {} : { purpose }),
  }
  const rejectedPath = (options['rejected'] as string | undefined) ?? `${output}.rejected.${format}`
  const files = new ResultFiles(output, rejectedPath, source)
  const startedAt = performance.now()
  await predictAll(context, batches(source.rows, batchOf(options['batch'])), files, async batch => {
    return answersOf(sender, batch.map(prepare))
  })
  const { predicted, rejected } = files
  const seconds = (performance.now() - startedAt) / 1000
  const refusals = rejected > 0 ? { rejectedFile: rejectedPath } : {}
  terminal.result({ model: args['model'], predicted, rejected, seconds, output, ...refusals }, () =>
    [
      `Predicted ${numberText(predicted)} rows in ${seconds.toFixed(1)} s (${numberText(rate(predicted, startedAt))} rows/s): ${output}`,
      ...(rejected > 0 ? [`Refused ${numberText(rejected)} rows: ${rejectedPath} says why`] : []),
    ].join('\n'),
  )
  return rejected > 0 ? PROBLEMS.invalid.exit : undefined
}

async function predictAll(
  { terminal, signal, options }: CommandContext,
  all: AsyncIterable<readonly SourceRow[]>,
  files: ResultFiles,
  answer: (batch: readonly SourceRow[]) => Promise<readonly RowResult[]>,
): Promise<void> {
  const progress = terminal.progress(`Predicting ${options['input']}`)
  const startedAt = performance.now()
  try {
    for await (const batch of all) {
      signal.throwIfAborted()
      await files.write(batch, await answer(batch))
      progress.update(files.predicted + files.rejected, `${numberText(rate(files.predicted, startedAt))} rows/s`)
    }
    await files.finish()
  } catch (error) {
    await files.stop()
    if (files.predicted > 0) terminal.warn(`The answers to the first ${files.predicted} rows are in ${files.partial}`)
    throw error
  } finally {
    progress.end()
  }
}

function splitModel(text: string): readonly [string, string | undefined] {
  const at = text.indexOf('@')
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function batchOf(value: unknown): number {
  const rows = Number(value)
  if (Number.isInteger(rows) && rows >= 1) return rows
  throw new Problem('usage', `Cannot use --batch ${rows}: wanted a whole number of rows, at least 1`)
}

/** Without a pinned version, the one that answers now: names and types of features seldom change between versions. */
async function signatureOf(client: Client, model: string, reference: string | undefined): Promise<Signature> {
  const base = `/models/${encodeURIComponent(model)}`
  const chosen = reference ?? (await currentVersion(client, base, model))
  const { signature } = await client.json<{ signature: Signature }>(
    'GET',
    `${base}/versions/${encodeURIComponent(chosen)}`,
  )
  return signature
}

async function currentVersion(client: Client, base: string, model: string): Promise<string> {
  const { versions, aliases } = await client.json<{ versions: string[]; aliases: Record<string, string> }>('GET', base)
  const current = aliases['champion'] ?? versions.findLast(version => !version.includes('-')) ?? versions.at(-1)
  if (current === undefined) throw new Problem('not_found', `Cannot predict: ${model} has no version`)
  return current
}

async function* batches(rows: AsyncIterable<SourceRow>, size: number): AsyncGenerator<readonly SourceRow[]> {
  let batch: SourceRow[] = []
  for await (const row of rows) {
    batch.push(row)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

async function answersOf(sender: Sender, prepared: readonly Prepared[]): Promise<readonly RowResult[]> {
  const sendable = prepared.flatMap(row => ('json' in row ? [row.json] : []))
  const answers = (await predictRows(sender, sendable)).values()
  return prepared.map(row => ('json' in row ? answers.next().value! : row))
}

function rate(rows: number, startedAt: number): number {
  return Math.round((rows / Math.max(1, performance.now() - startedAt)) * 1000)
}
