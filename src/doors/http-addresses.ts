/** Where invocations are asked for: the same router as Fastify's, asked once for each address that comes again and again. */
import findMyWay from 'find-my-way'
import type { AnyRoute, InvocationRoute } from '../route.ts'

/** An invocation by its address. */
export interface Addressed {
  readonly route: InvocationRoute
  readonly params: Readonly<Record<string, string>>
}

export interface Addresses {
  /** What a POST to this path and query invokes; undefined where it is something else, or nothing. */
  find(url: string): Addressed | undefined
}

export const PARAM_CHARACTERS_MAX = 8_192

const KNOWN_MAX = 1_000
const KNOWN_CHARACTERS_MAX = 500

export function addressesOf(routes: readonly AnyRoute[]): Addresses {
  const router = findMyWay({ maxParamLength: PARAM_CHARACTERS_MAX })
  // Others of POST as well: which of two routes an address means depends on all of a method.
  for (const route of routes) if (route.method === 'POST') router.on('POST', route.path, () => {}, route)
  const known = new Map<string, Addressed>()
  return {
    find(url) {
      const before = known.get(url)
      if (before !== undefined) return before
      const found = router.find('POST', url)
      const route = found?.store as AnyRoute | undefined
      if (route?.kind !== 'invocation') return undefined
      const addressed = { route, params: found!.params as Record<string, string> }
      if (known.size < KNOWN_MAX && url.length <= KNOWN_CHARACTERS_MAX) known.set(url, addressed)
      return addressed
    },
  }
}
