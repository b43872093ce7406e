/**
 * The routes themselves, not their source: whatever way a file puts its routes together, what it returns is what a door
 * would serve. A file that makes routes exports functions called `…Routes`, one that makes procedures of gRPC `…Service`; each
 * is called with parts of which nothing is needed, because only handlers use them.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ObjectExpression } from 'oxc-parser'
import type { AnyRoute, RpcService } from '../route.ts'
import { isTest, type Module, modules, walk } from './module.ts'
import type { SourceFile } from './tree.ts'

export interface LoadedRoute {
  /** The file it comes from. */
  readonly file: string
  /** A procedure of gRPC, under the path that gRPC gives it. */
  readonly isProcedure: boolean
  readonly route: { readonly kind?: string } & Pick<AnyRoute, 'method' | 'path' | 'permission'>
}

/** @param root folder that the files' paths start from. */
export async function loadRoutes(root: string, files: readonly SourceFile[]): Promise<LoadedRoute[]> {
  const loaded: LoadedRoute[] = []
  for (const { path } of modules(files).filter(makesRoutes)) {
    const module = (await import(pathToFileURL(join(root, path)).href)) as Record<string, unknown>
    const routes = [
      ...made<AnyRoute[]>(module, /Routes$/).flat(),
      ...made<RpcService | RpcService[]>(module, /Services?$/)
        .flat()
        .flatMap(calls),
    ]
    if (routes.length === 0)
      throw new Error(`Cannot judge the routes of ${path}: it exports no …Routes or …Service function that makes some`)
    loaded.push(...routes.map(route => ({ file: path, route, isProcedure: !('handle' in route || 'invoke' in route) })))
  }
  return loaded
}

/** What the functions of such names make. */
function made<Made>(module: Readonly<Record<string, unknown>>, name: RegExp): Made[] {
  const makers = Object.entries(module).filter(([of, make]) => name.test(of) && typeof make === 'function')
  return makers.map(([, make]) => (make as (parts: unknown) => Made)(nothing()))
}

function calls({ name, procedures }: RpcService): LoadedRoute['route'][] {
  return Object.entries(procedures).map(([procedure, { kind, permission }]) => {
    return { kind, method: 'POST', path: `/${name}/${procedure}`, permission }
  })
}

function makesRoutes(module: Module): boolean {
  if (!module.path.startsWith('src/') || module.path.startsWith('src/tidy/') || isTest(module.path)) return false
  let found = false
  walk(module, {
    ObjectExpression(node) {
      found ||= isRoute(node)
    },
  })
  return found
}

/** An object with a handler and something of what a door needs to know about it. */
function isRoute(node: ObjectExpression): boolean {
  const names = new Set<string>()
  for (const property of node.properties) {
    if (property.type === 'SpreadElement') continue
    if (property.key.type === 'Identifier') names.add(property.key.name)
    if (property.key.type === 'Literal') names.add(String(property.key.value))
  }
  return (names.has('handle') || names.has('invoke')) && ['method', 'path', 'permission'].some(name => names.has(name))
}

/** Stands for any part: each member of it, and each answer of it, is nothing again. */
function nothing(): unknown {
  const part: object = new Proxy(() => undefined, {
    get: (_, name) => (name === Symbol.iterator ? () => [].values() : name === Symbol.toPrimitive ? () => '' : part),
    apply: () => part,
  })
  return part
}
