/**
 * A column's counts as bars. Counting uses up to 128 bins of about equally many rows, so that statistics see the tails; a
 * person wants bars of equal width over the values. A fine bin that lies across two bars is divided by its length, which is
 * exact but for the values within that one bin. What lies outside the reference, other categories and missing values have
 * bars of their own.
 */

/** Rows of the reference and of what is served, in one bin of the reference profile. */
export interface CountedBin {
  /** `range` holds from ≤ v < to, the last one up to `to`; `value` one number; `rest` the categories that are not listed. */
  readonly kind: 'range' | 'value' | 'category' | 'below' | 'above' | 'other' | 'rest' | 'missing'
  readonly from?: number
  readonly to?: number
  readonly category?: string
  /** How many categories `rest` holds. */
  readonly categories?: number
  readonly reference: number
  readonly current: number
}

export interface Bar {
  /** Of a bar over values: from where to where. */
  readonly from?: number
  readonly to?: number
  /** Of a bar of one value or one category, and of the bars aside: what it is. */
  readonly label?: string
  /** Stands apart: outside the reference, other, missing. */
  readonly isAside: boolean
  /** Shares of all rows, 0 … 1. */
  readonly reference: number
  readonly current: number
}

/** Values up to which each has a bar with its own label. */
const OWN_BARS_MAX = 16
/** Whole numbers up to which each has a bar: bars that hold now two, now three of them would look like waves. */
const WHOLE_BARS_MAX = 96
const BARS = 24
const CATEGORIES_MAX = 12

export function shownBins(bins: readonly CountedBin[]): Bar[] {
  const totals = { reference: sumOf(bins, 'reference') || 1, current: sumOf(bins, 'current') || 1 }
  const shares = bins.map(bin => ({
    ...bin,
    reference: bin.reference / totals.reference,
    current: bin.current / totals.current,
  }))
  const values = shares.filter(({ kind }) => kind === 'range' || kind === 'value')
  const named = shares.filter(({ kind }) => kind === 'category' || kind === 'rest')
  const aside = shares.filter(bin => !values.includes(bin) && !named.includes(bin))
  return [...valueBars(values), ...categoryBars(named), ...aside.map(asideBar)]
}

function sumOf(bins: readonly CountedBin[], side: 'reference' | 'current'): number {
  return bins.reduce((sum, bin) => sum + bin[side], 0)
}

function asideBar({ kind, reference, current }: CountedBin): Bar {
  return { label: kind, isAside: true, reference, current }
}

/** The most frequent categories of either; the rest together. */
function categoryBars(bins: readonly CountedBin[]): Bar[] {
  const most = ({ reference, current }: CountedBin): number => Math.max(reference, current)
  const listed = bins.filter(({ kind }) => kind === 'category').toSorted((a, b) => most(b) - most(a))
  const shown = listed.length <= CATEGORIES_MAX ? listed : listed.slice(0, CATEGORIES_MAX - 1)
  const rest = bins.filter(bin => !shown.includes(bin))
  const bars = shown.map(({ category = '', reference, current }) => ({
    label: category,
    isAside: false,
    reference,
    current,
  }))
  if (rest.length === 0) return bars
  const hidden = rest.reduce((sum, { categories = 1 }) => sum + categories, 0)
  return [
    ...bars,
    {
      label: `${hidden} others`,
      isAside: false,
      reference: sumOf(rest, 'reference'),
      current: sumOf(rest, 'current'),
    },
  ]
}

function valueBars(bins: readonly CountedBin[]): Bar[] {
  if (bins.length === 0) return []
  const isExact = bins.every(({ kind }) => kind === 'value')
  const start = bins[0]!.from!
  const end = bins.at(-1)!.to!
  // A spike that fills a bin of its own has no width.
  if (end === start)
    return [
      { label: textOf(start), isAside: false, reference: sumOf(bins, 'reference'), current: sumOf(bins, 'current') },
    ]
  if (isExact && bins.length <= OWN_BARS_MAX) {
    return bins.map(({ from, reference, current }) => ({ label: textOf(from!), isAside: false, reference, current }))
  }
  const areWhole = isExact && bins.every(({ from }) => Number.isInteger(from))
  if (areWhole && end - start < WHOLE_BARS_MAX) return spread(bins, start - 0.5, end + 0.5, end - start + 1)
  return spread(bins, start, end, BARS)
}

/** Bars of equal width, each with its part of the bins that lie in it. */
function spread(bins: readonly CountedBin[], start: number, end: number, count: number): Bar[] {
  const width = (end - start) / count
  const totals = Array.from({ length: count }, () => ({ reference: 0, current: 0 }))
  const indexOf = (value: number): number => Math.min(count - 1, Math.max(0, Math.floor((value - start) / width)))
  for (const { from, to, reference, current } of bins) {
    const first = indexOf(from!)
    const overlaps = Array.from({ length: indexOf(to!) - first + 1 }, (_, at) => {
      const left = start + (first + at) * width
      return Math.max(0, Math.min(to!, left + width) - Math.max(from!, left))
    })
    const all = overlaps.reduce((sum, overlap) => sum + overlap, 0)
    for (const [at, overlap] of overlaps.entries()) {
      // Of the overlaps, not of the length: rounding may not lose a row. What has no width lies where it begins.
      const part = all > 0 ? overlap / all : at === 0 ? 1 : 0
      totals[first + at]!.reference += reference * part
      totals[first + at]!.current += current * part
    }
  }
  return totals.map((total, index) => ({
    from: start + index * width,
    to: index === count - 1 ? end : start + (index + 1) * width,
    isAside: false,
    ...total,
  }))
}

function textOf(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)))
}
