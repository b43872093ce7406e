/**
 * What can be shown to somebody who trusts nobody. The log is the RFC 6962 §2.1 Merkle tree of the records' canonical bytes
 * in the order in which they were appended: leaf = SHA-256(0x00 ‖ bytes), node = SHA-256(0x01 ‖ left ‖ right).
 */

/** A signed tree head: the log's state in one line, to be kept, printed or anchored elsewhere. */
export interface SignedHead {
  /** Number of records under it. */
  readonly size: number
  /** Root of the tree, hex. */
  readonly root: string
  /** When it was signed, milliseconds since the epoch. */
  readonly at: number
  /** SHA-256 of the canonical bytes of the head before it (signature included), hex; 64 zeros for the first. */
  readonly previous: string
  /** First 16 hex digits of the SHA-256 of the raw public key. */
  readonly keyId: string
  /** Ed25519 over the canonical JSON of the members above, base64. */
  readonly signature: string
}

export interface InclusionProof {
  readonly format: 'bellwether-inclusion-proof/1'
  /** The record's canonical text. */
  readonly record: string
  readonly index: number
  /** RFC 6962 §2.1.1 audit path, leaf to root, hex. */
  readonly path: readonly string[]
  readonly head: SignedHead
  /** Raw Ed25519 public key, base64. */
  readonly publicKey: string
}
