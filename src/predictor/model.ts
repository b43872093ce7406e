/** A loaded artifact as plain data, which can be handed from thread to thread, and the function that it stands for. */
import { Problem } from '../errors.ts'
import type { ExternalModel } from './external.ts'
import type { Forest } from './forest.ts'
import { fastPredictor } from './kernels/fast-predictor.ts'
import { type Linear, linearPredictor } from './linear.ts'
import type { Pipeline } from './pipeline.ts'
import { pipelinePredictor } from './pipeline-predictor.ts'
import type { PmmlModel } from './pmml/pmml.ts'
import { pmmlPredictor } from './pmml/pmml-predictor.ts'
import type { MarginPredictor, Predictor } from './predictor.ts'

/** Told apart by `kind`. */
export type Model = Forest | Linear | Pipeline | PmmlModel | ExternalModel

export function isExternal(model: Model): model is ExternalModel {
  return model.kind === 'python' || model.kind === 'remote' || model.kind === 'onnx-graph'
}

/** Throws `invalid` for a model that somebody else computes. */
export function predictorOf(model: Forest | Linear): MarginPredictor
export function predictorOf(model: Model): Predictor
export function predictorOf(model: Model): Predictor {
  if (model.kind === 'forest') return fastPredictor(model)
  if (model.kind === 'linear') return linearPredictor(model)
  if (model.kind === 'pipeline') return pipelinePredictor(model, predictorOf)
  if (model.kind === 'pmml') return pmmlPredictor(model, predictorOf)
  throw new Problem('invalid', `Cannot predict here: a model of the kind ${model.kind} needs a run time of its own`)
}
