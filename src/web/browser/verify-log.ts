/** Verifies the whole ledger in the browser: every record is read and hashed, every head held against what was read. */
import { plural } from '../../ui/format.ts'
import type { SignedHead, SigningKeys } from './api.ts'
import { ask } from './ask.ts'
import { headDigest, isSigned, leafHash, type Step } from './evidence.ts'
import { linesOf } from './lines.ts'
import { growingTree } from './tree.ts'

export interface LogEvidence {
  /** Oldest first. */
  readonly heads: readonly SignedHead[]
  readonly keys: SigningKeys
}

const FIRST_PREVIOUS = '0'.repeat(64)
/** Hashed at once: many enough to keep the browser busy, few enough to let it draw. */
const BATCH = 512

export async function loadEvidence(signal: AbortSignal): Promise<LogEvidence> {
  // Asking for the head signs one over what is there now.
  await ask('/audit/head', { signal })
  const keys = (await (await ask('/audit/keys', { signal })).json()) as SigningKeys
  const text = await (await ask('/audit/heads', { signal })).text()
  const heads = text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as SignedHead)
  return { heads, keys }
}

/** The heads follow one another and are signed. Wrong ones are counted, the first one is named. */
export async function checkHeads({ heads, keys }: LogEvidence): Promise<Step[]> {
  let unsigned: SignedHead | undefined
  let unchained: SignedHead | undefined
  let previous = FIRST_PREVIOUS
  let size = -1
  for (const head of heads) {
    const key = keys.keys.find(({ keyId }) => keyId === head.keyId)
    if (key === undefined || !(await isSigned(head, key.publicKey))) unsigned ??= head
    if (head.previous !== previous || head.size <= size) unchained ??= head
    previous = await headDigest(head)
    size = head.size
  }
  return [
    {
      isRight: heads.length > 0 && unsigned === undefined,
      title: `${plural(heads.length, 'head')} signed with the ledger’s key`,
      detail: unsigned === undefined ? `Ed25519, key ${keys.ledger}` : `Not the one of ${unsigned.size} records`,
    },
    {
      isRight: heads.length > 0 && unchained === undefined,
      title: 'Each head names the one before it',
      detail:
        unchained === undefined
          ? 'None is missing between the first and the last'
          : `Not the one of ${unchained.size} records`,
    },
  ]
}

/**
 * Reads every record up to the newest head and compares the root at each head with what the head says. So whatever was
 * changed, put in, left out or put elsewhere shows.
 *
 * @param onProgress called with the number of records read.
 */
export async function checkRecords(
  heads: readonly SignedHead[],
  signal: AbortSignal,
  onProgress: (records: number) => void,
): Promise<Step> {
  const size = heads.at(-1)?.size ?? 0
  const response = await ask(`/audit/records?since=0&until=${size}`, { signal })
  const tree = growingTree()
  const waiting = heads.filter(head => head.size > 0)
  let wrong: SignedHead | undefined
  for await (const lines of linesOf(response.body!, BATCH)) {
    for (const leaf of await Promise.all(lines.map(leafHash))) {
      await tree.append(leaf)
      while (waiting[0]?.size === tree.size) {
        const head = waiting.shift()!
        if ((await tree.root()) !== head.root) wrong ??= head
      }
    }
    onProgress(tree.size)
  }
  const isWhole = tree.size === size
  return {
    isRight: isWhole && wrong === undefined && waiting.length === 0,
    title: `${plural(tree.size, 'record')} read, and the heads fit`,
    detail: !isWhole
      ? `${size.toLocaleString('en')} were expected`
      : wrong === undefined
        ? `Every one was read and hashed here; root ${heads.at(-1)?.root ?? ''}`
        : `Something within the first ${wrong.size.toLocaleString('en')} was changed`,
  }
}
