/** API keys: what one is, how its text is made and read, and when one may be made or revoked. Pure. */
import { hash, timingSafeEqual } from 'node:crypto'
import { type FieldProblem, Problem } from '../errors.ts'
import type { Actor } from '../route.ts'
import { isRole, permits, ROLE_NAMES, ROLES, type Role } from './roles.ts'

/** What may be known of a key by whoever may list keys. The secret is not among it. */
export interface KeyInfo {
  /** 12 hex digits; part of the secret's text, so that a secret found somewhere can be told apart and revoked. */
  readonly id: string
  readonly name: string
  /** Who holds it, as all their keys say; or the id of the actor of their tokens, `user:…`. Absent: nobody but the key itself. */
  readonly owner?: string
  readonly roles: readonly Role[]
  readonly createdAt: number
  /** `Actor.id`. */
  readonly createdBy: string
  /** From this moment on it is refused. Absent: it does not expire. */
  readonly expiresAt?: number
  readonly revokedAt?: number
  readonly revokedBy?: string
}

export interface StoredKey extends KeyInfo {
  /** SHA-256 of the whole secret, hex. The secret has 256 random bits, so a slow hash would protect nothing more. */
  readonly sha256: string
}

export interface NewKey {
  readonly name: string
  readonly owner?: string
  readonly roles: readonly string[]
  readonly expiresAt?: number
}

/** More than any installation needs; keeps the snapshot in memory, and its listing, small. */
export const KEYS_MAX = 10_000
export const KEY_NAME_CHARACTERS_MAX = 100
/** The end of the year 9999: what comes later cannot be written as a date. */
export const EXPIRES_AT_MAX = 253_402_300_799_999

const ID_BYTES = 6
const SECRET_BYTES = 32
const SECRET = /^bw_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/

/** The text of a new key, `bw_<12 hex digits>_<43 base64url characters>`: the prefix lets secret scanners find leaked ones. */
export function makeSecret(fill: (bytes: Uint8Array) => void): { readonly id: string; readonly secret: string } {
  const bytes = new Uint8Array(ID_BYTES + SECRET_BYTES)
  fill(bytes)
  const id = Buffer.from(bytes.subarray(0, ID_BYTES)).toString('hex')
  return { id, secret: `bw_${id}_${Buffer.from(bytes.subarray(ID_BYTES)).toString('base64url')}` }
}

/** The key's id in the text of a secret, or `undefined` where the text has not the form of one. */
export function idOfSecret(secret: string): string | undefined {
  return SECRET.exec(secret)?.[1]
}

export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'hex')
}

/** Whether a secret is the one whose hash is kept; takes the same time wherever the two hashes differ. */
export function isSecretOf(secret: string, kept: Buffer): boolean {
  const found = Buffer.from(hashSecret(secret), 'latin1')
  return found.length === kept.length && timingSafeEqual(found, kept)
}

export function isExpired(key: KeyInfo, now: number): boolean {
  return key.expiresAt !== undefined && key.expiresAt <= now
}

export function isActive(key: KeyInfo, now: number): boolean {
  return key.revokedAt === undefined && !isExpired(key, now)
}

const isActiveAdmin = (key: KeyInfo, now: number): boolean => isActive(key, now) && key.roles.includes('admin')

export function keyInfo({ sha256: _, ...info }: StoredKey): KeyInfo {
  return info
}

/**
 * Checks what a new key is to be, by itself and against the keys there are. Throws `invalid` naming every wrong field,
 * `forbidden` where it would permit more than its creator may do, `conflict` where there are too many.
 */
export function judgeCreation(key: NewKey, existing: readonly KeyInfo[], by: Actor, now: number): readonly Role[] {
  const fields = [
    ...nameProblems(key.name),
    ...ownerProblems(key.owner),
    ...roleProblems(key.roles),
    ...expiryProblems(key.expiresAt, now),
  ]
  if (fields.length > 0) {
    throw new Problem('invalid', `Cannot create the key: ${fields.map(f => `${f.field} ${f.problem}`).join('; ')}`, {
      fields,
    })
  }
  const roles = ROLE_NAMES.filter(role => key.roles.includes(role))
  const beyond = roles.flatMap(role => ROLES[role]).find(permission => !permits(by, permission))
  if (beyond !== undefined) {
    throw new Problem('forbidden', `Cannot create the key: it would permit ${beyond}, which its creator may not`)
  }
  if (!roles.includes('admin') && !existing.some(other => isActiveAdmin(other, now))) {
    const problem = 'has no admin: the first key must be one, or nobody could manage keys'
    throw new Problem('invalid', `Cannot create the key: roles ${problem}`, { fields: [{ field: 'roles', problem }] })
  }
  const count = existing.filter(other => other.revokedAt === undefined).length
  if (count >= KEYS_MAX) {
    throw new Problem('conflict', `Cannot create the key: there are ${count} keys, at most ${KEYS_MAX} are kept`)
  }
  return roles
}

/**
 * Checks that a key may be revoked. Throws `not_found`, or `conflict` where it was revoked before or is the last that could
 * manage the others. The very last key may go: who revokes it wants no keys.
 */
export function judgeRevocation(id: string, existing: readonly KeyInfo[], now: number): void {
  const key = existing.find(other => other.id === id)
  if (key === undefined) throw new Problem('not_found', `Cannot revoke the key: there is no key ${JSON.stringify(id)}`)
  if (key.revokedAt !== undefined) throw new Problem('conflict', `Cannot revoke the key: ${id} was revoked already`)
  const others = existing.filter(other => other.id !== id && other.revokedAt === undefined)
  if (others.length > 0 && isActiveAdmin(key, now) && !others.some(other => isActiveAdmin(other, now))) {
    throw new Problem(
      'conflict',
      `Cannot revoke the key: ${id} is the last admin key, and ${others.length} other keys could no longer be managed`,
    )
  }
}

function nameProblems(name: string): FieldProblem[] {
  return textProblems('name', name, 'a text that tells people what the key is for')
}

function ownerProblems(owner: string | undefined): FieldProblem[] {
  if (owner === undefined) return []
  if (/^\s*(?:key:|local\s*$)/i.test(owner))
    return [{ field: 'owner', problem: 'is an actor that is no person, wanted a name, an address or user:…' }]
  return textProblems('owner', owner, 'who holds the key')
}

function textProblems(field: string, name: string, wanted: string): FieldProblem[] {
  const problem = (text: string): FieldProblem[] => [{ field, problem: text }]
  if (name.trim() === '') return problem(`is empty, wanted ${wanted}`)
  if (name.length > KEY_NAME_CHARACTERS_MAX) {
    return problem(`has ${name.length} characters, at most ${KEY_NAME_CHARACTERS_MAX} are kept`)
  }
  if (/\p{Cc}/u.test(name)) return problem('has control characters')
  return name.isWellFormed() ? [] : problem('is not well-formed Unicode')
}

function roleProblems(roles: readonly string[]): FieldProblem[] {
  if (roles.length === 0) return [{ field: 'roles', problem: `is empty, wanted some of ${ROLE_NAMES.join(', ')}` }]
  const unknown = roles.filter(role => !isRole(role))
  if (unknown.length === 0) return []
  const found = unknown.map(role => JSON.stringify(role.slice(0, 40))).join(', ')
  return [{ field: 'roles', problem: `has ${found}, wanted some of ${ROLE_NAMES.join(', ')}` }]
}

function expiryProblems(expiresAt: number | undefined, now: number): FieldProblem[] {
  if (expiresAt === undefined) return []
  if (!Number.isSafeInteger(expiresAt)) {
    return [{ field: 'expiresAt', problem: 'is not a whole number of milliseconds since the epoch' }]
  }
  if (expiresAt > EXPIRES_AT_MAX) return [{ field: 'expiresAt', problem: `is ${expiresAt}, at most ${EXPIRES_AT_MAX}` }]
  return expiresAt > now ? [] : [{ field: 'expiresAt', problem: `is ${expiresAt}, wanted a time after now, ${now}` }]
}
