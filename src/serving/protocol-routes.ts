/** The protocols of others over HTTP: their stock clients need not know that it is us. */
import type { AnyRoute } from '../route.ts'
import { invocationsRoutes } from './invocations-routes.ts'
import { type OipParts, oipRoutes } from './oip-routes.ts'

export function protocolRoutes(parts: OipParts): AnyRoute[] {
  return [...oipRoutes(parts), ...invocationsRoutes(parts)]
}
