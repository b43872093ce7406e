/** A column as two histograms over the same bins: the reference, and what came. */
import type { ColumnProfile } from '../registry/profile.ts'
import type { ComparedColumn } from './compared-column.ts'
import { joinedCounts } from './compared-column.ts'

export interface HistogramBin {
  /** `range` holds from ≤ v < to, the last one up to `to`; `value` one number; `rest` the categories that are not listed. */
  readonly kind: 'range' | 'value' | 'category' | 'below' | 'above' | 'other' | 'rest' | 'missing'
  readonly from?: number
  readonly to?: number
  readonly category?: string
  /** How many categories `rest` holds. */
  readonly categories?: number
  /** Rows. */
  readonly reference: number
  readonly current: number
}

/** A bin as PSI sees it. */
export interface JoinedBin {
  readonly label: string
  readonly reference: number
  readonly current: number
}

const CATEGORIES_MAX = 100

/** The bins of the reference in order, then those for what it has not; without such as are empty on both sides. */
export function histogramBins({ profile, reference }: ComparedColumn, current: readonly number[]): HistogramBin[] {
  const bins =
    profile.kind === 'numeric' ? numericBins(profile, reference, current) : textBins(profile, reference, current)
  return bins.filter(({ kind, ...bin }) => kind === 'range' || kind === 'value' || bin.reference + bin.current > 0)
}

export function joinedHistogram(
  { labels, joined, joinedBins }: ComparedColumn,
  current: readonly number[],
): JoinedBin[] {
  const now = joinedCounts(current, joinedBins, labels.length)
  return labels.map((label, bin) => ({ label, reference: joined[bin]!, current: now[bin]! }))
}

type Counts = readonly number[]

function numericBins(
  { lowers, maximum }: Extract<ColumnProfile, { kind: 'numeric' }>,
  reference: Counts,
  current: Counts,
): HistogramBin[] {
  const isExact = lowers.length < 128
  const count = (slot: number) => ({ reference: reference[slot]!, current: current[slot]! })
  const inside = lowers.map((from, bin): HistogramBin => {
    if (isExact) return { kind: 'value', from, to: from, ...count(bin) }
    return { kind: 'range', from, to: lowers[bin + 1] ?? maximum, ...count(bin) }
  })
  const bins = lowers.length
  const [lowest] = lowers
  return [
    { kind: 'below', ...(lowest === undefined ? {} : { to: lowest }), ...count(bins) },
    ...inside,
    { kind: 'above', ...(lowest === undefined ? {} : { from: maximum }), ...count(bins + 1) },
    { kind: 'missing', ...count(bins + 2) },
  ]
}

/** The categories that are most frequent on either side, in code order, and the others in one. */
function textBins(
  { categories }: Extract<ColumnProfile, { kind: 'categorical' }>,
  reference: Counts,
  current: Counts,
): HistogramBin[] {
  const total = (counts: Counts): number =>
    Math.max(
      1,
      counts.reduce((sum, count) => sum + count, 0),
    )
  const [rows, rowsNow] = [total(reference), total(current)]
  const share = (at: number): number => Math.max(reference[at]! / rows, current[at]! / rowsNow)
  const order = [...categories.keys()].sort((a, b) => share(b) - share(a) || a - b)
  const listed = order.slice(0, CATEGORIES_MAX).sort((a, b) => a - b)
  const rest = order.slice(CATEGORIES_MAX)
  const count = (slot: number) => ({ reference: reference[slot]!, current: current[slot]! })
  const sum = (counts: Counts): number => rest.reduce((all, at) => all + counts[at]!, 0)
  return [
    ...listed.map((at): HistogramBin => ({ kind: 'category', category: categories[at]!, ...count(at) })),
    { kind: 'rest', categories: rest.length, reference: sum(reference), current: sum(current) },
    { kind: 'other', ...count(categories.length) },
    { kind: 'missing', ...count(categories.length + 1) },
  ]
}
