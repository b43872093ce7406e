/** What a binary confusion says in one number, where classes are of unequal size. */
import type { Confusion } from './confusion.ts'

/**
 * Matthews' correlation of decisions and labels (Matthews 1975, doi:10.1016/0005-2795(75)90109-9): 1 all right, 0 as good as
 * chance, −1 all wrong.
 *
 * @returns 0 where a class was never called or never true (as scikit-learn).
 */
export function matthews(c: Confusion): number {
  const { truePositives: tp, falsePositives: fp, trueNegatives: tn, falseNegatives: fn } = c
  const spread = Math.sqrt(tp + fp) * Math.sqrt(tp + fn) * Math.sqrt(tn + fp) * Math.sqrt(tn + fn)
  return spread === 0 ? 0 : (tp * tn - fp * fn) / spread
}

/**
 * Cohen's kappa (Cohen 1960, doi:10.1177/001316446002000104): agreement beyond what the two margins give by chance.
 *
 * @returns −1 … 1; NaN where chance alone agrees always.
 */
export function kappa(c: Confusion): number {
  const { truePositives: tp, falsePositives: fp, trueNegatives: tn, falseNegatives: fn } = c
  const rows = tp + fp + tn + fn
  const chance = ((tp + fp) / rows) * ((tp + fn) / rows) + ((tn + fn) / rows) * ((tn + fp) / rows)
  return ((tp + tn) / rows - chance) / (1 - chance)
}

/** Mean of the shares of positives and of negatives that were found; 0.5 is chance. NaN where a class is absent. */
export function balancedAccuracy(c: Confusion): number {
  const ofPositives = c.truePositives / (c.truePositives + c.falseNegatives)
  const ofNegatives = c.trueNegatives / (c.trueNegatives + c.falsePositives)
  return (ofPositives + ofNegatives) / 2
}
