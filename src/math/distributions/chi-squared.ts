import { gammaTails } from './gamma.ts'

/**
 * Probability that a χ² variable is greater than `x`.
 *
 * @param x ≥ 0; below, the answer is 1.
 * @param degreesOfFreedom > 0, not necessarily whole.
 * @returns 0 … 1; NaN for NaN.
 */
export function chiSquaredUpper(x: number, degreesOfFreedom: number): number {
  return gammaTails(degreesOfFreedom / 2, x / 2).upper
}
