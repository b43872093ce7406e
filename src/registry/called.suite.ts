/** Calls the registry's routes as a door does: who may, what is asked, what is answered. */
import { Readable } from 'node:stream'
import { permits } from '../access/roles.ts'
import { type Client, client } from '../client.ts'
import { asProblem, Problem, problemDocument } from '../errors.ts'
import type { Actor, Answer, AnyRoute, Part, Route } from '../route.ts'
import type { Registry } from './registry.ts'
import { registryRoutes } from './routes.ts'

export interface Asked {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, unknown>>
  readonly body?: unknown
  readonly parts?: readonly Part[]
}

export interface Answered {
  readonly status: number
  readonly body: unknown
  readonly location?: string | undefined
}

export interface Called {
  call(route: string, roles: readonly string[], asked?: Asked): Promise<Answered>
  /** A client over the same routes, for commands. */
  readonly client: Client
  recordings(): number
}

export function called(registry: Registry): Called {
  let recordings = 0
  const recorded = async (): Promise<void> => void recordings++
  const routes = registryRoutes({ registry, bytesMax: 1 << 20, recorded }) as Route[]
  const answer = async (route: Route, actor: Actor, asked: Asked): Promise<Answer> => {
    if (!permits(actor, route.permission) && route.permission !== 'public')
      throw new Problem('forbidden', 'Cannot do this')
    const { params = {}, query = {}, body, parts = [] } = asked
    const request = { requestId: 'r', actor, source: '127.0.0.1', params, query, headers: {}, body }
    return await route.handle({ ...request, parts: Readable.from(parts) })
  }
  return {
    recordings: () => recordings,
    async call(name, roles, asked = {}): Promise<Answered> {
      const route = routes.find(({ method, path }) => `${method} ${path}` === name)!
      try {
        const { status = 200, body, text, headers } = await answer(route, { id: 'key:0', name: 'x', roles }, asked)
        return { status, body: body ?? JSON.parse(text ?? 'null'), location: headers?.['location'] }
      } catch (error) {
        const problem = asProblem(error)
        return { status: problem.status, body: problem }
      }
    },
    client: client(async ({ method, path, body }) => {
      const url = new URL(path, 'http://localhost')
      const { route, params } = matched(routes, method, url.pathname)
      try {
        const parts = body instanceof FormData ? [...body].map(partOf) : []
        const asked = {
          params,
          query: Object.fromEntries(url.searchParams),
          parts,
          body: typeof body === 'string' ? JSON.parse(body) : undefined,
        }
        const given = await answer(route, { id: 'local', name: 'local', roles: ['admin'] }, asked)
        return new Response(given.text ?? JSON.stringify(given.body), { status: given.status ?? 200 })
      } catch (error) {
        const problem = asProblem(error)
        return new Response(JSON.stringify(problemDocument(problem, 'r')), { status: problem.status })
      }
    }),
  }
}

export function file(name: string, bytes: Uint8Array): Part {
  return { kind: 'file', name, filename: name, stream: Readable.from([bytes]) }
}

export function field(name: string, value: string): Part {
  return { kind: 'field', name, value }
}

function partOf([name, value]: [string, string | File]): Part {
  if (typeof value === 'string') return field(name, value)
  return { kind: 'file', name, filename: value.name, stream: Readable.fromWeb(value.stream() as never) }
}

function matched(
  routes: readonly AnyRoute[],
  method: string,
  path: string,
): { route: Route; params: Record<string, string> } {
  for (const route of routes) {
    const pattern = new RegExp(`^${route.path.replaceAll('.', '\\.').replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`)
    const match = route.method === method ? pattern.exec(path) : null
    if (match === null) continue
    const params = Object.entries(match.groups ?? {}).map(([name, text]) => [name, decodeURIComponent(text)])
    return { route: route as Route, params: Object.fromEntries(params) }
  }
  throw new Problem('not_found', `Cannot find ${method} ${path}`)
}
