/** The data of a validation: what the model is asked, what really happened, and the columns by which rows are told apart. */
import { keyOf, momentOf } from '../../data/cell-numbers.ts'
import type { Column } from '../../data/column.ts'
import { type CsvTable, readCsv } from '../../data/csv.ts'
import { Problem } from '../../errors.ts'
import type { AnyPredictor, ModelHead } from '../../predictor/predictor.ts'
import { requireColumns } from '../../registry/infer.ts'
import { THRESHOLD, truthOf } from '../../registry/measure.ts'
import { encodeTable, predictColumns } from '../../registry/rows.ts'
import type { ModelVersion } from '../../registry/version.ts'
import type { JudgedTask, Scored } from './measures.ts'

/** A version that answers. */
export interface Contender {
  readonly version: ModelVersion
  readonly predictor: AnyPredictor
  readonly classes?: readonly string[]
}

export interface Prepared {
  readonly rows: number
  /** A column a feature, in the order of the signature, as the model receives it. */
  readonly features: readonly Float64Array[]
  /** What really happened; absent where the file does not say. */
  readonly truth?: Float64Array
  readonly table: CsvTable
}

export interface Extra {
  /** Columns beside features and target, to be read as they are. */
  readonly columns: readonly string[]
  readonly group?: string
  readonly time?: string
  /** Whether the target must be there. */
  readonly truth: 'needed' | 'wanted'
}

/** Reads a data set for a version. Throws `invalid` naming columns that it lacks. */
export async function prepare(
  { version, predictor, classes }: Contender,
  source: AsyncIterable<Uint8Array>,
  what: string,
  extra: Extra,
): Promise<Prepared> {
  const { signature, target } = version
  const names = signature.inputs.map(({ name }) => name)
  const own = new Set(names)
  const numbers = new Map<string, (cell: string) => number>()
  if (extra.group !== undefined && !own.has(extra.group)) numbers.set(extra.group, keyOf)
  if (extra.time !== undefined && !own.has(extra.time)) numbers.set(extra.time, momentOf)
  const needed = [...names, ...extra.columns, ...numbers.keys()]
  if (extra.truth === 'needed') needed.push(requireTarget(version))
  const texts = new Set(signature.inputs.filter(({ type }) => type === 'string').map(({ name }) => name))
  const table = await readCsv(source, {
    what,
    texts,
    numbers,
    keep: header => {
      requireColumns(header, needed, what)
      const wanted = target !== undefined && header.includes(target) ? [...needed, target] : needed
      return [...new Set(wanted)]
    },
  })
  const task = requireTask(version)
  const truth =
    target !== undefined && table.columns.has(target)
      ? truthOf(table, target, { task, ...(classes === undefined ? {} : { classes }) }, what)
      : undefined
  const features = encodeTable(signature, table, what, predictor.unseen).map(({ values }) => values)
  return { rows: table.rows, features, table, ...(truth === undefined ? {} : { truth }) }
}

/** What the version answers to rows whose truth is known. */
export async function score(
  contender: Contender,
  { rows, truth }: { readonly rows: number; readonly truth: Float64Array },
  features: readonly Float64Array[],
): Promise<Scored> {
  const { version, predictor } = contender
  const task = requireTask(version)
  const raw = await predictColumns(
    predictor,
    features.map(values => ({ values, other: 0 })),
    rows,
  )
  const answers = predictor.answers === 'log-odds' ? raw.map(column => column.map(logistic)) : raw
  const threshold = version.threshold ?? THRESHOLD
  return {
    task,
    truth,
    answers,
    called: calledBy(task, answers, threshold),
    threshold,
    isProbability: predictor.answers === 'probability' || predictor.answers === 'log-odds',
  }
}

/** Throws `invalid` for a task whose answers have no truth to be near to. */
export function requireTask({ model, version, task, signature }: ModelVersion): JudgedTask {
  const several = task !== 'multiclass' && signature.outputs.length > 1
  if ((task === 'binary' || task === 'multiclass' || task === 'regression') && !several) return task
  const found = several ? `it answers ${signature.outputs.length} targets` : `it is a model of ${task}`
  throw new Problem('invalid', `Cannot validate ${model}@${version}: ${found}, wanted binary, multiclass or regression`)
}

function requireTarget({ model, version, target }: ModelVersion): string {
  if (target !== undefined) return target
  throw new Problem(
    'invalid',
    `Cannot validate ${model}@${version}: model.yaml named no target when it was registered, the column of what really happened`,
    { fields: [{ field: 'target', problem: 'is missing' }] },
  )
}

/** Numbers by which the cells of a column are told apart, the same in every file; NaN is missing. */
export function keysOf(column: Column): Float64Array {
  if (column.kind === 'text') return new Float64Array(0)
  if (column.kind !== 'string') return column.values
  const keys = column.texts.map(keyOf)
  return Float64Array.from(column.codes, code => (code < 0 ? Number.NaN : keys[code]!))
}

function calledBy(task: JudgedTask, answers: readonly Float64Array[], threshold: number): Float64Array {
  const [first] = answers as [Float64Array]
  if (task === 'regression') return first
  if (task === 'binary') return first.map(value => (value >= threshold ? 1 : 0))
  if (answers.length === 1) return first
  return first.map((start, row) => {
    let [best, most] = [0, start]
    for (let at = 1; at < answers.length; at++) if (answers[at]![row]! > most) [best, most] = [at, answers[at]![row]!]
    return best
  })
}

function logistic(odds: number): number {
  return 1 / (1 + Math.exp(-odds))
}

/** Names of the classes by number, where answers are of several. */
export function classesOf({ task }: ModelVersion, head: ModelHead, outputCount: number): readonly string[] | undefined {
  if (task !== 'multiclass' || outputCount === 1) return head.classes
  return head.classes ?? Array.from({ length: outputCount }, (_, at) => String(at))
}
