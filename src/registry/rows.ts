/** Rows of a data set as the model receives them. */
import type { Column } from '../data/column.ts'
import type { CsvTable } from '../data/csv.ts'
import { Problem } from '../errors.ts'
import type { AnyPredictor, ModelHead } from '../predictor/predictor.ts'
import type { Feature, Signature } from './signature.ts'

const BATCH_ROWS = 4096

export interface EncodedColumn {
  /** What the model receives: a number, 0 or 1, a code; NaN is missing, -1 an unseen text to a model that tells it from a missing one. */
  readonly values: Float64Array
  /** Rows with a text that is none of the categories. */
  readonly other: number
}

const UNSEEN: Readonly<Record<ModelHead['unseen'], number>> = { missing: Number.NaN, other: -1 }

/**
 * One column, encoded as its feature says.
 *
 * @param what names the data in errors.
 * @param unseen what the model makes of a text that is none of the categories.
 */
function encodeColumn(
  feature: Feature,
  column: Column | undefined,
  what: string,
  unseen: ModelHead['unseen'],
): EncodedColumn {
  if (column === undefined || column.kind === 'text')
    throw new Problem('invalid', `Cannot use ${what}: no usable column ${feature.name}`)
  if (feature.type !== 'string') {
    if (column.kind !== 'string') return { values: column.values, other: 0 }
    const { text, line } = column.example
    throw new Problem(
      'invalid',
      `Cannot use ${what}: ${feature.name} is ${JSON.stringify(text)} in line ${line}, wanted ${feature.type}`,
    )
  }
  if (column.kind !== 'string')
    return {
      values: column.values.map(value => (Number.isNaN(value) ? value : UNSEEN[unseen])),
      other: column.values.length - column.missing,
    }
  const codes = column.texts.map(text => feature.categories?.indexOf(text) ?? -1)
  let other = 0
  const values = Float64Array.from(column.codes, code => {
    if (code < 0) return Number.NaN
    const category = codes[code]!
    if (category >= 0) return category
    other++
    return UNSEEN[unseen]
  })
  return { values, other }
}

/** A profile tells unseen texts from missing ones itself, so `unseen` matters to whoever asks the model. */
export function encodeTable(
  signature: Signature,
  table: CsvTable,
  what: string,
  unseen: ModelHead['unseen'] = 'missing',
): readonly EncodedColumn[] {
  return signature.inputs.map(feature => encodeColumn(feature, table.columns.get(feature.name), what, unseen))
}

/** Answers of the model to all rows, one column for each output. */
export async function predictColumns(
  predictor: AnyPredictor,
  columns: readonly EncodedColumn[],
  rows: number,
): Promise<readonly Float64Array[]> {
  const width = columns.length
  const outputs = Array.from({ length: predictor.outputCount }, () => new Float64Array(rows))
  const batch = new Float64Array(BATCH_ROWS * width)
  const answers = new Float64Array(BATCH_ROWS * outputs.length)
  for (let start = 0; start < rows; start += BATCH_ROWS) {
    const count = Math.min(BATCH_ROWS, rows - start)
    for (const [at, { values }] of columns.entries()) {
      for (let row = 0; row < count; row++) batch[row * width + at] = values[start + row]!
    }
    await predictor.predict(batch, count, answers)
    for (const [at, output] of outputs.entries()) {
      for (let row = 0; row < count; row++) output[start + row] = answers[row * outputs.length + at]!
    }
  }
  return outputs
}
