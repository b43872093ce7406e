/** Every route names a permission that exists. */
import { PERMISSIONS } from '../access/roles.ts'
import { isTest, modules, walk } from './module.ts'
import type { LoadedRoute } from './route-list.ts'
import type { Fault, Rule } from './tree.ts'

/**
 * All that anybody may ask without a key: whether the server lives and can answer, how to talk to it, and the dashboard's
 * shell, which holds no data and asks for a key itself.
 */
const PUBLIC =
  /^(?:\/|\/predictions|\/runs|\/changes|\/audit|\/dashboard\/.*|\/healthz|\/readyz|\/docs(?:\/.*)?|\/schemas\/model\.yaml|\/ping|\/health|\/version|\/v2\/?|\/v2\/health\/live|\/v2\/health\/ready)$/

/** The same of gRPC, and what its own tools ask before they know anything: the interfaces. */
const PUBLIC_CALLS =
  /^\/(?:grpc\.health\.v1\.Health\/\w+|grpc\.reflection\.v1(?:alpha)?\.ServerReflection\/\w+|inference\.GRPCInferenceService\/Server(?:Live|Ready|Metadata))$/

const KNOWN: ReadonlySet<string> = new Set(PERMISSIONS)
/** Methods that take a permission by name: `access.permit(actor, name)`, `request.admit(name)`. */
const ASKED: Readonly<Record<string, number>> = { permit: 1, admit: 0 }

/** Judges routes as they are, however their source is written. */
export function routePermissions(loaded: readonly LoadedRoute[]): Fault[] {
  return loaded.flatMap(({ file, route: { method, path, permission } }) => {
    const fault = (problem: string): Fault[] => [{ path: file, problem: `the route ${method} ${path} ${problem}` }]
    if (permission === undefined) return fault('has no permission')
    if (permission === 'public')
      return PUBLIC.test(path) || PUBLIC_CALLS.test(path) ? [] : fault(`is public, which only ${PUBLIC.source} may be`)
    return KNOWN.has(permission) ? [] : fault(`wants ${permission}, which is no permission of access/roles.ts`)
  })
}

/** Permissions that code asks for by name exist. */
export const askedPermissions: Rule = files =>
  modules(files)
    .filter(({ path }) => path.startsWith('src/') && !isTest(path))
    .flatMap(module => {
      const faults: Fault[] = []
      walk(module, {
        CallExpression(node) {
          if (node.callee.type !== 'MemberExpression' || node.callee.property.type !== 'Identifier') return
          const position = ASKED[node.callee.property.name]
          const asked = position === undefined ? undefined : node.arguments[position]
          if (asked?.type !== 'Literal' || typeof asked.value !== 'string' || KNOWN.has(asked.value)) return
          const problem = `asks for ${asked.value}, which is no permission`
          faults.push({ path: module.path, line: module.lineOf(node.start), problem })
        },
      })
      return faults
    })
