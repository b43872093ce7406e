/** The repository as the rules see it: paths and texts. Rules are pure functions of it, so each can be shown a bad one. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

export interface SourceFile {
  /** From the root of the repository, with forward slashes: `src/math/psi.ts`. */
  readonly path: string
  /** Empty for what no rule reads: data, images, programs in other languages. */
  readonly text: string
}

/** What a rule found: where, and what should be otherwise. */
export interface Fault {
  readonly path: string
  readonly line?: number
  readonly problem: string
}

export type Rule = (files: readonly SourceFile[]) => Fault[]

const READ = /\.(?:ts|tsx|js|mjs|md|json|sh|ya?ml)$/
/** Neither written by people nor part of the repository. */
const SKIPPED: ReadonlySet<string> = new Set(['node_modules', 'dist', 'coverage', 'out', 'golden'])
const BYTES_MAX = 1_000_000

/** Reads what people wrote: code, documents, configuration and scripts; no hidden folders but `.ci`. */
export function readTree(root: string): SourceFile[] {
  const files: SourceFile[] = []
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) {
        const isHidden = entry.name.startsWith('.') && entry.name !== '.ci'
        if (!isHidden && !SKIPPED.has(entry.name)) visit(path)
      } else if (entry.isFile()) {
        files.push({ path, text: isRead(path, root) ? readFileSync(join(root, path), 'utf8') : '' })
      }
    }
  }
  visit('')
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function isRead(path: string, root: string): boolean {
  const isText = READ.test(path) || /^(?:scripts|\.ci)\/[\w-]+$/.test(path)
  return isText && statSync(join(root, path)).size <= BYTES_MAX
}

/** A file and where it was found, as a person reads it in a test's output. */
export function tell(faults: readonly Fault[]): string {
  return faults
    .map(({ path, line, problem }) => `${line === undefined ? path : `${path}:${line}`}: ${problem}`)
    .join('\n')
}

/** A JSON file of the repository; an empty object where it is absent. */
export function jsonOf<T>(files: readonly SourceFile[], path: string): T {
  return JSON.parse(files.find(file => file.path === path)?.text ?? '{}') as T
}
