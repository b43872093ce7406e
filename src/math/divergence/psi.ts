import { chiSquaredUpper } from '../distributions/chi-squared.ts'
import { requireAligned, total } from './shares.ts'

/** What an empty bin's share is taken for, where nothing else is said. */
export const SHARE_MIN = 1e-4

/**
 * Population stability index: Σ (q − p) ln(q / p) over bins, p and q being the reference's and the current share of rows.
 * It is Jeffreys' divergence, symmetric. Customary reading: below 0.1 stable, 0.1 … 0.25 a shift, above 0.25 a great one
 * (Siddiqi 2006) – for about ten bins and large samples; `psiPValue` says what chance alone gives.
 *
 * Shares below `shareMin` are taken for it on both sides, without scaling the others, so that a bin which is empty on one side
 * counts much, but not infinitely. Bins that are empty on both sides add nothing.
 *
 * @param reference counts by bin. @param current counts by the same bins.
 * @returns 0 or more; NaN where a side has no rows.
 */
export function psi(reference: readonly number[], current: readonly number[], shareMin: number = SHARE_MIN): number {
  requireAligned('PSI', reference, current)
  const [rows, rowsNow] = [total(reference), total(current)]
  if (rows === 0 || rowsNow === 0) return Number.NaN
  let sum = 0
  for (let bin = 0; bin < reference.length; bin++) {
    const p = Math.max(reference[bin]! / rows, shareMin)
    const q = Math.max(current[bin]! / rowsNow, shareMin)
    if (p !== q) sum += (q - p) * Math.log(q / p)
  }
  return sum
}

/**
 * Probability of a PSI at least as large where both samples come from one population: PSI is about (1/n + 1/m) times a χ² of
 * bins − 1 degrees of freedom (Yurdakul 2018, «Statistical properties of population stability index»). Good where every bin
 * expects five rows or more on both sides; many thin bins make it too small.
 *
 * @param value the PSI.
 * @param rows of the reference. @param rowsNow of the current sample.
 * @param bins those that are not empty on both sides.
 * @returns 0 … 1; 1 where one bin holds all; NaN where a side has no rows.
 */
export function psiPValue(value: number, rows: number, rowsNow: number, bins: number): number {
  if (!(rows > 0 && rowsNow > 0) || Number.isNaN(value)) return Number.NaN
  return bins <= 1 ? 1 : chiSquaredUpper(value / (1 / rows + 1 / rowsNow), bins - 1)
}
