/** A loaded artifact as plain data, which can be handed from thread to thread, and the function that it stands for. */
import type { Forest } from './forest.ts'
import { forestPredictor } from './forest-predictor.ts'
import type { MarginPredictor, Predictor } from './predictor.ts'

/** Told apart by `kind`. */
export type Model = Forest

export function predictorOf(model: Forest): MarginPredictor
export function predictorOf(model: Model): Predictor
export function predictorOf(model: Model): Predictor {
  return forestPredictor(model)
}
