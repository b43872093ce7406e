/** Whoever computes the models that we do not compute ourselves: asked through predictors whose answers are awaited. */
import { Problem } from '../errors.ts'
import type { Surroundings } from '../platform/surroundings.ts'
import type { ExternalModel } from '../predictor/external.ts'
import type { AwaitedPredictor } from '../predictor/predictor.ts'

/** What a run time is told of the model that it runs. */
export interface Served {
  /** `churn@1.0.0`: for messages, logs and metrics. */
  readonly name: string
  /** The artifact; asked for whenever it is loaded again. Rejects where it is not what was registered. */
  readonly artifact: () => Promise<Uint8Array>
}

export interface Runtimes {
  /** Starts what computes the model. Rejects with a `Problem` where it cannot. */
  open(model: ExternalModel, served: Served): Promise<AwaitedPredictor>
}

export function openRuntimes(_: Surroundings): Runtimes {
  return {
    async open(model) {
      throw new Problem('invalid', `Cannot run a model of the kind ${model.kind}`)
    },
  }
}
