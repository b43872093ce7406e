/** What every bundle has inside, whatever its target: see `scripts/bundle-edge.ts`. */
import { type EdgeModel, openEdgeModel } from './edge-model.ts'
import { azureHandler, lambdaHandler } from './http-shapes.ts'
import type { Packed } from './pack.ts'

export interface Edge {
  readonly model: EdgeModel
  readonly lambda: ReturnType<typeof lambdaHandler>
  readonly azure: ReturnType<typeof azureHandler>
}

export function openEdge(packed: Packed): Edge {
  const model = openEdgeModel(packed)
  return { model, lambda: lambdaHandler(model), azure: azureHandler(model) }
}
