/** All statistics of one column in one window, from counts alone. */
import { jensenShannon, kullbackLeibler } from '../math/divergence/entropy.ts'
import { ksFromCounts } from '../math/divergence/ks-from-counts.ts'
import { psi, SHARE_MIN } from '../math/divergence/psi.ts'
import { wassersteinFromCounts } from '../math/divergence/share-distances.ts'
import { chiSquaredTwoSample } from '../math/inference/chi-squared-two-sample.ts'
import type { DriftStatistic } from '../registry/drift-keys.ts'
import { type ComparedColumn, joinedCounts } from './compared-column.ts'

export interface Measured {
  /** Predictions in the window, and those of them that have a value. */
  readonly rows: number
  readonly rowsPresent: number
  /** What there is no number for (no rows on a side, no scale) is absent. */
  readonly values: { readonly [statistic in DriftStatistic]?: number }
  /** Of Pearson's χ², and of Kolmogorov–Smirnov. */
  readonly chiSquaredP: number
  readonly ksP?: number
  /** The window's counts by joined bin. */
  readonly joined: readonly number[]
}

/** Fewer rows than these a bin should not be expected to have, for χ² to be what its table says (Cochran 1954). */
const EXPECTED_MIN = 5

/** @param counts the window's, slot by slot as `binning` numbers them. */
export function measureColumn(column: ComparedColumn, counts: readonly number[]): Measured {
  const { reference, joinedBins, scale } = column
  const joined = joinedCounts(counts, joinedBins, column.joined.length)
  const rows = joined.reduce((sum, count) => sum + count, 0)
  const rowsPresent = rows - counts.at(-1)!
  const [solid, solidNow] = wellFilled(column.joined, joined)
  const chiSquared = chiSquaredTwoSample(solid, solidNow)
  const values: { [statistic in DriftStatistic]?: number } = {}
  const put = (statistic: DriftStatistic, value: number): void => {
    if (Number.isFinite(value)) values[statistic] = value
  }
  put('psi', psi(column.joined, joined))
  put('kl', kullbackLeibler(floored(joined), floored(column.joined)))
  put('js', jensenShannon(column.joined, joined))
  put('js2', jensenShannon(column.joined, joined, 2))
  put('chi2', chiSquared.statistic)
  const measured = { rows, rowsPresent, values, chiSquaredP: chiSquared.pValue, joined }
  if (scale === undefined) return measured
  const [ordered, orderedNow] = [inOrder(reference), inOrder(counts)]
  const ks = ksFromCounts(ordered, orderedNow)
  put('ks', ks.statistic)
  if (scale.deviation > 0) {
    put('wasserstein', wassersteinFromCounts(ordered, orderedNow, scale.positions) / scale.deviation)
  }
  return Number.isNaN(ks.pValue) ? measured : { ...measured, ksP: ks.pValue }
}

/** Below, the bins, above: missing values have no place among the others. */
function inOrder(slots: readonly number[]): number[] {
  const bins = slots.length - 3
  return [slots[bins]!, ...slots.slice(0, bins), slots[bins + 1]!]
}

/** Shares, none less than PSI takes them for, so that a bin which the reference has not counts much, but not infinitely. */
function floored(counts: readonly number[]): number[] {
  const rows = counts.reduce((sum, count) => sum + count, 0)
  return rows === 0 ? [...counts] : counts.map(count => Math.max(count / rows, SHARE_MIN))
}

/** Puts the bins together in which either side should expect too few rows, for the sake of the p-value. */
function wellFilled(reference: readonly number[], current: readonly number[]): [number[], number[]] {
  const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)
  const [rows, rowsNow] = [total(reference), total(current)]
  const share = Math.min(rows, rowsNow) / (rows + rowsNow)
  const [solid, solidNow]: [number[], number[]] = [[], []]
  let [rest, restNow] = [0, 0]
  for (const [bin, count] of reference.entries()) {
    const countNow = current[bin]!
    if ((count + countNow) * share >= EXPECTED_MIN) {
      solid.push(count)
      solidNow.push(countNow)
    } else {
      rest += count
      restNow += countNow
    }
  }
  if ((rest + restNow) * share < EXPECTED_MIN && solid.length > 0) {
    const least = smallest(solid, solidNow)
    solid[least]! += rest
    solidNow[least]! += restNow
  } else {
    solid.push(rest)
    solidNow.push(restNow)
  }
  return [solid, solidNow]
}

function smallest(a: readonly number[], b: readonly number[]): number {
  let least = 0
  for (let bin = 1; bin < a.length; bin++) if (a[bin]! + b[bin]! < a[least]! + b[least]!) least = bin
  return least
}
