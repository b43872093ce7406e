/** What we build on: told, weighed, of a licence that lets others use us, and from no particular registry. */
import { type Fault, jsonOf, type Rule, type SourceFile } from './tree.ts'

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

interface Lockfile {
  readonly packages?: Readonly<Record<string, LockedPackage>>
}

interface LockedPackage {
  readonly version?: string
  readonly license?: string
  readonly resolved?: string
  /** Only installed to build and test. */
  readonly dev?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const DOCUMENT = 'docs/dependencies.md'
const PERMISSIVE: ReadonlySet<string> = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'Unlicense',
  'Python-2.0',
  'OFL-1.1', // typefaces: free to bundle, not to be sold alone
])
/** Asks changed files of its own to stay open: for tools that are never part of the package. */
const DEVELOPMENT_ONLY: ReadonlySet<string> = new Set(['MPL-2.0'])

/** `docs/dependencies.md` has a row for each dependency, with the version and licence that are installed, and no other. */
export const dependencies: Rule = files => {
  const document = textOf(files, DOCUMENT)
  const { dependencies, devDependencies } = jsonOf<Manifest>(files, 'package.json')
  const { packages = {} } = jsonOf<Lockfile>(files, 'package-lock.json')
  const wanted = new Set(Object.keys({ ...dependencies, ...devDependencies }))
  const rows = rowsOf(document)
  const faults: Fault[] = []
  for (const name of wanted) {
    if (!rows.has(name)) faults.push({ path: DOCUMENT, problem: `has no row for ${name}, which package.json names` })
  }
  for (const [name, { line, version, licence }] of rows) {
    const locked = packages[`node_modules/${name}`]
    const add = (problem: string): number => faults.push({ path: DOCUMENT, line, problem })
    if (!wanted.has(name)) add(`has a row for ${name}, which package.json does not name`)
    else if (locked === undefined) add(`has a row for ${name}, which package-lock.json does not hold`)
    else if (locked.version !== version) add(`says ${name} ${version}, installed is ${locked.version}`)
    else if (locked.license !== licence) add(`says ${name} is under ${licence}, its package says ${locked.license}`)
  }
  return faults
}

/** Packages whose manifest names no licence, and the one in their LICENSE file. */
const IN_A_FILE: Readonly<Record<string, string>> = { 'node_modules/png-js': 'MIT' }

/** Every package that is installed, however deep, is under a licence that asks for no more than to be named. */
export const licences: Rule = files =>
  locked(files).flatMap(([path, { license = IN_A_FILE[path], dev }]) =>
    license !== undefined && (isPermissive(license) || (dev === true && DEVELOPMENT_ONLY.has(license)))
      ? []
      : [{ path: 'package-lock.json', problem: `${path} is under ${license ?? 'no stated licence'}` }],
  )

/** The lockfile names no registry: whoever installs uses their own. */
export const registries: Rule = files =>
  locked(files).flatMap(([path, { resolved }]) =>
    resolved === undefined ? [] : [{ path: 'package-lock.json', problem: `${path} is resolved to ${resolved}` }],
  )

/**
 * The lockfile holds the native parts for every system. npm leaves those out that it could not find when the lockfile was
 * made, says nothing, and `npm ci` then fails for everybody.
 */
export const systems: Rule = files => {
  const all = new Map(locked(files))
  return [...all].flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter(name => !all.has(`node_modules/${name}`) && !all.has(`${path}/node_modules/${name}`))
      .map(name => ({ path: 'package-lock.json', problem: `${path} wants ${name}, which is missing` })),
  )
}

function locked(files: readonly SourceFile[]): [string, LockedPackage][] {
  const { packages = {} } = jsonOf<Lockfile>(files, 'package-lock.json')
  return Object.entries(packages).filter(([path]) => path !== '')
}

/** An SPDX expression: any branch of an `OR`, all of an `AND`. */
function isPermissive(expression: string): boolean {
  const terms = expression.replace(/[()]/g, '').split(/ OR /)
  return terms.some(term => term.split(/ AND /).every(name => PERMISSIVE.has(name.trim())))
}

interface Row {
  readonly line: number
  readonly version: string
  readonly licence: string
}

/** Rows whose first cell is a package's name in backticks: `name` | version | licence | … */
function rowsOf(document: string): Map<string, Row> {
  const rows = new Map<string, Row>()
  for (const [index, text] of document.split('\n').entries()) {
    const [, name, version, licence] = /^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|/.exec(text) ?? []
    if (name !== undefined) rows.set(name, { line: index + 1, version: version!.trim(), licence: licence!.trim() })
  }
  return rows
}

function textOf(files: readonly SourceFile[], path: string): string {
  return files.find(file => file.path === path)?.text ?? ''
}
