/** Scores a whole file on this machine: read in blocks, scored by threads, written in order, to be gone on with after a kill. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import type { SchemaElement } from 'hyparquet'
import { Problem } from '../../errors.ts'
import type { Model } from '../../predictor/model.ts'
import type { Signature } from '../../registry/signature.ts'
import { BatchOutput, PARQUET_HEAD } from './batch-output.ts'
import { type CsvLayout, csvLayout } from './csv-rows.ts'
import { type FileFormat, fileFormat } from './file-format.ts'
import { openParquet } from './parquet-rows.ts'
import { type Identity, openProgress, type Progress, type ProgressFile } from './progress-file.ts'
import { footerOf, schemaOf } from './row-group.ts'
import { type Block, type ScorePlan, scorerOf } from './score-block.ts'
import { type AnswerRows, scoreAll } from './score-pool.ts'
import { type Column, columnsOf, RECORD_COLUMNS, type ScoredRows } from './scored-rows.ts'
import { splitText } from './split-text.ts'
import { csvLine } from './write-text.ts'

/** Of Parquet, rows of one block. */
const BLOCK_ROWS = 32_768
/** Scoring a second's rows again costs a second. Where predictions become records, no more is repeated than must be. */
const SYNC_MS = 1_000

export interface ScoreJob {
  readonly input: string
  readonly output: string
  readonly rejected: string
  /** Absent where `record` answers. */
  readonly model?: Model
  readonly signature: Signature
  /** What is asked; goes into the metadata of a Parquet output. */
  readonly version: { readonly model: string; readonly version: string; readonly artifact: string }
  readonly threads: number
  /** Who answers and records the predictions; without, this machine scores and no prediction becomes a record. */
  readonly record?: AnswerRows
  readonly how: 'new' | 'resume' | 'restart'
  readonly signal: AbortSignal
  /** Milliseconds of a timer that never goes back. */
  readonly timer: () => number
  /** Told after each block; `share` of the input that is read, of 1. */
  readonly onProgress: (reached: Progress, share: number) => void
}

export interface ScoredFile {
  readonly predicted: number
  readonly rejected: number
  readonly inputSha256: string
  readonly outputSha256: string
  /** What a person should know: columns that were left out. */
  readonly notes: readonly string[]
  /** Rows that an earlier attempt had done. */
  readonly resumedAt: number
}

/** What the beginning of the input says. */
interface Opened {
  readonly format: FileFormat
  readonly layout?: CsvLayout
  /** All columns that can go to the output. */
  readonly columns: readonly string[]
  readonly elements: Readonly<Record<string, SchemaElement>>
  readonly begin: { readonly offset: number; readonly line: number }
  readonly rows?: number
  readonly notes: readonly string[]
}

/** Throws `usage`, `invalid` for an input that lacks features, `conflict` for one that has the answers' names. */
export async function scoreFile(job: ScoreJob): Promise<ScoredFile> {
  const output = fileFormat(job.output, 'output')
  const opened = await openInput(job.input)
  const plan = planOf(job, opened, output)
  const { size, mtimeMs } = await stat(job.input)
  const { model, version, artifact } = job.version
  const same = { input: job.input, inputBytes: size, inputModifiedAt: mtimeMs, model, version, artifact }
  const progress = await openProgress(
    `${job.output}.progress`,
    { ...same, rejected: job.rejected } satisfies Identity,
    job.how,
  )
  const files = await openOutput(job, plan, opened, progress)
  const resumedAt = files.reached.predicted + files.reached.rejected
  try {
    await scoreBlocks(job, plan, opened, files, size)
  } catch (error) {
    await files.stop()
    throw error
  }
  const tail = plan.schema === undefined ? new Uint8Array(0) : footerOf(plan.schema, files.groups, { ...job.version })
  const { predicted, rejected } = files.reached
  const [inputSha256, outputSha256] = [await sha256Of(job.input), await files.finish(tail)]
  return { predicted, rejected, inputSha256, outputSha256, notes: opened.notes, resumedAt }
}

async function openOutput(
  job: ScoreJob,
  plan: ScorePlan,
  opened: Opened,
  progress: ProgressFile,
): Promise<BatchOutput> {
  const { output, rejected, record, timer } = job
  const paths = { output, partial: `${output}.partial`, rejected }
  const heads = { head: headOf(plan, opened), rejectedHead: rejectedHeadOf(plan) }
  const syncMs = record === undefined ? SYNC_MS : 0
  try {
    return await BatchOutput.open({ paths, progress, ...heads, begin: opened.begin, syncMs }, timer())
  } catch (error) {
    await (progress.reached === undefined ? progress.remove() : progress.close())
    throw error
  }
}

async function scoreBlocks(
  job: ScoreJob,
  plan: ScorePlan,
  opened: Opened,
  files: BatchOutput,
  size: number,
): Promise<void> {
  const { timer, onProgress } = job
  let read = 0
  const blocks =
    opened.rows === undefined ? textBlocks(job, opened, files, bytes => (read += bytes)) : rowBlocks(opened.rows, files)
  const { threads, signal, record } = job
  const scoring = { plan, threads, signal, ...(record !== undefined && { answer: record }) }
  for await (const { scored, next } of scoreAll(scoring, blocks)) {
    await files.write(scored, next, timer())
    onProgress(files.reached, opened.rows === undefined ? read / size : next.offset / opened.rows)
  }
}

interface Asked {
  readonly block: Block
  readonly next: { readonly offset: number; readonly line: number }
}

async function* textBlocks(
  { input }: ScoreJob,
  { format }: Opened,
  { reached }: BatchOutput,
  onRead: (bytes: number) => void,
): AsyncGenerator<Asked> {
  const file = {
    path: input,
    gzip: format.gzip,
    quotes: format.kind === 'csv',
    onBytes: (bytes: Buffer) => onRead(bytes.length),
  }
  for await (const { line, bytes, nextOffset, nextLine } of splitText(file, reached)) {
    yield { block: { kind: 'text', line, bytes }, next: { offset: nextOffset, line: nextLine } }
  }
}

async function* rowBlocks(rows: number, { reached }: BatchOutput): AsyncGenerator<Asked> {
  for (let from = reached.offset; from < rows; from += BLOCK_ROWS) {
    const to = Math.min(rows, from + BLOCK_ROWS)
    yield { block: { kind: 'rows', from, to }, next: { offset: to, line: to + 1 } }
  }
}

async function openInput(path: string): Promise<Opened> {
  const format = fileFormat(path, 'input')
  if (format.kind === 'parquet') return openParquetInput(path, format)
  if (format.kind === 'jsonl') return { format, columns: [], elements: {}, begin: { offset: 0, line: 1 }, notes: [] }
  for await (const { bytes } of splitText({ path, gzip: format.gzip, quotes: true }, { offset: 0, line: 1 })) {
    const end = bytes.indexOf(0x0a)
    const head = end === -1 ? bytes : bytes.subarray(0, end)
    const layout = csvLayout(head)
    const twice = layout.header.find((name, at) => layout.header.indexOf(name) !== at)
    if (twice !== undefined)
      throw new Problem('invalid', `Cannot read ${path}: two columns are named ${JSON.stringify(twice)}`)
    return {
      format,
      layout,
      columns: layout.header,
      elements: {},
      begin: { offset: head.length + 1, line: 2 },
      notes: [],
    }
  }
  throw new Problem('invalid', `Cannot read ${path}: it is empty, wanted a header and rows`)
}

async function openParquetInput(path: string, format: FileFormat): Promise<Opened> {
  const file = await openParquet(path)
  await file.close()
  const { columns, nested, rows, metadata } = file
  const elements = Object.fromEntries(metadata.schema.map(element => [element.name, element]))
  const notes =
    nested.length === 0 ? [] : [`left out, because they hold more than one value a row: ${nested.join(', ')}`]
  return { format, columns, elements, begin: { offset: 0, line: 1 }, rows, notes }
}

function planOf({ input, model, signature, record }: ScoreJob, opened: Opened, output: FileFormat): ScorePlan {
  const { format, layout, columns, elements } = opened
  const features = signature.inputs.map(({ name }) => name)
  if (format.kind !== 'jsonl') requireFeatures(input, features, columns)
  const numbers = signature.outputs.map(
    ({ name, type }) => ({ name, type: type === 'string' ? type : 'number' }) as const,
  )
  const recorded = record === undefined ? [] : RECORD_COLUMNS.map(name => ({ name, type: 'string' }) as const)
  const answers = [...numbers, ...recorded]
  const twice = answers.find(({ name }) => columns.includes(name))
  if (twice !== undefined) {
    throw new Problem('conflict', `Cannot write the answers: the input has a column ${twice.name} already`)
  }
  // A CSV file keeps its rows as they are; for any other output the columns that are no features are carried along.
  const isCopied = format.kind === output.kind && format.kind !== 'parquet'
  const extras = isCopied ? [] : columns.filter(name => !features.includes(name))
  const base = { ...(model && { model }), signature, input: format.kind, inputPath: input, output, extras, answers }
  const plan: ScorePlan = layout === undefined ? base : { ...base, layout }
  return output.kind === 'parquet' ? { ...plan, schema: schemaOf(emptyColumns(plan), elements) } : plan
}

/** The columns of the output, without rows. */
function emptyColumns(plan: ScorePlan): Column[] {
  const none = new Int32Array(0)
  const extras = plan.extras.map(name => ({ name, values: [] }))
  const parsed = { count: 0, values: new Float64Array(0), lines: none, starts: none, ends: none, extras, faults: [] }
  const rows: ScoredRows = { parsed, kept: none, answers: { outputs: [], faults: new Map() }, faults: [] }
  return columnsOf(scorerOf(plan), rows, plan.answers)
}

function requireFeatures(path: string, features: readonly string[], columns: readonly string[]): void {
  const missing = features.filter(name => !columns.includes(name))
  if (missing.length === 0) return
  const found = columns.length === 0 ? 'none' : columns.join(', ')
  const fields = missing.map(name => ({ field: name, problem: 'has no column' }))
  throw new Problem(
    'invalid',
    `Cannot score ${path}: the model wants columns ${missing.join(', ')}; the file has ${found}`,
    { fields },
  )
}

function headOf(plan: ScorePlan, { layout }: Opened): Uint8Array {
  const { kind, gzip } = plan.output
  if (kind === 'parquet') return PARQUET_HEAD
  if (kind === 'jsonl') return new Uint8Array(0)
  const answers = plan.answers.map(({ name }) => name)
  const names = layout === undefined ? emptyColumns(plan).map(({ name }) => name) : [...layout.header, ...answers]
  const line = Buffer.from(csvLine(names, delimiterOf(layout)))
  return gzip ? gzipSync(line) : line
}

/** Refused rows of CSV are CSV, with line and reason before what stood there; of other formats, JSON Lines. */
function rejectedHeadOf({ layout }: ScorePlan): Uint8Array {
  return Buffer.from(layout === undefined ? '' : csvLine(['line', 'reason', ...layout.header], delimiterOf(layout)))
}

function delimiterOf(layout: CsvLayout | undefined): string {
  return layout === undefined ? ',' : String.fromCharCode(layout.delimiter)
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
