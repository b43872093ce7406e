import { requireSameLength } from './confusion.ts'

/**
 * Mean squared difference between the probability of the positive class and what happened (Brier 1950,
 * doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2).
 *
 * @returns 0 … 1, less is better; NaN for no rows.
 */
export function brier(labels: ArrayLike<number>, probabilities: ArrayLike<number>): number {
  requireSameLength(labels, probabilities)
  let sum = 0
  for (let index = 0; index < labels.length; index++) sum += (probabilities[index]! - labels[index]!) ** 2
  return sum / labels.length
}
