/** Every route names a permission that exists, in its own data, where a reader sees it. */
import type { Expression, ObjectExpression } from 'oxc-parser'
import { PERMISSIONS } from '../access/roles.ts'
import { isTest, modules, walk } from './module.ts'
import type { Fault, Rule } from './tree.ts'

/** All that anybody may ask without a key: whether the server lives and can answer, and how to talk to it. */
export const PUBLIC_PATHS: ReadonlySet<string> = new Set([
  '/healthz',
  '/readyz',
  '/docs',
  '/docs/*',
  '/openapi.json',
  '/v2/health/live',
  '/v2/health/ready',
])

const KNOWN: ReadonlySet<string> = new Set(PERMISSIONS)
const HANDLERS: readonly string[] = ['handle', 'invoke']
/** Methods that take a permission by name: `access.permit(actor, name)`, `request.admit(name)`. */
const ASKED: Readonly<Record<string, number>> = { permit: 1, admit: 0 }

/**
 * An object with a method, a path and a handler is a route, wherever it stands. Its permission must be a text in that very
 * object: a name or a spread could hold anything, so it is refused as well.
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
          const problem = routeProblem(node)
          if (problem !== undefined) add(node.start, problem)
        },
        CallExpression(node) {
          if (node.callee.type !== 'MemberExpression' || node.callee.property.type !== 'Identifier') return
          const position = ASKED[node.callee.property.name]
          const asked = position === undefined ? undefined : textOf(node.arguments[position])
          if (asked !== undefined && !KNOWN.has(asked)) add(node.start, `asks for ${asked}, which is no permission`)
        },
      })
      return faults
    })

function routeProblem(node: ObjectExpression): string | undefined {
  const members = membersOf(node)
  if (!isRoute(members)) return undefined
  const path = textOf(members.get('path'))
  if (path === undefined) return 'a route whose path is not a plain text'
  const route = `the route ${textOf(members.get('method')) ?? '?'} ${path}`
  if (!members.has('permission')) return `${route} has no permission`
  const permission = textOf(members.get('permission'))
  if (permission === undefined) return `${route} has a permission that is not a plain text`
  if (permission === 'public') {
    return PUBLIC_PATHS.has(path)
      ? undefined
      : `${route} is public, and public paths are few: ${[...PUBLIC_PATHS].join(' ')}`
  }
  return KNOWN.has(permission) ? undefined : `${route} wants ${permission}, which is no permission of access/roles.ts`
}

function isRoute(members: ReadonlyMap<string, Expression>): boolean {
  return HANDLERS.some(name => members.has(name)) && (members.has('path') || members.has('method'))
}

function membersOf(node: ObjectExpression): ReadonlyMap<string, Expression> {
  const members = new Map<string, Expression>()
  for (const property of node.properties) {
    if (property.type !== 'Property' || property.computed) continue
    if (property.key.type === 'Identifier') members.set(property.key.name, property.value)
    if (property.key.type === 'Literal') members.set(String(property.key.value), property.value)
  }
  return members
}

function textOf(node: { readonly type: string; readonly value?: unknown } | undefined): string | undefined {
  return node?.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined
}
