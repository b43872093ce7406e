import { createHmac } from 'node:crypto'

/** Keeps the last so many pseudonyms: a caller who asks about one subject again pays no hash. */
const KNOWN_MAX = 10_000
const PSEUDONYM_BYTES = 16

/** Turns raw ids into keyed pseudonyms, so that the ledger links records of one subject without knowing whose they are. */
export interface Pseudonyms {
  subject(id: string): string
  unit(id: string): string
}

/**
 * HMAC-SHA256 (RFC 2104) of the id under a key of this ledger, cut to 16 bytes, base64url. Without the key nobody can go
 * through a list of ids to find whose record it is. Subjects and units have keys apart: the same id links nothing.
 *
 * @param derive gives a key for a purpose (`Keyring.derive`).
 */
export function pseudonyms(derive: (purpose: string) => Uint8Array): Pseudonyms {
  return { subject: pseudonymsOf(derive('pseudonym/subject')), unit: pseudonymsOf(derive('pseudonym/unit')) }
}

function pseudonymsOf(key: Uint8Array): (id: string) => string {
  // Two generations: when the younger is full it becomes the older, whose own entries are let go.
  let younger = new Map<string, string>()
  let older = new Map<string, string>()
  return id => {
    let pseudonym = younger.get(id)
    if (pseudonym !== undefined) return pseudonym
    pseudonym = older.get(id)
    if (pseudonym === undefined) {
      const digest = createHmac('sha256', key).update(id).digest()
      pseudonym = digest.subarray(0, PSEUDONYM_BYTES).toString('base64url')
    }
    if (younger.size >= KNOWN_MAX / 2) {
      older = younger
      younger = new Map()
    }
    younger.set(id, pseudonym)
    return pseudonym
  }
}
