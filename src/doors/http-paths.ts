/** Tells a path that is not there from one that does not take the method. Only asked after no route matched. */
import type { AnyRoute, Method } from '../route.ts'

/** The methods that a path takes, sorted; empty where there is no such path. */
export type MethodsOf = (path: string) => readonly (Method | 'HEAD')[]

export function methodsOf(routes: readonly AnyRoute[]): MethodsOf {
  const patterns = routes.map(({ method, path }) => ({ method, segments: path.split('/') }))
  return path => {
    const segments = path.split('/')
    const found = new Set<Method | 'HEAD'>()
    for (const pattern of patterns) {
      if (!matches(pattern.segments, segments)) continue
      found.add(pattern.method)
      if (pattern.method === 'GET') found.add('HEAD')
    }
    return [...found].sort()
  }
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  if (pattern.length !== path.length) return false
  return pattern.every((segment, at) => (segment.startsWith(':') ? path[at] !== '' : segment === path[at]))
}
