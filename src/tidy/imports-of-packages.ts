/** What is installed is used, and what is used is installed where it is needed. */
import { isBuiltin } from 'node:module'
import { isTest, type Module, modules } from './module.ts'
import { type Fault, jsonOf, type Rule } from './tree.ts'

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
}

interface Lockfile {
  readonly packages?: Readonly<Record<string, { readonly bin?: Readonly<Record<string, string>> }>>
}

/** The dashboard: a bundle holds what it imports, so that whoever installs us needs none of it. */
const BUNDLED = /^src\/(?:ui|web\/browser)\//

/**
 * The program imports nothing but `dependencies`: a user's installation has no others. Everything else may import both.
 * Each dependency is imported by the program, each development dependency by a test or named in a script.
 */
export const packageImports: Rule = files => {
  const { dependencies = {}, devDependencies = {}, scripts = {} } = jsonOf<Manifest>(files, 'package.json')
  const all = modules(files)
  const program = all.filter(isProgram)
  const faults = [
    ...strangers(program, new Set(Object.keys(dependencies)), 'dependencies'),
    ...strangers(all, new Set(Object.keys({ ...dependencies, ...devDependencies })), 'package.json'),
  ]
  for (const name of Object.keys(dependencies)) {
    if (!isNamed(name, program))
      faults.push({ path: 'package.json', problem: `has the dependency ${name}, which the program does not import` })
  }
  const words = new Set(Object.values(scripts).flatMap(script => script.split(/[\s;&|]+/)))
  const { packages = {} } = jsonOf<Lockfile>(files, 'package-lock.json')
  for (const name of Object.keys(devDependencies)) {
    const typed = /^@types\/(.*)$/.exec(name)?.[1]
    const runs = Object.keys(packages[`node_modules/${name}`]?.bin ?? {}).some(bin => words.has(bin))
    const isUsed = isNamed(name, all) || runs || (typed !== undefined && (typed === 'node' || isNamed(typed, all)))
    if (!isUsed)
      faults.push({ path: 'package.json', problem: `has the development dependency ${name}, which nothing uses` })
  }
  return faults
}

function isProgram({ path }: Module): boolean {
  const isOurs = path.startsWith('src/') || path.startsWith('bin/')
  return isOurs && !path.startsWith('src/tidy/') && !BUNDLED.test(path) && !isTest(path)
}

function strangers(among: readonly Module[], known: ReadonlySet<string>, where: string): Fault[] {
  return among.flatMap(({ path, imports }) =>
    imports.flatMap(({ specifier, line, isType, isNamed }) => {
      const name = packageOf(specifier)
      // A type is gone before anybody installs anything.
      if (isNamed || name === undefined || known.has(name) || (isType && where === 'dependencies')) return []
      return [{ path, line, problem: `imports ${name}, which is not in ${where}` }]
    }),
  )
}

/** Imported, or named where a file of it is looked up (`import.meta.resolve`). */
function isNamed(name: string, among: readonly Module[]): boolean {
  return among.some(({ text }) => text.includes(`'${name}'`) || text.includes(`'${name}/`))
}

/** `@duckdb/node-api` of `@duckdb/node-api/lib/x.js`; nothing for files and for what Node brings. */
function packageOf(specifier: string): string | undefined {
  if (/^[./]/.test(specifier) || isBuiltin(specifier)) return undefined
  return /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0]
}
