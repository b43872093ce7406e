/** A block of a file into the bytes that go to the output and to the file of refused rows. What a thread does all day. */
import { gzipSync } from 'node:zlib'
import type { RowGroup, SchemaElement } from 'hyparquet'
import type { Model } from '../../predictor/model.ts'
import { predictorOf } from '../../predictor/model.ts'
import type { Signature } from '../../registry/signature.ts'
import { type CompiledSignature, compileSignature } from '../signature.ts'
import { type CsvLayout, csvRows } from './csv-rows.ts'
import type { FileFormat, FileKind } from './file-format.ts'
import { jsonRows } from './json-rows.ts'
import { type ParquetFile, parquetRows } from './parquet-rows.ts'
import { type ParsedRows, type RowFault, rowJson, type Scorer } from './parsed-rows.ts'
import { makeGroup } from './row-group.ts'
import {
  type Answers,
  columnsOf,
  localAnswers,
  type OutputColumn,
  type ScoredRows,
  withAnswers,
} from './scored-rows.ts'
import { csvAfterCsv, csvLine, csvOf, jsonAfterJson, jsonOf } from './write-text.ts'

/** Everything that is the same for all blocks of a file; goes to each thread once. */
export interface ScorePlan {
  /** Absent where somebody else answers. */
  readonly model?: Model
  readonly signature: Signature
  readonly input: FileKind
  /** Where a thread reads Parquet itself. */
  readonly inputPath: string
  readonly output: FileFormat
  /** Of a CSV input. */
  readonly layout?: CsvLayout
  /** Columns of the input that are no features and go to the output. */
  readonly extras: readonly string[]
  /** Of a Parquet output. */
  readonly schema?: SchemaElement[]
  /** What stands behind each row. */
  readonly answers: readonly OutputColumn[]
}

/** Asks somebody else for the answers to rows. */
export type Ask = (parsed: ParsedRows, signature: CompiledSignature) => Promise<Answers>

export type Block =
  /** Whole lines. */
  | { readonly kind: 'text'; readonly line: number; readonly bytes: Uint8Array }
  | { readonly kind: 'rows'; readonly from: number; readonly to: number }

export interface ScoredBlock {
  readonly predicted: number
  readonly rejected: number
  readonly output: Uint8Array
  readonly rejections: Uint8Array
  /** Of a Parquet output with rows; its offsets count from the first byte of `output`. */
  readonly group?: RowGroup
}

export function scorerOf({ model, signature }: Pick<ScorePlan, 'model' | 'signature'>): Scorer {
  const names = {
    features: signature.inputs.map(({ name }) => name),
    named: true,
    outputCount: signature.outputs.length,
  }
  const predictor = model && predictorOf(model)
  const outputs = signature.outputs.map(({ name }) => name)
  return { signature: compileSignature(signature, predictor ?? names), outputs, ...(predictor && { predictor }) }
}

/**
 * @param parquet the input, opened, where it is Parquet.
 * @param ask who answers; the model itself, if nobody else.
 */
export async function scoreBlock(
  plan: ScorePlan,
  scorer: Scorer,
  block: Block,
  parquet: ParquetFile | undefined,
  ask: Ask | undefined,
): Promise<ScoredBlock> {
  const parsed = await parse(plan, scorer, block, parquet)
  const bytes = block.kind === 'text' ? bufferOf(block.bytes) : Buffer.alloc(0)
  const answers = await answersTo(parsed, scorer, ask)
  const scored = withAnswers(parsed, answers, row => rowTextOf(scorer, parsed, bytes, row))
  const rejections = Buffer.from(scored.faults.map(fault => faultLine(plan, fault)).join(''))
  const counts = { predicted: scored.kept.length, rejected: scored.faults.length, rejections }
  if (plan.output.kind === 'parquet') {
    if (scored.kept.length === 0) return { ...counts, output: new Uint8Array(0) }
    const { bytes: output, group } = makeGroup(
      plan.schema!,
      columnsOf(scorer, scored, plan.answers),
      scored.kept.length,
    )
    return { ...counts, output, group }
  }
  const text = textOf(plan, scorer, scored, bytes)
  // Members of gzip may follow one another: so each block is packed by its thread.
  return { ...counts, output: plan.output.gzip && text.length > 0 ? gzipSync(text, { level: 6 }) : text }
}

async function answersTo(parsed: ParsedRows, scorer: Scorer, ask: Ask | undefined): Promise<Answers> {
  return ask === undefined ? localAnswers(scorer, parsed) : ask(parsed, scorer.signature)
}

async function parse(
  { input, layout, extras }: ScorePlan,
  scorer: Scorer,
  block: Block,
  parquet: ParquetFile | undefined,
): Promise<ParsedRows> {
  if (block.kind === 'rows') return parquetRows(parquet!, block.from, block.to, scorer, extras)
  const bytes = bufferOf(block.bytes)
  return input === 'csv' ? csvRows(bytes, block.line, layout!, scorer, extras) : jsonRows(bytes, block.line, scorer)
}

function textOf(plan: ScorePlan, scorer: Scorer, scored: ScoredRows, bytes: Buffer): Buffer {
  const { input, output, layout } = plan
  if (output.kind === 'csv') {
    if (input === 'csv') return csvAfterCsv(bytes, scored, layout!.delimiter)
    return csvOf(columnsOf(scorer, scored, plan.answers), scored.kept.length)
  }
  if (input === 'jsonl')
    return jsonAfterJson(
      bytes,
      scored,
      plan.answers.map(({ name }) => name),
    )
  return jsonOf(columnsOf(scorer, scored, plan.answers), scored.kept.length, plan.answers.length)
}

/** A row of text as it stands; one of Parquet by its features. */
function rowTextOf({ signature }: Scorer, { starts, ends, values }: ParsedRows, bytes: Buffer, row: number): string {
  if (bytes.length > 0) return bytes.toString('utf8', starts[row], ends[row])
  return rowJson(signature, values, row)
}

function faultLine({ layout }: ScorePlan, { line, reason, row }: RowFault): string {
  if (layout === undefined) return `${JSON.stringify({ line, reason, row })}\n`
  const delimiter = String.fromCharCode(layout.delimiter)
  return `${csvLine([line, reason], delimiter).slice(0, -1)}${delimiter}${row}\n`
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
