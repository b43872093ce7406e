/**
 * The reference profile: counts that describe training data, feature by feature and output by output. Serving makes the
 * same counts of live traffic with `slotOf`, and statistics compare the two without seeing a row.
 *
 * Values are those the model receives: a boolean is 0 or 1, a text its code, NaN is missing.
 */

export interface NumericProfile {
  readonly name: string
  readonly kind: 'numeric'
  /** Lower bounds of the bins, ascending. Bin i holds `lowers[i]` ≤ v < `lowers[i + 1]`; the last one, up to `maximum`. */
  readonly lowers: readonly number[]
  readonly maximum: number
  /** Rows by bin. */
  readonly counts: readonly number[]
  readonly missing: number
}

export interface CategoricalProfile {
  readonly name: string
  readonly kind: 'categorical'
  /** In code order. */
  readonly categories: readonly string[]
  /** Rows by category. */
  readonly counts: readonly number[]
  /** Rows with a text that is none of the categories. */
  readonly other: number
  readonly missing: number
}

export type ColumnProfile = NumericProfile | CategoricalProfile

export interface ReferenceProfile {
  /** Of this JSON form; a reader refuses a number it does not know. */
  readonly format: 1
  readonly rows: number
  readonly features: readonly ColumnProfile[]
  readonly outputs: readonly ColumnProfile[]
}

/**
 * Counts values of one column. A column has `slots` counters: its bins or categories first, then, for numbers, values
 * below and above the reference's range, for categories, others; the last slot is `missing`.
 */
export interface Binning {
  readonly slots: number
  /** The counter of a value, 0 … `slots` − 1. */
  slotOf(value: number): number
}
