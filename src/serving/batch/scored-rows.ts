/** Rows of a block with their answers. */
import type { Feature } from '../../registry/signature.ts'
import type { ExtraColumn, ParsedRows, RowFault, Scorer } from './parsed-rows.ts'

/** Answers to all rows of a block. A row that has a fault has no answer that counts. */
export interface Answers {
  /** By output, then by row. */
  readonly outputs: readonly ArrayLike<number | string>[]
  /** Of predictions that are records: their ids, and the version that answered. */
  readonly recorded?: { readonly ids: readonly string[]; readonly versions: readonly string[] }
  /** By row, what is wrong. */
  readonly faults: ReadonlyMap<number, string>
}

export interface ScoredRows {
  readonly parsed: ParsedRows
  readonly answers: Answers
  /** Rows of `parsed` that have an answer, in order. */
  readonly kept: Int32Array
  /** All, by line. */
  readonly faults: readonly RowFault[]
}

/** Rows predicted at once. */
const SLICE_ROWS = 4096
/** Columns behind the outputs where predictions are records. */
export const RECORD_COLUMNS = ['prediction_id', 'model_version'] as const

/** Asks the model. Rows for which it answers no finite number are faults. */
export function localAnswers({ predictor, outputs: names }: Scorer, { values, count: rowCount }: ParsedRows): Answers {
  if (predictor === undefined) throw new Error('Cannot score: there is no model, and nobody to ask')
  const width = predictor.features.length
  const count = names.length
  const outputs = names.map(() => new Float64Array(rowCount))
  const slice = new Float64Array(SLICE_ROWS * count)
  const faults = new Map<number, string>()
  for (let from = 0; from < rowCount; from += SLICE_ROWS) {
    const rows = Math.min(SLICE_ROWS, rowCount - from)
    predictor.predict(values.subarray(from * width, (from + rows) * width), rows, slice)
    for (let output = 0; output < count; output++) {
      const column = outputs[output]!
      for (let row = 0; row < rows; row++) {
        const value = slice[row * count + output]!
        column[from + row] = value
        if (!Number.isFinite(value)) faults.set(from + row, `the model answered ${value} for ${names[output]}`)
      }
    }
  }
  return { outputs, faults }
}

/** @param rowText a row of the block as it stands in its file. */
export function withAnswers(parsed: ParsedRows, answers: Answers, rowText: (row: number) => string): ScoredRows {
  const kept = new Int32Array(parsed.count - answers.faults.size)
  let good = 0
  for (let row = 0; row < parsed.count; row++) if (!answers.faults.has(row)) kept[good++] = row
  const wrong = [...answers.faults].map(
    ([row, reason]): RowFault => ({ line: parsed.lines[row]!, reason, row: rowText(row) }),
  )
  const faults = [...parsed.faults, ...wrong].sort((a, b) => a.line - b.line)
  return { parsed, answers, kept, faults }
}

export interface Column {
  readonly name: string
  readonly type: 'number' | 'boolean' | 'string' | 'extra'
  readonly nullable: boolean
  /** Of numbers a `Float64Array`, NaN where one is missing. */
  readonly values: ArrayLike<unknown>
}

/** The features as the model got them, the extra columns, and the answers: what a file of another format is made of. */
export function columnsOf({ signature }: Scorer, scored: ScoredRows, outputs: readonly OutputColumn[]): Column[] {
  const { parsed, kept, answers } = scored
  const features = signature.inputs.map((feature, input) =>
    featureColumn(feature, signature.columns[input]!, signature.width, scored),
  )
  const extras = parsed.extras.map(({ name, values }: ExtraColumn): Column => {
    return { name, type: 'extra', nullable: true, values: picked(kept, row => values[row]) }
  })
  const all = answerColumns(answers)
  const answered = outputs.map(({ name, type }, at): Column => {
    const values = all[at] ?? []
    if (kept.length === values.length && type !== 'number') return { name, type, nullable: false, values }
    if (type === 'number')
      return { name, type, nullable: false, values: numbersOf(values as ArrayLike<number>, kept, 1, 0) }
    return { name, type, nullable: false, values: picked(kept, row => values[row]) }
  })
  return [...features, ...extras, ...answered]
}

export interface OutputColumn {
  readonly name: string
  readonly type: 'number' | 'string'
}

/** The columns behind a row: outputs, and where predictions are records, which. */
export function answerColumns({ outputs, recorded }: Answers): readonly ArrayLike<number | string>[] {
  return recorded === undefined ? outputs : [...outputs, recorded.ids, recorded.versions]
}

function featureColumn(feature: Feature, at: number, width: number, { parsed, kept }: ScoredRows): Column {
  const { name, type, nullable, categories } = feature
  const numbers = numbersOf(parsed.values, kept, width, at)
  if (type === 'string') {
    return { name, type: 'string', nullable, values: picked(numbers, code => categories?.[code] ?? null) }
  }
  if (type === 'boolean') {
    const flags = picked(numbers, flag => (Number.isNaN(flag) ? null : flag === 1))
    return { name, type: 'boolean', nullable, values: flags }
  }
  return { name, type: 'number', nullable, values: numbers }
}

/** Every `width`th number from `at` on, of the rows kept. */
function numbersOf(values: ArrayLike<number>, kept: Int32Array, width: number, at: number): Float64Array {
  const numbers = new Float64Array(kept.length)
  for (let row = 0; row < kept.length; row++) numbers[row] = values[kept[row]! * width + at]!
  return numbers
}

/** A loop, because `Array.from` walks typed arrays by their iterator, ten times as slow. */
function picked<T>(from: Int32Array | Float64Array, value: (item: number) => T): T[] {
  const all = new Array<T>(from.length)
  for (let row = 0; row < from.length; row++) all[row] = value(from[row]!)
  return all
}
