/** The RFC 6962 tree of a log that is read from its beginning: knows the root after each record and keeps log₂ of them. */
import { nodeHash, toHex } from './evidence.ts'

export interface GrowingTree {
  readonly size: number
  append(leaf: Uint8Array): Promise<void>
  /** Hex. */
  root(): Promise<string>
}

/** SHA-256 of nothing: the root of the log without records. */
const EMPTY_ROOT = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

export function growingTree(): GrowingTree {
  /** Roots of the complete subtrees, largest first: one for each 1 in the binary size. */
  const roots: Uint8Array[] = []
  let size = 0
  return {
    get size(): number {
      return size
    },
    async append(leaf): Promise<void> {
      let root = leaf
      for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) root = await nodeHash(roots.pop()!, root)
      roots.push(root)
      size++
    },
    async root(): Promise<string> {
      let root = roots.at(-1)
      if (root === undefined) return EMPTY_ROOT
      for (let index = roots.length - 2; index >= 0; index--) root = await nodeHash(roots[index]!, root)
      return toHex(root)
    },
  }
}
