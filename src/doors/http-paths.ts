/** Tells a path that is not there from one that does not take the method. Only asked after no route matched. */
import type { AnyRoute, Method } from '../route.ts'

/** How the protocol to which a path belongs writes a problem; undefined where it is our own. */
export type ShapeOf = (path: string) => AnyRoute['problem']

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

/**
 * By the first part of paths: one where all routes write problems in one way belongs to that protocol, also where it has no
 * route, so that its clients can read why.
 */
export function shapesOf(routes: readonly AnyRoute[]): ShapeOf {
  const shapes = new Map<string, AnyRoute['problem']>()
  for (const { path, problem } of routes) {
    const first = firstOf(path)
    shapes.set(first, !shapes.has(first) || shapes.get(first) === problem ? problem : undefined)
  }
  return path => shapes.get(firstOf(path))
}

function firstOf(path: string): string {
  return path.split('/', 2)[1]!
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  const isOpen = pattern.at(-1) === '*'
  if (isOpen ? path.length < pattern.length : pattern.length !== path.length) return false
  return pattern.every(
    (segment, at) => segment === '*' || (segment.startsWith(':') ? path[at] !== '' : segment === path[at]),
  )
}
