/**
 * Which route a request means. Each method has a router of its own, made when it is first asked: most starts answer predictions
 * before anybody asks for anything else, and putting hundreds of routes in order is a tenth of a start.
 */
import findMyWay from 'find-my-way'
import type { AnyRoute, InvocationRoute } from '../route.ts'

/** An invocation by its address. */
export interface Addressed {
  readonly route: InvocationRoute
  readonly params: Readonly<Record<string, string>>
}

export interface Found {
  readonly route: AnyRoute
  readonly params: Readonly<Record<string, string>>
  /** A name that comes twice has an array. */
  readonly query: Readonly<Record<string, unknown>>
}

export interface Router {
  /** `malformed`: the path cannot be decoded. HEAD means what GET would. Undefined where no route is meant. */
  find(method: string, url: string): Found | 'malformed' | undefined
  /** What a POST to this path and query invokes; undefined where it is something else, or nothing. */
  invoked(url: string): Addressed | undefined
}

const PARAM_CHARACTERS_MAX = 8_192

/** Addresses of invocations that are remembered: each is asked for again and again. */
const KNOWN_MAX = 1_000
const KNOWN_CHARACTERS_MAX = 500

type MethodRouter = (url: string) => Found | 'malformed' | undefined

/** Throws where two routes have the same address, when the first of them is asked for. */
export function routerOf(routes: readonly AnyRoute[]): Router {
  const routers = new Map<string, MethodRouter>()
  const known = new Map<string, Addressed>()
  function find(method: string, url: string): Found | 'malformed' | undefined {
    const answered = method === 'HEAD' ? 'GET' : method
    let router = routers.get(answered)
    if (router === undefined) {
      const own = routes.filter(route => route.method === answered)
      if (own.length === 0) return undefined // methods that nobody has heard of are not remembered
      router = methodRouter(answered as AnyRoute['method'], own)
      routers.set(answered, router)
    }
    return router(url)
  }
  return {
    find,
    invoked(url) {
      const before = known.get(url)
      if (before !== undefined) return before
      const found = find('POST', url)
      if (found === undefined || found === 'malformed' || found.route.kind !== 'invocation') return undefined
      const addressed = { route: found.route, params: found.params }
      if (known.size < KNOWN_MAX && url.length <= KNOWN_CHARACTERS_MAX) known.set(url, addressed)
      return addressed
    },
  }
}

function methodRouter(method: AnyRoute['method'], routes: readonly AnyRoute[]): MethodRouter {
  // What it finds in the place of a route, where the path cannot be decoded, has nothing in store.
  const router = findMyWay({ maxParamLength: PARAM_CHARACTERS_MAX, onBadUrl: () => {} })
  for (const route of routes) router.on(method, route.path, () => {}, route)
  return url => {
    const found = router.find(method, url)
    if (found === null) return undefined
    const route = found.store as AnyRoute | null
    if (route === null) return 'malformed'
    return { route, params: found.params as Found['params'], query: found.searchParams }
  }
}
