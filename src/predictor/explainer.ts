/** Why a row has its answer: the share of each feature in the margin, exactly, for models whose inside is known. */
import { fastTreeShap, type ShapBudget } from './kernels/fast-tree-shap.ts'
import type { Linear } from './linear.ts'
import type { Model } from './model.ts'
import { pmmlExplainer } from './pmml/pmml-explainer.ts'
import { hasCover } from './shap/cover-shares.ts'
import { interventionalTreeShap } from './shap/interventional-tree-shap.ts'
import { columnMeans, linearShap } from './shap/linear-shap.ts'
import { pipelineShap } from './shap/pipeline-shap.ts'
import { requireBackground } from './shap/rows.ts'
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

/** With the budget of the kernels. */
export interface ExplainerOptions extends ShapBudget {
  readonly background?: Background
  /** Compares forests with the background also where they know how many training rows reached each node. */
  readonly isInterventional?: boolean
}

/**
 * The exact explainer of a model that says enough of itself, or of one that can be compared with other rows:
 *
 * - a forest that knows how many training rows reached each node: path-dependent TreeSHAP, by kernels where they can do it
 *   (within 1e-6 of the float64 path);
 * - any other forest without lines in its leaves: interventional TreeSHAP, where a background is given;
 * - a linear model: coefficient × (value − mean over the background, or 0);
 * - a pipeline whose margins are sums of such forests and of numbers made of one feature each: the sum of what its parts
 *   contribute. Numbers are compared with their mean over the background, or with 0.
 *
 * A PMML document of trees is explained as the forest that it is.
 *
 * Absent for all others, which KernelSHAP explains. Kernels are made here and now, which takes up to a second where their
 * tables fill 64 MB.
 */
export function explainerOf(model: Model, options: ExplainerOptions = {}): Explainer | undefined {
  const { background, isInterventional = false } = options
  if (model.kind === 'pipeline') return pipelineShap(model, background, isInterventional)
  if (model.kind === 'pmml') return pmmlExplainer(model, core => explainerOf(core, options))
  if (model.kind === 'linear') return linearShap(model, background && meansOf(model, background))
  if (model.kind !== 'forest') return undefined
  if (!isInterventional && hasCover(model)) return fastTreeShap(model, options) ?? treeShap(model)
  return background && model.lines === undefined ? interventionalTreeShap(model, background) : undefined
}

function meansOf({ features, missingIsZero }: Linear, background: Background): Float64Array {
  requireBackground(background, features.length)
  return columnMeans(background.rows, background.count, features.length, missingIsZero)
}
