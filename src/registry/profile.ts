/**
 * The reference profile: counts that describe training data, feature by feature and output by output. Serving makes the
 * same counts of live traffic with a `Binning`, and statistics compare the two without seeing a row.
 *
 * Values are those the model receives: a boolean is 0 or 1, a text its code, NaN is missing. The JSON form (`format: 1`) is
 * described in `docs/model-yaml.md`.
 */
import { Problem } from '../errors.ts'
import { binsOf, slotOf, slotsOf } from '../math/bins.ts'
import { sortedValues } from '../math/quantiles.ts'

/** Bins of a numeric column, at most; a column with no more distinct values has a bin for each of them. */
export const BINS_MAX = 128

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

/**
 * Profiles a column of numbers. Where there are more than `BINS_MAX` distinct values, bins hold about equally many rows; a
 * value that alone fills a bin has one of its own, so that a spike (a balance of 0) is not blurred with its neighbours.
 */
export function profileNumbers(name: string, values: Float64Array): NumericProfile {
  const sorted = sortedValues(values)
  const { distinct, counts } = runs(sorted)
  const missing = values.length - sorted.length
  const maximum = (sorted.at(-1) ?? 0) + 0 // −0 is 0: JSON has no sign for it
  if (distinct.length <= BINS_MAX) return { name, kind: 'numeric', lowers: distinct, maximum, counts, missing }
  return { name, kind: 'numeric', ...quantileBins(distinct, counts, sorted.length), maximum, missing }
}

/** @param codes numbers of categories; NaN is missing. @param other rows whose text is no category (their code is NaN, too). */
export function profileCategories(
  name: string,
  categories: readonly string[],
  codes: Float64Array,
  other: number,
): CategoricalProfile {
  const counts = new Array<number>(categories.length).fill(0)
  let absent = 0
  for (const code of codes) {
    if (Number.isNaN(code)) absent++
    else counts[code]!++
  }
  return { name, kind: 'categorical', categories, counts, other, missing: absent - other }
}

/** The counters of a column, and what finds the one for a value. */
export function binning(profile: ColumnProfile): Binning {
  if (profile.kind === 'numeric') {
    const bins = binsOf(profile.lowers, profile.maximum)
    return { slots: slotsOf(bins), slotOf: value => slotOf(bins, value) }
  }
  const count = profile.categories.length
  return {
    slots: count + 2,
    slotOf(value: number): number {
      if (Number.isNaN(value)) return count + 1
      return value >= 0 && value < count && Number.isInteger(value) ? value : count
    },
  }
}

/** The reference's own counts, slot by slot as `binning` numbers them. */
export function slotCounts(profile: ColumnProfile): readonly number[] {
  return profile.kind === 'numeric'
    ? [...profile.counts, 0, 0, profile.missing]
    : [...profile.counts, profile.other, profile.missing]
}

/** Reads the JSON form. Throws `corrupt` where it is none, or one of a version that is not known. */
export function parseProfile(text: string): ReferenceProfile {
  const value: unknown = JSON.parse(text)
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined
  if (format !== 1) throw new Problem('corrupt', `Cannot read the reference profile: its format is ${format}, wanted 1`)
  return value as ReferenceProfile
}

function runs(sorted: Float64Array): { distinct: number[]; counts: number[] } {
  const distinct: number[] = []
  const counts: number[] = []
  for (let index = 0; index < sorted.length; index++) {
    const value = sorted[index]! + 0
    if (distinct.length > 0 && distinct.at(-1) === value) counts[counts.length - 1]!++
    else {
      distinct.push(value)
      counts.push(1)
    }
  }
  return { distinct, counts }
}

/** Fills bins from the left, each with its share of the rows that are left; closes one early before a value that fills its own. */
function quantileBins(
  distinct: readonly number[],
  rows: readonly number[],
  total: number,
): { lowers: number[]; counts: number[] } {
  const lowers: number[] = []
  const counts: number[] = []
  let left = total
  let size = 0
  let target = 0
  for (const [index, value] of distinct.entries()) {
    const here = rows[index]!
    const full = size >= target || here >= target
    if (lowers.length === 0 || (full && lowers.length < BINS_MAX)) {
      left -= size
      target = left / (BINS_MAX - lowers.length)
      lowers.push(value)
      counts.push(0)
      size = 0
    }
    size += here
    counts[counts.length - 1]! += here
  }
  return { lowers, counts }
}
