/** Parts of the evaluation data, each judged alone: a good mean may hide a group for which the model is bad. */
import type { Estimate } from '../../math/inference/estimate.ts'
import { quantile, sortedValues } from '../../math/quantiles.ts'
import type { Random } from '../../math/random.ts'
import type { Feature } from '../../registry/signature.ts'
import type { DeclaredValidation, JudgedMetric } from '../../registry/validation-keys.ts'
import { estimate, MEASURES, picked, type Scored } from './measures.ts'
import type { Prepared } from './prepare.ts'
import { type Check, percent, type SliceRow, shown } from './report.ts'

export const SLICE_ROWS_MIN = 50
/** Of each class, for metrics that need both. */
const CLASS_ROWS_MIN = 10
const WARNING_DROP = 0.1
/** Numbers of so few values are told apart one by one, others by quarters. */
const VALUES_MAX = 6
/** Of one column, the largest ones. */
const SLICES_MAX = 20

export interface Slice {
  readonly column: string
  readonly name: string
  readonly rows: Uint32Array
}

type Declared = NonNullable<DeclaredValidation['slices']>

/** The columns that are told apart where model.yaml does not say. */
export function defaultSliceColumns(inputs: readonly Feature[]): string[] {
  const isTold = (feature: Feature): boolean =>
    feature.protected || feature.type === 'string' || feature.type === 'boolean'
  return inputs.filter(isTold).map(({ name }) => name)
}

/** @param columns of the evaluation data, features or not. */
export function slicesOf(evaluation: Prepared, inputs: readonly Feature[], columns: readonly string[]): Slice[] {
  return columns.flatMap(column => {
    const at = inputs.findIndex(({ name }) => name === column)
    const categories = at < 0 ? undefined : inputs[at]!.categories
    const read = evaluation.table.columns.get(column)
    if (read === undefined || read.kind === 'text') return []
    if (categories !== undefined) return byValue(column, evaluation.features[at]!, code => categories[code] ?? 'other')
    if (read.kind === 'string')
      return byValue(
        column,
        Float64Array.from(read.codes, code => (code < 0 ? Number.NaN : code)),
        code => read.texts[code]!,
      )
    const distinct = new Set(sortedValues(read.values))
    const asWord = read.kind === 'boolean' ? (value: number) => String(value === 1) : String
    return distinct.size <= VALUES_MAX ? byValue(column, read.values, asWord) : byQuarters(column, read.values)
  })
}

function byValue(column: string, values: Float64Array, nameOf: (value: number) => string): Slice[] {
  const rowsOf = Map.groupBy(
    Array.from(values, (_, row) => row),
    row => (Number.isNaN(values[row]) ? 'missing' : values[row]!),
  )
  return [...rowsOf]
    .map(([value, rows]) => ({
      column,
      name: typeof value === 'string' ? value : nameOf(value),
      rows: Uint32Array.from(rows),
    }))
    .sort((a, b) => b.rows.length - a.rows.length || (a.name < b.name ? -1 : 1))
    .slice(0, SLICES_MAX)
}

function byQuarters(column: string, values: Float64Array): Slice[] {
  const sorted = sortedValues(values)
  const bounds = [...new Set([0, 0.25, 0.5, 0.75].map(p => quantile(sorted, p)))]
  const most = sorted.at(-1)!
  const slices = bounds.map((from, at) => {
    const to = bounds[at + 1] ?? Infinity
    const rows = Array.from(values, (_, row) => row).filter(row => values[row]! >= from && values[row]! < to)
    const name = to === Infinity ? `${shown(from)} to ${shown(most)}` : `${shown(from)} to below ${shown(to)}`
    return { column, name, rows: Uint32Array.from(rows) }
  })
  const missing = Uint32Array.from(values, (_, row) => row).filter(row => Number.isNaN(values[row]))
  return missing.length === 0 ? slices : [...slices, { column, name: 'missing', rows: missing }]
}

/**
 * Judges slices by a metric. Their intervals hold together: each has the level 1 − (1 − level) / number of slices (Bonferroni), so
 * that one of many slices is not bad by chance.
 */
export function judgeSlices(
  scored: Scored,
  slices: readonly Slice[],
  metric: JudgedMetric,
  { maximumDrop, minimumRows = SLICE_ROWS_MIN }: Declared,
  level: number,
  random: Random,
): { readonly rows: readonly SliceRow[]; readonly checks: readonly Check[] } {
  const { better, of } = MEASURES[metric]
  const whole = of(scored)
  const judged = slices.map(({ column, name, rows }) => {
    const part = picked(scored, rows)
    return { column, slice: name, part: hasEnough(part, minimumRows) ? part : undefined, rows: rows.length }
  })
  const many = judged.filter(({ part }) => part !== undefined).length
  const corrected = 1 - (1 - level) / Math.max(1, many)
  const checks: Check[] = []
  const rows = judged.map(({ column, slice, part, rows: count }): SliceRow => {
    const found = part && estimate(metric, part, corrected, random)
    if (found === undefined) return { column, slice, rows: count }
    const one = judge({ column, slice, rows: count }, found, { metric, whole, better, maximumDrop })
    if (one !== undefined) checks.push(one)
    return { column, slice, rows: count, estimate: found }
  })
  if (checks.length === 0) checks.push(nothingBad(many, metric, slices.length))
  return { rows, checks }
}

function hasEnough({ task, truth }: Scored, minimumRows: number): boolean {
  if (truth.length < minimumRows) return false
  if (task !== 'binary') return true
  const positives = truth.reduce((sum, label) => sum + label, 0)
  return Math.min(positives, truth.length - positives) >= CLASS_ROWS_MIN
}

interface Against {
  readonly metric: JudgedMetric
  readonly whole: number
  readonly better: 'higher' | 'lower'
  readonly maximumDrop: number | undefined
}

function judge(
  { column, slice, rows }: SliceRow,
  { value, low, high }: Estimate,
  { metric, whole, better, maximumDrop }: Against,
): Check | undefined {
  const limitOf = (drop: number): number =>
    better === 'higher' ? whole - drop * Math.abs(whole) : whole + drop * Math.abs(whole)
  const isBeyond = (limit: number): boolean => (better === 'higher' ? high < limit : low > limit)
  const isFailed = maximumDrop !== undefined && isBeyond(limitOf(maximumDrop))
  if (!isFailed && !isBeyond(limitOf(WARNING_DROP))) return undefined
  const limit = limitOf(isFailed ? maximumDrop : WARNING_DROP)
  const says = `${column}, ${slice}: ${metric} is ${shown(value)} (${shown(low)} to ${shown(high)}) in ${rows} rows, over all rows ${shown(whole)}; it is shown to be beyond ${shown(limit)}`
  const status = isFailed ? 'failed' : 'warned'
  return { about: 'slices', name: `slices.${column}.${slice}`, status, says, value, low, high, limit }
}

function nothingBad(judged: number, metric: JudgedMetric, all: number): Check {
  if (judged === 0) {
    const why = all === 0 ? 'no column tells slices apart' : 'no slice has enough rows'
    return { about: 'slices', name: 'slices', status: 'skipped', says: `Cannot judge slices: ${why}` }
  }
  const says = `No slice of ${judged} is shown to be worse in ${metric} than all rows by more than ${percent(WARNING_DROP)}`
  return { about: 'slices', name: 'slices', status: 'passed', says }
}
