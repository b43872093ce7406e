/** Why a row has its answer: the share of each feature in the margin, exactly, for models whose inside is known. */
import { fastTreeShap, type ShapBudget } from './kernels/fast-tree-shap.ts'
import type { Model } from './model.ts'
import { hasCover } from './shap/cover-shares.ts'
import { treeShap } from './shap/tree-shap.ts'

export type ExplanationMethod = 'tree-shap' | 'interventional-tree-shap' | 'linear-shap' | 'kernel-shap'

export interface Explainer {
  readonly method: ExplanationMethod
  /** Margins explained: one, or one for each class or target. */
  readonly outputCount: number
  readonly featureCount: number
  /** Expected margin of each output. */
  readonly bias: Float64Array
  /** Approximate memory held, bytes. */
  readonly bytes: number
  /**
   * Contributions in the units of the margin; `bias` and the contributions of a row sum to its margin.
   *
   * @param rows `count` × `featureCount`, row-major; NaN is a missing value.
   * @param out receives `out[(row × outputCount + output) × featureCount + feature]`.
   */
  explain(rows: Float64Array, count: number, out: Float64Array): void
}

/** Rows to compare with, as the model takes them: `count` × features, row-major. */
export interface Background {
  readonly rows: Float64Array
  readonly count: number
}

/**
 * The exact explainer of a model that says enough of itself: path-dependent TreeSHAP for a forest that knows how many
 * training rows reached each node, by kernels where they can do it (within 1e-6 of the float64 path). Absent for all others.
 *
 * @param budget of the kernels. They are made here and now, which takes up to a second where their tables fill 64 MB.
 */
export function explainerOf(model: Model, budget: ShapBudget = {}): Explainer | undefined {
  return model.kind === 'forest' && hasCover(model) ? (fastTreeShap(model, budget) ?? treeShap(model)) : undefined
}
