import { requireSameLength } from './confusion.ts'

/**
 * Mean of −ln of the probability given to what was true (cross-entropy), natural logarithm. Probabilities are kept 2⁻⁵² away
 * from 0 and 1, as scikit-learn does for float64, so that one certain error is not infinite.
 *
 * @param labels 1 is positive, 0 negative.
 * @param probabilities of the positive class.
 * @returns 0 … about 36; NaN for no rows.
 */
export function logLoss(labels: ArrayLike<number>, probabilities: ArrayLike<number>): number {
  requireSameLength(labels, probabilities)
  let sum = 0
  for (let index = 0; index < labels.length; index++) sum += logLossOf(labels[index]!, probabilities[index]!)
  return sum / labels.length
}

/** −ln of the probability given to what was true, of one row. */
export function logLossOf(label: number, probability: number): number {
  const kept = Math.min(Math.max(probability, Number.EPSILON), 1 - Number.EPSILON)
  return -Math.log(label === 1 ? kept : 1 - kept)
}
