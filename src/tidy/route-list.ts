/**
 * The routes themselves, not their source: whatever way a file puts its routes together, what it returns is what a door
 * would serve. Each exported `…Routes` function of a file `…routes.ts` is called with parts of which nothing is needed, because
 * only handlers use them.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AnyRoute } from '../route.ts'
import type { SourceFile } from './tree.ts'

export interface LoadedRoute {
  /** The file it comes from. */
  readonly file: string
  readonly route: Pick<AnyRoute, 'method' | 'path' | 'permission'>
}

export function isRouteFile(path: string): boolean {
  return /^src\/.*(?:^|[/-])routes\.ts$/.test(path)
}

/** @param root folder that the files' paths start from. */
export async function loadRoutes(root: string, files: readonly SourceFile[]): Promise<LoadedRoute[]> {
  const loaded: LoadedRoute[] = []
  for (const { path } of files.filter(file => isRouteFile(file.path))) {
    const module = (await import(pathToFileURL(join(root, path)).href)) as Record<string, unknown>
    const makers = Object.entries(module).filter(([name, made]) => /Routes?$/.test(name) && typeof made === 'function')
    const routes = makers.flatMap(([, make]) => (make as (parts: unknown) => AnyRoute | AnyRoute[])(nothing()))
    if (routes.length === 0)
      throw new Error(`Cannot load the routes of ${path}: it exports no …Routes function that makes some`)
    loaded.push(...routes.map(route => ({ file: path, route })))
  }
  return loaded
}

/** Stands for any part: each member of it, and each answer of it, is nothing again. */
function nothing(): unknown {
  const part: object = new Proxy(() => undefined, {
    get: (_, name) => (name === Symbol.iterator ? () => [].values() : name === Symbol.toPrimitive ? () => '' : part),
    apply: () => part,
  })
  return part
}
