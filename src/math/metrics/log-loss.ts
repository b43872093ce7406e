import { requireSameLength } from './confusion.ts'

/**
 * Mean of −ln of the probability given to what was true (cross-entropy), natural logarithm. Probabilities are kept 2⁻⁵² away
 * from 0 and 1, as scikit-learn does for float64, so that one certain error is not infinite.
 *
 * @param labels 1 is positive, 0 negative.
 * @param probabilities of the positive class.
 * @returns 0 … about 36; NaN for no rows.
 */
export function logLoss(labels: Float64Array, probabilities: Float64Array): number {
  requireSameLength(labels, probabilities)
  let sum = 0
  for (let index = 0; index < labels.length; index++) {
    const kept = Math.min(Math.max(probabilities[index]!, Number.EPSILON), 1 - Number.EPSILON)
    sum -= Math.log(labels[index] === 1 ? kept : 1 - kept)
  }
  return sum / labels.length
}
