/** The signed heads of a ledger, judged by themselves: form, signatures, chain. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Problem } from '../errors.ts'
import type { SignedHead } from './evidence.ts'
import { headDigest, NO_PREVIOUS, parseHead, verifyHead } from './heads.ts'
import type { VerifyFault } from './verify.ts'

export interface HeadsFile {
  readonly heads: readonly SignedHead[]
  readonly faults: readonly VerifyFault[]
}

/** A root that the tree must have at a size. */
export interface ExpectedRoot {
  readonly size: number
  readonly root: string
  /** Whose word it is: `the head of 2026-11-22 …`. */
  readonly name: string
}

export interface JudgedHeads {
  readonly count: number
  readonly newest: SignedHead | undefined
  /** Records that heads speak of. */
  readonly size: number
  /** By size. */
  readonly toCompare: readonly ExpectedRoot[]
  readonly faults: readonly VerifyFault[]
  includes(head: SignedHead): boolean
}

export async function readHeads(path: string): Promise<HeadsFile> {
  const heads: SignedHead[] = []
  const faults: VerifyFault[] = []
  let number = 0
  try {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
      number++
      try {
        heads.push(parseHead(line))
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        faults.push({ what: `line ${number} of ${path} is no signed head` })
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return { heads, faults }
}

/** @param kept a head that was kept elsewhere. */
export function judgeHeads(
  { heads, faults: before }: HeadsFile,
  publicKeys: readonly string[],
  kept: SignedHead | undefined,
): JudgedHeads {
  const faults = [...before]
  const keys = new Map(publicKeys.map(key => [keyIdOf(key), key]))
  const isSigned = (head: SignedHead): boolean => {
    const key = keys.get(head.keyId)
    return key !== undefined && verifyHead(head, key)
  }
  let previous = NO_PREVIOUS
  let size = 0
  for (const head of heads) {
    if (!isSigned(head)) faults.push({ what: `${nameOf(head)} is not signed with a key of this ledger` })
    if (head.previous !== previous) {
      faults.push({
        what: `${nameOf(head)} does not follow the head before it: heads were removed, exchanged or changed`,
      })
    }
    if (head.size < size) faults.push({ what: `${nameOf(head)} is about fewer records than the head before it` })
    previous = headDigest(head)
    size = head.size
  }
  const toCompare = heads.map(head => ({ size: head.size, root: head.root, name: nameOf(head) }))
  if (kept !== undefined) {
    if (!isSigned(kept))
      faults.push({ what: `the head kept elsewhere (${nameOf(kept)}) is not signed with a key of this ledger` })
    toCompare.push({ size: kept.size, root: kept.root, name: `the head kept elsewhere (${nameOf(kept)})` })
  }
  const sizeMax = toCompare.reduce((max, head) => Math.max(max, head.size), 0)
  toCompare.sort((a, b) => a.size - b.size)
  const known = new Set(heads.map(headDigest))
  const includes = (head: SignedHead): boolean => known.has(headDigest(head))
  return { includes, count: heads.length, newest: heads.at(-1), size: sizeMax, toCompare, faults }
}

function nameOf(head: SignedHead): string {
  return `the head of ${new Date(head.at).toISOString()} over ${head.size} records`
}

function keyIdOf(publicKey: string): string {
  return createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex').slice(0, 16)
}
