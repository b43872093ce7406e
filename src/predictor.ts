/**
 * Published as `bellwether/predictor`: trained models as pure functions, which also run in a browser.
 *
 *     const predictor = predictorOf(loadArtifact(bytes))
 *     predictor.predict(rows, count, out)
 */
export {
  accumulatedLocalInteractions,
  type LocalInteractions,
  type LocalInteractionsOptions,
} from './predictor/explain/accumulated-interactions.ts'
export {
  accumulatedLocalEffects,
  accumulatedLocalEffectsOf,
  type LocalEffects,
  type LocalEffectsOptions,
} from './predictor/explain/accumulated-local-effects.ts'
export type { Answering, Effort, SampledEffort } from './predictor/explain/answering.ts'
export { categoryOrder } from './predictor/explain/category-order.ts'
export {
  meanAbsoluteContributions,
  type PermutationImportance,
  type PermutationOptions,
  permutationImportance,
} from './predictor/explain/importance.ts'
export { type KernelExplanation, type KernelShapOptions, kernelShap } from './predictor/explain/kernel-shap.ts'
export { type LimeExplanation, type LimeOptions, lime } from './predictor/explain/lime.ts'
export {
  type GridOptions,
  gridOf,
  type PartialDependence,
  type PartialDependenceOptions,
  partialDependence,
} from './predictor/explain/partial-dependence.ts'
export type { Background, Explainer, ExplainerOptions, ExplanationMethod } from './predictor/explainer.ts'
export { explainerOf } from './predictor/explainer.ts'
export type { Forest } from './predictor/forest.ts'
export { forestPredictor } from './predictor/forest-predictor.ts'
export { fastPredictor, type PredictBudget } from './predictor/kernels/fast-predictor.ts'
export type { ShapBudget } from './predictor/kernels/fast-tree-shap.ts'
export type { Linear } from './predictor/linear.ts'
export { loadArtifact } from './predictor/load-artifact.ts'
export { type Model, predictorOf } from './predictor/model.ts'
export type { Pipeline } from './predictor/pipeline.ts'
export type { ArtifactFormat, Predictor, Task } from './predictor/predictor.ts'
export { hasCover } from './predictor/shap/cover-shares.ts'
export { interventionalTreeShap } from './predictor/shap/interventional-tree-shap.ts'
export { columnMeans, type LinearSums, linearShap } from './predictor/shap/linear-shap.ts'
export type { InteractionExplainer } from './predictor/shap/tree-interactions.ts'
export { treeInteractions } from './predictor/shap/tree-interactions.ts'
