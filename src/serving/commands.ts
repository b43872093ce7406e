import { availableParallelism } from 'node:os'
import type { Client } from '../client.ts'
import { PROBLEMS, Problem } from '../errors.ts'
import { systemClock } from '../platform/clock.ts'
import type { Command, CommandContext, Option } from '../platform/command.ts'
import { numberText } from '../platform/text-table.ts'
import { fileFormat } from './batch/file-format.ts'
import type { ScoredFile } from './batch/score-file.ts'
import { bundleCommand } from './edge/commands.ts'
import { type FetchedVersion, modelOf, pathOf, splitModel, versionOf } from './fetch-version.ts'
import { memoryCommand } from './memory-command.ts'

const ROWS_DEFAULT = 500

const OPTIONS: readonly Option[] = [
  {
    name: 'input',
    short: 'i',
    type: 'string',
    value: 'FILE',
    required: true,
    completes: 'file',
    summary: 'Rows: .csv, .jsonl (each also .gz) or .parquet',
  },
  {
    name: 'output',
    short: 'o',
    type: 'string',
    value: 'FILE',
    required: true,
    completes: 'file',
    summary: 'Rows with answers; its name decides the format',
  },
  {
    name: 'rejected',
    type: 'string',
    value: 'FILE',
    completes: 'file',
    summary:
      'Rows that were refused, with line and reason; made only if there are any. Default: OUTPUT.rejected.csv (or .jsonl)',
  },
  { name: 'record', type: 'boolean', summary: 'Ask the server for each row, so that every prediction is a record' },
  {
    name: 'batch',
    type: 'number',
    value: 'ROWS',
    default: ROWS_DEFAULT,
    summary: 'With --record: rows in one request',
  },
  { name: 'threads', type: 'number', value: 'N', summary: 'Threads that score. Default: one for each core' },
  { name: 'resume', type: 'boolean', summary: 'Go on where an earlier attempt was interrupted' },
  { name: 'restart', type: 'boolean', summary: 'Begin again, whatever an earlier attempt did' },
  {
    name: 'purpose',
    type: 'string',
    value: 'TEXT',
    summary: 'What the predictions are for, where the model wants to know',
  },
]

const predictCommand: Command = {
  path: 'predict',
  summary: 'Predict every row of a file',
  description: `Reads CSV (with a header), JSON Lines or Parquet, scores the rows on this machine with all its cores, and writes each row with its answers; the names of the files decide the formats. The model is fetched from the server once, and one record says which file was scored with what. With --record the server answers instead, and each prediction is a record of its own, whose id and version stand behind the row.

Columns that are no features are kept. Rows that the model refuses are set aside with the reason, in the file given by --rejected; the exit status is 65 then. After an interruption --resume goes on from the last rows that were on disk.`,
  args: [{ name: 'model', summary: 'Name of the model; with @VERSION or @ALIAS, that version', completes: 'model' }],
  options: OPTIONS,
  examples: [
    {
      line: 'bellwether predict churn --input customers.csv --output scored.parquet',
      does: 'the version that answers now',
    },
    {
      line: 'bellwether predict churn@1.0.0 -i customers.jsonl.gz -o scored.jsonl --record --purpose retention-offer',
      does: 'a pinned version, for a stated purpose, every prediction a record',
    },
  ],
  run: predictFile,
}

export const servingCommands: readonly Command[] = [predictCommand, bundleCommand, memoryCommand]

async function predictFile(context: CommandContext): Promise<number | undefined> {
  const { args, options, terminal } = context
  const [name, reference] = splitModel(args['model'] ?? '')
  const [input, output] = [String(options['input']), String(options['output'])]
  const ending = fileFormat(input, 'input').kind === 'csv' ? 'csv' : 'jsonl'
  fileFormat(output, 'output')
  const rejected = (options['rejected'] as string | undefined) ?? `${output}.rejected.${ending}`
  const settings = settingsOf(options)
  const client = await context.api()
  const version = await versionOf(client, name, reference)
  const startedAt = systemClock.now()
  const beganAt = performance.now()
  const scored = await scoredBy(context, { client, version, name, reference, input, output, rejected, settings })
  const seconds = (performance.now() - beganAt) / 1000
  const record = await recordBatch(client, version, scored, settings, startedAt)
  const done = scored.predicted + scored.rejected - scored.resumedAt
  const refusals = scored.rejected > 0 ? { rejectedFile: rejected } : {}
  const told = {
    model: name,
    version: version.version,
    predicted: scored.predicted,
    rejected: scored.rejected,
    seconds,
    output,
    ...refusals,
    record,
  }
  terminal.result(told, () =>
    [
      `Predicted ${numberText(scored.predicted)} rows with ${name}@${version.version} in ${seconds.toFixed(1)} s (${numberText(Math.round(done / Math.max(seconds, 0.001)))} rows/s): ${output}`,
      ...(scored.rejected > 0 ? [`Refused ${numberText(scored.rejected)} rows: ${rejected} says why`] : []),
      ...scored.notes.map(note => `Note: ${note}`),
      `Recorded as ${record}`,
    ].join('\n'),
  )
  return scored.rejected > 0 ? PROBLEMS.invalid.exit : undefined
}

interface Settings {
  readonly how: 'new' | 'resume' | 'restart'
  readonly threads: number
  readonly rowsMax: number
  readonly record: boolean
  readonly purpose: string | undefined
}

function settingsOf(options: CommandContext['options']): Settings {
  if (options['resume'] === true && options['restart'] === true) {
    throw new Problem('usage', 'Cannot both --resume and --restart')
  }
  return {
    how: options['resume'] === true ? 'resume' : options['restart'] === true ? 'restart' : 'new',
    threads: wholeOf('threads', options['threads'] ?? availableParallelism()),
    rowsMax: wholeOf('batch', options['batch']),
    record: options['record'] === true,
    purpose: options['purpose'] as string | undefined,
  }
}

function wholeOf(name: string, value: unknown): number {
  const number = Number(value)
  if (Number.isInteger(number) && number >= 1) return number
  throw new Problem('usage', `Cannot use --${name} ${number}: wanted a whole number, at least 1`)
}

interface Work {
  readonly client: Client
  readonly version: FetchedVersion
  readonly name: string
  readonly reference: string | undefined
  readonly input: string
  readonly output: string
  readonly rejected: string
  readonly settings: Settings
}

async function scoredBy({ terminal, signal }: CommandContext, work: Work): Promise<ScoredFile> {
  const { client, version, name, reference, input, output, rejected, settings } = work
  const { signature, artifact } = version
  const { how, threads, rowsMax, record, purpose } = settings
  const stated = purpose === undefined ? {} : { purpose }
  const pinned = reference === undefined ? '' : `/versions/${encodeURIComponent(reference)}`
  const path = `/models/${encodeURIComponent(name)}${pinned}/predict`
  const outputs = signature.outputs.map(output => output.name)
  const [{ recordAnswers }, { scoreFile }] = await Promise.all([
    import('./batch/record-answers.ts'),
    import('./batch/score-file.ts'),
  ])
  const answering = record
    ? { record: recordAnswers({ client, path, outputs, ...stated, rowsMax, signal }) }
    : { model: await modelOf(client, version, purpose) }
  const progress = terminal.progress(`Predicting ${input}`, PROGRESS_STEPS)
  const beganAt = performance.now()
  try {
    return await scoreFile({
      input,
      output,
      rejected,
      ...answering,
      signature,
      version: { model: name, version: version.version, artifact: artifact.sha256 },
      threads,
      how,
      signal,
      timer: () => performance.now(),
      onProgress({ predicted, rejected: refused }, share) {
        const perSecond = Math.round(((predicted + refused) / Math.max(1, performance.now() - beganAt)) * 1000)
        progress.update(
          Math.round(share * PROGRESS_STEPS),
          `${numberText(predicted + refused)} rows, ${numberText(perSecond)} rows/s`,
        )
      },
    })
  } finally {
    progress.end()
  }
}

const PROGRESS_STEPS = 1000

/** One record for the whole file. */
async function recordBatch(
  client: Client,
  version: FetchedVersion,
  { predicted, rejected, inputSha256, outputSha256 }: ScoredFile,
  { purpose, record }: Settings,
  startedAt: number,
): Promise<string> {
  const { id } = await client.json<{ id: string }>('POST', `${pathOf(version)}/batches`, {
    ...(purpose === undefined ? {} : { purpose }),
    artifactSha256: version.artifact.sha256,
    inputSha256,
    outputSha256,
    predicted,
    rejected,
    startedAt,
    recorded: record,
  })
  return id
}
