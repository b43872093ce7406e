/** The protocols of others over HTTP: their stock clients need not know that it is us. */
import type { AnyRoute } from '../route.ts'
import { type InvocationsParts, invocationsRoutes } from './invocations-routes.ts'
import { oipRoutes } from './oip-routes.ts'

export function protocolRoutes(parts: InvocationsParts): AnyRoute[] {
  return [...oipRoutes(parts), ...invocationsRoutes(parts)]
}
