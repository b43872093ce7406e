/** Small repositories made to be looked at by a rule. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { routePermissions } from './permissions.ts'
import { loadRoutes } from './route-list.ts'
import { type Rule, readTree, tell } from './tree.ts'

/** Texts of files by their path. */
export type Tree = Readonly<Record<string, string>>

export interface Specimens {
  /** Each with what the rule must say of it: `path:line: problem`, from its beginning. */
  readonly bad: readonly (readonly [says: string, tree: Tree])[]
  /** As like the bad ones as can be, and in order: a rule that refuses everything holds nothing. */
  readonly good: Tree
}

/** What the rule says of a tree that has been written to a folder and read again, a line a fault. */
export function told(rule: Rule, tree: Tree): string {
  const root = written(tree)
  try {
    return tell(rule(readTree(root)))
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** The same of the routes that the tree's files make. */
export async function toldOfRoutes(tree: Tree): Promise<string> {
  const root = written(tree)
  try {
    return tell(routePermissions(await loadRoutes(root, readTree(root))))
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function written(tree: Tree): string {
  const root = mkdtempSync(join(tmpdir(), 'bellwether-tidy-'))
  for (const [path, text] of Object.entries(tree)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}
