/** How far the training data of one feature lies from that of another version: from the counts that are kept of both. */
import { ksFromCounts } from '../../math/divergence/ks-from-counts.ts'
import { psi } from '../../math/divergence/psi.ts'
import type { CategoricalProfile, ColumnProfile, NumericProfile } from '../profile.ts'

export interface ProfileDistance {
  /** Population stability index over about ten bins of the one before (or the categories of both), and the rows without a value. */
  readonly psi: number
  /** Greatest distance of the two distribution functions, 0 … 1; numbers only. */
  readonly ks?: number
}

/** Each holds at least this share of the rows that have a value. */
const COARSE_SHARE = 0.1

/**
 * Undefined where one is of numbers and the other of categories, and where a side has no rows. A column of at most 128 distinct numbers is
 * counted exactly; of others, each bin's rows are taken to lie at its lower bound, so that shares are right to one bin's, about 1/128.
 */
export function profileDistance(before: ColumnProfile, after: ColumnProfile): ProfileDistance | undefined {
  const found = distanceOf(before, after)
  return found === undefined || Number.isNaN(found.psi) ? undefined : found
}

function distanceOf(before: ColumnProfile, after: ColumnProfile): ProfileDistance | undefined {
  if (before.kind === 'categorical' && after.kind === 'categorical') return { psi: ofCategories(before, after) }
  if (before.kind === 'numeric' && after.kind === 'numeric') return ofNumbers(before, after)
  return undefined
}

function ofCategories(before: CategoricalProfile, after: CategoricalProfile): number {
  const all = [...new Set([...before.categories, ...after.categories])]
  const counts = ({ categories, counts, other, missing }: CategoricalProfile): number[] => {
    const known = new Map(categories.map((category, at) => [category, counts[at]!]))
    return [...all.map(category => known.get(category) ?? 0), other, missing]
  }
  return psi(counts(before), counts(after))
}

function ofNumbers(before: NumericProfile, after: NumericProfile): ProfileDistance {
  const edges = coarseEdges(before)
  const stability = psi(
    [...countsBetween(before, edges), before.missing],
    [...countsBetween(after, edges), after.missing],
  )
  const fine = [...new Set([...before.lowers, ...after.lowers])].sort((a, b) => a - b)
  if (before.lowers.length === 0 || after.lowers.length === 0) return { psi: stability }
  return { psi: stability, ks: ksFromCounts(countsBetween(before, fine), countsBetween(after, fine)).statistic }
}

/** Lower bounds of bins with at least a tenth of the rows each; the last may hold less. */
function coarseEdges({ lowers, counts }: NumericProfile): number[] {
  const wanted = counts.reduce((sum, count) => sum + count, 0) * COARSE_SHARE
  const edges: number[] = []
  let held = Number.POSITIVE_INFINITY
  for (const [at, lower] of lowers.entries()) {
    if (held >= wanted) {
      edges.push(lower)
      held = 0
    }
    held += counts[at]!
  }
  return edges
}

/** What lies below the first edge is counted with the first bin. */
function countsBetween({ lowers, counts }: NumericProfile, edges: readonly number[]): number[] {
  const sums = new Array<number>(Math.max(edges.length, 1)).fill(0)
  let bin = 0
  for (const [at, lower] of lowers.entries()) {
    while (bin + 1 < edges.length && edges[bin + 1]! <= lower) bin++
    sums[bin]! += counts[at]!
  }
  return sums
}
