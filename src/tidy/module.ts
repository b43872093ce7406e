/** A source file as the parser sees it: imports and syntax tree, never regular expressions over text. */
import { posix } from 'node:path'
import { type Comment, type Node, type Program, parseSync, Visitor, type VisitorObject } from 'oxc-parser'
import type { SourceFile } from './tree.ts'

export interface Import {
  readonly specifier: string
  readonly line: number
  /** Gone at run time: `import type`, or a type named in place. */
  readonly isType: boolean
  /** No import, but a file named in a text: a worker or a child process to start, a script to copy. */
  readonly isNamed: boolean
  /** The file it means, from the root, where it is one of the repository's. */
  readonly target?: string
}

export interface Module {
  readonly path: string
  readonly text: string
  readonly program: Program
  readonly comments: readonly Comment[]
  /** Imports and re-exports of every form, and files named to be started, e.g. `new URL('./notary-worker.ts', …)`. */
  readonly imports: readonly Import[]
  readonly lineOf: (offset: number) => number
}

const CODE = /\.(?:ts|tsx|js|mjs)$/
const parsed = new WeakMap<SourceFile, Module>()

/** The code among the files, parsed; each file is parsed once, however many rules ask. Throws on what cannot be parsed. */
export function modules(files: readonly SourceFile[]): Module[] {
  const paths = new Set(files.map(file => file.path))
  return files
    .filter(file => CODE.test(file.path))
    .map(file => {
      const known = parsed.get(file) ?? moduleOf(file, paths)
      parsed.set(file, known)
      return known
    })
}

export function isTest(path: string): boolean {
  return /\.(?:test|suite)\.tsx?$/.test(path)
}

/** Calls the visitor's functions on each node of its kind. */
export function walk(module: Module, visitor: VisitorObject): void {
  new Visitor(visitor).visit(module.program)
}

function moduleOf({ path, text }: SourceFile, paths: ReadonlySet<string>): Module {
  const { program, comments, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`Cannot parse ${path}: ${errors[0]!.message}`)
  const starts = lineStarts(text)
  const lineOf = (offset: number): number => starts.findLastIndex(start => start <= offset) + 1
  const imports: Import[] = []
  const resolve = (specifier: string, extension = ''): string | undefined => {
    const resolved = posix.join(posix.dirname(path), specifier) + extension
    return /^\.{1,2}\/./.test(specifier) && paths.has(resolved) ? resolved : undefined
  }
  // A text may name a file from where it stands, with or without its ending, or from the root.
  const named = (text: string): string | undefined =>
    resolve(text) ?? resolve(text, '.ts') ?? (paths.has(text) ? text : undefined)
  const add = (literal: Node, kind: 'import' | 'type' | 'named'): void => {
    if (literal.type !== 'Literal' || typeof literal.value !== 'string') return
    const specifier = literal.value
    const target = kind === 'named' ? named(specifier) : resolve(specifier)
    if (kind === 'named' && target === undefined) return
    const found = target === undefined ? {} : { target }
    const line = lineOf(literal.start)
    imports.push({ specifier, line, isType: kind === 'type', isNamed: kind === 'named', ...found })
  }
  new Visitor(importVisitor(add)).visit(program)
  return { path, text, program, comments, imports, lineOf }
}

function importVisitor(add: (literal: Node, kind: 'import' | 'type' | 'named') => void): VisitorObject {
  const seen = new Set<number>()
  const source = (literal: Node | null, isType: boolean): void => {
    if (literal === null) return
    seen.add(literal.start)
    add(literal, isType ? 'type' : 'import')
  }
  return {
    ImportDeclaration(node) {
      const named = node.specifiers
      const areTypes =
        named.length > 0 && named.every(one => one.type === 'ImportSpecifier' && one.importKind === 'type')
      source(node.source, node.importKind === 'type' || areTypes)
    },
    ExportNamedDeclaration: node => source(node.source, node.exportKind === 'type'),
    ExportAllDeclaration: node => source(node.source, node.exportKind === 'type'),
    ImportExpression: node => source(node.source, false),
    TSImportType: node => source(node.source, true),
    // A worker or a child process is started by its file's name, with or without its ending: as much an import as any.
    Literal(node) {
      if (!seen.has(node.start)) add(node, 'named')
    },
  }
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}
