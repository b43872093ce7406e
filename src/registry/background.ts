/**
 * The background sample: some rows of the reference data, kept so that an answer can be compared with others. Methods that
 * ask the model about rows half this and half that (KernelSHAP, LIME, interventional SHAP) take the others from here.
 */
import { Problem } from '../errors.ts'
import { seededRandom } from '../math/random.ts'
import type { Background as Rows } from '../predictor/explainer.ts'
import type { EncodedColumn } from './rows.ts'

export const BACKGROUND_ROWS_MAX = 200

/** The same rows for the same data. */
const SEED = 20_251_122

export interface Background {
  readonly format: 1
  readonly features: readonly string[]
  /** As the model receives them, in the order of the signature; `null` is missing. */
  readonly rows: readonly (readonly (number | null)[])[]
}

/** A sample without replacement, in the order of the data. */
export function backgroundOf(
  features: readonly string[],
  columns: readonly Pick<EncodedColumn, 'values'>[],
  rows: number,
): Background {
  const random = seededRandom(SEED)
  const chosen: number[] = []
  // Knuth, The Art of Computer Programming vol. 2, algorithm 3.4.2S: each row with the chance that is left.
  for (let row = 0; row < rows && chosen.length < BACKGROUND_ROWS_MAX; row++) {
    if ((rows - row) * random() < Math.min(BACKGROUND_ROWS_MAX, rows) - chosen.length) chosen.push(row)
  }
  const cell = (value: number): number | null => (Number.isNaN(value) ? null : value)
  return { format: 1, features, rows: chosen.map(row => columns.map(({ values }) => cell(values[row]!))) }
}

/** The sample as a predictor takes it, of `width` columns; @param columnOf says which one takes the feature of a name. */
export function backgroundRows(
  { features, rows }: Background,
  width: number,
  columnOf: (feature: string) => number | undefined,
): Rows {
  const values = new Float64Array(rows.length * width).fill(Number.NaN)
  for (const [at, name] of features.entries()) {
    const column = columnOf(name)
    if (column === undefined) continue
    for (const [row, cells] of rows.entries()) values[row * width + column] = cells[at] ?? Number.NaN
  }
  return { rows: values, count: rows.length }
}

/** Reads the JSON form. Throws `corrupt` where it is none. */
export function parseBackground(text: string): Background {
  const value: unknown = JSON.parse(text)
  if (typeof value === 'object' && value !== null && 'format' in value && value.format === 1) return value as Background
  throw new Problem('corrupt', 'Cannot read the background sample: its format is not known')
}
