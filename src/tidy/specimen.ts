/** Small repositories made to be looked at by a rule. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
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
  const root = mkdtempSync(join(tmpdir(), 'bellwether-tidy-'))
  try {
    for (const [path, text] of Object.entries(tree)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    return tell(rule(readTree(root)))
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
