/** Counts of right and wrong decisions, and the shares made of them. */

export interface Confusion {
  readonly truePositives: number
  readonly falsePositives: number
  readonly trueNegatives: number
  readonly falseNegatives: number
}

/**
 * Decisions of a binary classifier: positive where score ≥ `threshold`.
 *
 * @param labels 1 is positive, 0 negative.
 */
export function confusion(labels: ArrayLike<number>, scores: ArrayLike<number>, threshold: number = 0.5): Confusion {
  requireSameLength(labels, scores)
  const counts = [0, 0, 0, 0]
  for (let index = 0; index < labels.length; index++) {
    counts[(labels[index] === 1 ? 2 : 0) + (scores[index]! >= threshold ? 1 : 0)]!++
  }
  const [trueNegatives, falsePositives, falseNegatives, truePositives] = counts as [number, number, number, number]
  return { truePositives, falsePositives, trueNegatives, falseNegatives }
}

/** Share of right decisions, 0 … 1; NaN where there are none. */
export function accuracy(c: Confusion): number {
  const right = c.truePositives + c.trueNegatives
  return right / (right + c.falsePositives + c.falseNegatives)
}

/** Share of positives among those called positive; 0 where none was called so (as scikit-learn). */
export function precision({ truePositives, falsePositives }: Confusion): number {
  return ratio(truePositives, truePositives + falsePositives)
}

/** Share of positives that were found, the true positive rate; 0 where there are none. */
export function recall({ truePositives, falseNegatives }: Confusion): number {
  return ratio(truePositives, truePositives + falseNegatives)
}

/** Harmonic mean of precision and recall: 2TP / (2TP + FP + FN); 0 where that is 0/0. */
export function f1({ truePositives, falsePositives, falseNegatives }: Confusion): number {
  return ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives)
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

/** Throws a `RangeError` where two columns that belong together do not have the same rows. */
export function requireSameLength(truth: ArrayLike<number>, answers: ArrayLike<number>): void {
  if (truth.length !== answers.length) {
    throw new RangeError(`Cannot measure: ${truth.length} true values, but ${answers.length} answers`)
  }
}
