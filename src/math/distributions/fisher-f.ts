import { betaTails } from './beta.ts'

/**
 * Probability that a variable of Fisher's F distribution is above `x`.
 *
 * @param degrees of freedom of the numerator, 0.002 or more. @param degreesBelow of the denominator, likewise.
 */
export function fisherUpper(x: number, degrees: number, degreesBelow: number): number {
  if (x <= 0) return 1
  if (x === Infinity) return 0
  const sum = degreesBelow + degrees * x
  return betaTails(degreesBelow / 2, degrees / 2, degreesBelow / sum, (degrees * x) / sum).lower
}
