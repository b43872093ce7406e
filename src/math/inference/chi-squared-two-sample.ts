import { chiSquaredUpper } from '../distributions/chi-squared.ts'
import { requireAligned, total } from '../divergence/shares.ts'

export interface ChiSquaredResult {
  readonly statistic: number
  readonly degreesOfFreedom: number
  readonly pValue: number
}

/**
 * Pearson's χ² test of homogeneity: do two samples fall into categories with the same shares (Pearson 1900)? Categories
 * that are empty on both sides are left out. The approximation wants five expected rows in most categories.
 *
 * @param reference counts by category. @param current counts by the same categories.
 * @returns p-value 1 where fewer than two categories have rows; NaN where a side has no rows.
 */
export function chiSquaredTwoSample(reference: readonly number[], current: readonly number[]): ChiSquaredResult {
  requireAligned('χ²', reference, current)
  const [rows, rowsNow] = [total(reference), total(current)]
  if (rows === 0 || rowsNow === 0) return { statistic: Number.NaN, degreesOfFreedom: Number.NaN, pValue: Number.NaN }
  const weight = Math.sqrt(rowsNow / rows)
  let statistic = 0
  let used = 0
  for (let category = 0; category < reference.length; category++) {
    const both = reference[category]! + current[category]!
    if (both === 0) continue
    used++
    statistic += (reference[category]! * weight - current[category]! / weight) ** 2 / both
  }
  const degreesOfFreedom = used - 1
  return { statistic, degreesOfFreedom, pValue: used > 1 ? chiSquaredUpper(statistic, degreesOfFreedom) : 1 }
}
