/** What every bundle has inside, whatever its target: see `scripts/bundle-edge.ts`. */
export { openEdgeModel } from './edge-model.ts'
export { azureHandler, lambdaHandler } from './http-shapes.ts'
