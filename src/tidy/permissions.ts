/** Every route names a permission that exists. */
import type { ObjectExpression } from 'oxc-parser'
import { PERMISSIONS } from '../access/roles.ts'
import { isTest, modules, walk } from './module.ts'
import { isRouteFile, type LoadedRoute } from './route-list.ts'
import type { Fault, Rule } from './tree.ts'

/** All that anybody may ask without a key: whether the server lives and can answer, and how to talk to it. */
export const PUBLIC_PATHS: ReadonlySet<string> = new Set([
  '/healthz',
  '/readyz',
  '/docs',
  '/openapi.json',
  '/schemas/model.yaml',
  '/v2',
  '/v2/health/live',
  '/v2/health/ready',
])

const KNOWN: ReadonlySet<string> = new Set(PERMISSIONS)
const HANDLERS: readonly string[] = ['handle', 'invoke']
/** Methods that take a permission by name: `access.permit(actor, name)`, `request.admit(name)`. */
const ASKED: Readonly<Record<string, number>> = { permit: 1, admit: 0 }

/** Judges routes as they are, however their source is written. */
export function routePermissions(loaded: readonly LoadedRoute[]): Fault[] {
  return loaded.flatMap(({ file, route: { method, path, permission } }) => {
    const fault = (problem: string): Fault[] => [{ path: file, problem: `the route ${method} ${path} ${problem}` }]
    if (permission === undefined) return fault('has no permission')
    if (permission === 'public') {
      return PUBLIC_PATHS.has(path) ? [] : fault(`is public; public are ${[...PUBLIC_PATHS].join(' ')}`)
    }
    return KNOWN.has(permission) ? [] : fault(`wants ${permission}, which is no permission of access/roles.ts`)
  })
}

/**
 * Keeps source where `routePermissions` can see it: routes are made in files `…routes.ts`, which are loaded and judged.
 * Permissions asked for by name elsewhere exist as well.
 */
export const permissions: Rule = files =>
  modules(files)
    .filter(({ path }) => path.startsWith('src/') && !isTest(path))
    .flatMap(module => {
      const faults: Fault[] = []
      const add = (offset: number, problem: string): void => {
        faults.push({ path: module.path, line: module.lineOf(offset), problem })
      }
      walk(module, {
        ObjectExpression(node) {
          if (isRoute(node) && !isRouteFile(module.path))
            add(node.start, 'a route, which belongs into a file …routes.ts')
        },
        CallExpression(node) {
          if (node.callee.type !== 'MemberExpression' || node.callee.property.type !== 'Identifier') return
          const position = ASKED[node.callee.property.name]
          const asked = position === undefined ? undefined : node.arguments[position]
          if (asked?.type === 'Literal' && typeof asked.value === 'string' && !KNOWN.has(asked.value)) {
            add(node.start, `asks for ${asked.value}, which is no permission`)
          }
        },
      })
      return faults
    })

/** An object with a handler and something of what a door needs to know about it. */
function isRoute(node: ObjectExpression): boolean {
  const names = new Set<string>()
  for (const { type, ...property } of node.properties) {
    if (type === 'SpreadElement') continue
    const { key } = property as { key: { name?: string; value?: unknown } }
    names.add(key.name ?? String(key.value))
  }
  return HANDLERS.some(name => names.has(name)) && ['method', 'path', 'permission'].some(name => names.has(name))
}
