/**
 * Checks the ledger's evidence in the browser, from public rules alone: RFC 6962 for the tree, RFC 8785 for the bytes,
 * RFC 8032 for the signature. Nothing of the server's code is used, so that it cannot vouch for itself.
 */
import type { InclusionProof, SignedHead, SigningKeys } from './api.ts'

export interface Step {
  readonly isRight: boolean
  readonly title: string
  readonly detail: string
}

const encoder = new TextEncoder()

/** Whether this page may do cryptography: browsers allow it over HTTPS and on the machine itself only. */
export function canVerify(): boolean {
  return globalThis.crypto?.subtle !== undefined
}

/** SHA-256(0x00 ‖ record), RFC 6962 §2.1. */
export async function leafHash(record: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = encoder.encode(record)
  const bytes = new Uint8Array(text.length + 1)
  bytes.set(text, 1)
  return sha256(bytes)
}

/** SHA-256(0x01 ‖ left ‖ right). */
export async function nodeHash(left: Uint8Array, right: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(1 + left.length + right.length)
  bytes[0] = 1
  bytes.set(left, 1)
  bytes.set(right, 1 + left.length)
  return sha256(bytes)
}

/** The root to which a path leads from a leaf (RFC 9162 §2.1.3.2); undefined where the path does not fit index and size. */
export async function rootOf(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly string[],
): Promise<string | undefined> {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size)) return undefined
  let at = index
  let last = size - 1
  let hash: Uint8Array = leaf
  for (const text of path) {
    const sibling = fromHex(text)
    if (last === 0 || sibling === undefined) return undefined
    if (at % 2 === 1 || at === last) {
      hash = await nodeHash(sibling, hash)
      while (at % 2 === 0 && at !== 0) {
        at /= 2
        last = Math.floor(last / 2)
      }
    } else {
      hash = await nodeHash(hash, sibling)
    }
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 ? toHex(hash) : undefined
}

/** Whether a head is signed by the key, and the key is the one that the head names. */
export async function isSigned(head: SignedHead, publicKey: string): Promise<boolean> {
  const raw = fromBase64(publicKey)
  const signature = fromBase64(head.signature)
  if (raw?.length !== 32 || signature?.length !== 64) return false
  if (toHex(await sha256(raw)).slice(0, 16) !== head.keyId) return false
  const { signature: _, ...statement } = head
  const key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify'])
  return crypto.subtle.verify('Ed25519', key, signature, encoder.encode(canonicalFlat(statement)))
}

/** What the head after this one names as `previous`. */
export async function headDigest(head: SignedHead): Promise<string> {
  return toHex(await sha256(encoder.encode(canonicalFlat(head))))
}

/**
 * Checks a record's proof against the record that the page shows. Every step is told, the ones after a wrong one too.
 *
 * @param id the record that was asked for.
 */
export async function checkProof(id: string, proof: InclusionProof, keys: SigningKeys): Promise<Step[]> {
  const { record, index, path, head, publicKey } = proof
  const isThisOne = (JSON.parse(record) as { id?: unknown }).id === id
  const leaf = await leafHash(record)
  const root = await rootOf(leaf, index, head.size, path)
  const isListed = keys.keys.some(key => key.publicKey === publicKey && key.keyId === head.keyId)
  return [
    {
      isRight: isThisOne,
      title: 'The proof is of this record',
      detail: `Its bytes hash to ${toHex(leaf)}`,
    },
    {
      isRight: root === head.root,
      title: `The record is number ${(index + 1).toLocaleString('en')} of ${head.size.toLocaleString('en')}`,
      detail: `${path.length} hashes lead from it to ${root ?? 'nowhere'}; the head says ${head.root}`,
    },
    {
      isRight: isListed && (await isSigned(head, publicKey)),
      title: 'The head is signed with the ledger’s key',
      detail: `Ed25519, key ${head.keyId}`,
    },
  ]
}

/**
 * The canonical JSON (RFC 8785) of an object of texts and whole numbers with ASCII names: sorted, without white space. That
 * is all that a head has.
 */
function canonicalFlat(value: object): string {
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, member]) => `${JSON.stringify(name)}:${JSON.stringify(member)}`).join(',')}}`
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

function fromHex(text: string): Uint8Array | undefined {
  if (!/^(?:[\da-f]{2})*$/.test(text)) return undefined
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(2 * index, 2 * index + 2), 16),
  )
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), character => character.charCodeAt(0))
  } catch {
    return undefined
  }
}
