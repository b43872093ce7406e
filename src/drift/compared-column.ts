/**
 * A column of the reference, made ready to be compared with counts of live traffic.
 *
 * A profile has up to 128 bins: enough for Kolmogorov–Smirnov, far too many for PSI and its kin, whose value for 500
 * predictions would be noise. These see at most ten bins of about equally many reference rows, and what is below, above, unknown or
 * missing in bins of their own. Which bins are joined depends on the reference alone, so that values of any two windows compare.
 */
import { mergeBins } from '../math/divergence/merge-bins.ts'
import type { DriftStatistic } from '../registry/drift-keys.ts'
import {
  BINS_MAX,
  type CategoricalProfile,
  type ColumnProfile,
  type NumericProfile,
  slotCounts,
} from '../registry/profile.ts'

export interface ComparedColumn {
  readonly name: string
  readonly kind: 'feature' | 'output'
  /** Whose counts the ledger cannot give again: such columns are not judged. */
  readonly isSensitive: boolean
  readonly profile: ColumnProfile
  /** The reference's counts by slot. */
  readonly reference: readonly number[]
  readonly referenceRows: number
  /** By slot: the joined bin. */
  readonly joinedBins: Uint32Array
  /** The reference's counts by joined bin. */
  readonly joined: readonly number[]
  /** What each joined bin holds, for people. */
  readonly labels: readonly string[]
  /** Numbers only: where each bin stands, from below the reference to above it, and the reference's standard deviation. */
  readonly scale?: { readonly positions: readonly number[]; readonly deviation: number }
  readonly statistics: readonly DriftStatistic[]
}

const JOINED_MAX = 10
/** So many reference rows a joined bin, at least on average: χ² wants to expect five. */
const JOINED_ROWS_MIN = 5
const LABEL_MAX = 40

const OF_CATEGORIES: readonly DriftStatistic[] = ['psi', 'kl', 'js', 'js2', 'chi2']
const OF_NUMBERS: readonly DriftStatistic[] = ['psi', 'ks', 'kl', 'js', 'js2', 'wasserstein', 'chi2']

export function comparedColumn(
  profile: ColumnProfile,
  kind: ComparedColumn['kind'],
  isSensitive: boolean,
): ComparedColumn {
  const reference = slotCounts(profile)
  const referenceRows = reference.reduce((sum, count) => sum + count, 0)
  const most = Math.min(JOINED_MAX, Math.max(2, Math.floor(referenceRows / JOINED_ROWS_MIN)))
  const { joinedBins, labels } = profile.kind === 'numeric' ? joinNumbers(profile, most) : joinTexts(profile, most)
  const scale = profile.kind === 'numeric' ? scaleOf(profile) : undefined
  return {
    name: profile.name,
    kind,
    isSensitive,
    profile,
    reference,
    referenceRows,
    joinedBins,
    joined: joinedCounts(reference, joinedBins, labels.length),
    labels,
    ...(scale === undefined ? {} : { scale }),
    statistics: scale === undefined ? OF_CATEGORIES : OF_NUMBERS,
  }
}

/** Counts by joined bin, from counts by slot. */
export function joinedCounts(counts: readonly number[], joinedBins: Uint32Array, length: number): number[] {
  const joined = new Array<number>(length).fill(0)
  for (let slot = 0; slot < joinedBins.length; slot++) joined[joinedBins[slot]!]! += counts[slot]!
  return joined
}

interface Joined {
  readonly joinedBins: Uint32Array
  readonly labels: readonly string[]
}

function joinNumbers({ lowers, maximum, counts }: NumericProfile, most: number): Joined {
  const starts = mergeBins(counts, most)
  const isExact = lowers.length < BINS_MAX // then each bin is one value
  const joinedBins = new Uint32Array(counts.length + 3)
  const labels = starts.map((start, at) => {
    const end = starts[at + 1] ?? counts.length
    joinedBins.fill(at, start, end)
    const from = numberText(lowers[start]!)
    if (isExact) return end - start === 1 ? from : `${from} to ${numberText(lowers[end - 1]!)}`
    return end === counts.length ? `${from} to ${numberText(maximum)}` : `${from} to under ${numberText(lowers[end]!)}`
  })
  for (let slot = 0; slot < 3; slot++) joinedBins[counts.length + slot] = starts.length + slot
  const [lowest, highest] = lowers.length === 0 ? ['', 'any value'] : [numberText(lowers[0]!), numberText(maximum)]
  const above = lowers.length === 0 ? highest : `above ${highest}`
  return { joinedBins, labels: [...labels, `below ${lowest}`.trim(), above, 'missing'] }
}

/**
 * Frequent categories have a bin each; the others share some, in code order. Not in the order of their frequency: of many rare
 * ones, those that the reference happens to have more often would come less often in any other sample.
 */
function joinTexts({ categories, counts }: CategoricalProfile, most: number): Joined {
  const rows = counts.reduce((sum, count) => sum + count, 0)
  const isFrequent = (category: number): boolean => categories.length <= most || counts[category]! * most >= rows
  const all = [...counts.keys()]
  const frequent = all.filter(isFrequent)
  const rare = all.filter(category => !isFrequent(category))
  const rareCounts = rare.map(category => counts[category]!)
  const starts = mergeBins(rareCounts, Math.max(1, most - frequent.length))
  const groups = [
    ...frequent.map(category => [category]),
    ...starts.map((start, at) => rare.slice(start, starts[at + 1])),
  ]
  const joinedBins = new Uint32Array(categories.length + 2)
  for (const [bin, members] of groups.entries()) for (const category of members) joinedBins[category] = bin
  const labels = groups.map(members => {
    const [first, last] = [categories[members[0]!]!, categories[members.at(-1)!]!]
    return members.length === 1 ? cut(first) : `${members.length} categories from ${cut(first)} to ${cut(last)}`
  })
  joinedBins[categories.length] = groups.length
  joinedBins[categories.length + 1] = groups.length + 1
  return { joinedBins, labels: [...labels, 'unknown categories', 'missing'] }
}

/**
 * Values beyond the reference stand at its ends: how far beyond they are is not counted, and the distance is at least what is
 * told. Undefined where all values are one: then there is no scale.
 */
function scaleOf({ lowers, maximum, counts }: NumericProfile): { positions: number[]; deviation: number } {
  const isExact = lowers.length < BINS_MAX
  const middles = lowers.map((lower, bin) => (isExact ? lower : (lower + (lowers[bin + 1] ?? maximum)) / 2))
  let rows = 0
  let mean = 0
  let squares = 0
  for (const [bin, middle] of middles.entries()) {
    const count = counts[bin]!
    if (count === 0) continue
    rows += count
    const distance = middle - mean
    mean += (distance * count) / rows
    squares += count * distance * (middle - mean)
  }
  const positions = [lowers[0] ?? 0, ...middles, lowers.length === 0 ? 0 : maximum]
  return { positions, deviation: rows === 0 ? 0 : Math.sqrt(squares / rows) }
}

function numberText(value: number): string {
  const text = String(Number(value.toPrecision(6)))
  return /^-?\d{5,}$/.test(text) ? text.replace(/\B(?=(\d{3})+$)/g, ',') : text
}

function cut(text: string): string {
  return text.length > LABEL_MAX ? `${text.slice(0, LABEL_MAX - 1)}…` : text
}
