/**
 * A key for each subject, under which the sensitive features of their records are sealed. Destroying it erases what they
 * held, while the records themselves, their hashes and every proof stay as they are.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import { Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Keyring } from '../platform/crypto.ts'
import { type Database, tables } from '../platform/database.ts'
import type { LedgerTables, SubjectKeysRow } from './tables.ts'

/** Seals canonical JSON for the record with this id; base64url. */
export type Seal = (plaintext: string, id: string) => string

/**
 * Duties: a key that was handed out is in the database before anything is sealed with it; of two processes that make a key
 * for one subject at once, both use the one that was stored; a destroyed key never comes back: a subject who returns gets
 * another, which opens nothing of the time before.
 */
export interface SubjectKeys {
  /** The way to seal for a subject's pseudonym; without one, under a key of the day. */
  open(subject: string | undefined): Promise<Seal>
  /** What was sealed for the record, as canonical JSON. Throws `not_found` once erased, `corrupt` for other bytes. */
  unseal(
    sealed: string,
    record: { readonly id: string; readonly at: number; readonly subject?: string },
  ): Promise<string>
  /** Erases. Returns false where there was no key. */
  destroy(subject: string): Promise<boolean>
}

export interface SubjectKeysParts {
  readonly db: Database
  readonly keyring: Pick<Keyring, 'seal' | 'open'>
  readonly clock: Clock
}

/** A key and its id. */
interface SubjectKey {
  readonly id: string
  readonly key: Buffer
}

const KEY_BYTES = 32
const KEY_ID_BYTES = 6
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** Keys kept in memory; the least recently used goes first. */
const KNOWN_MAX = 10_000
const PURPOSE = 'subject-key'
const DAY_MS = 86_400_000

export function subjectKeys({ db, keyring, clock }: SubjectKeysParts): SubjectKeys {
  const sql = tables<LedgerTables>(db)
  const known = keysInMemory(batch => storedKeys(sql, keyring, batch, clock.now()))

  return {
    async open(subject): Promise<Seal> {
      const { id: keyId, key } = await known.keyOf(subject ?? dayOf(clock.now()))
      return (plaintext, id) => `${keyId}.${sealText(key, plaintext, id)}`
    },

    async unseal(sealed, { id, at, subject }): Promise<string> {
      const name = subject ?? dayOf(at)
      const [keyId, text = ''] = sealed.split('.', 2)
      const row = await sql.selectFrom('subject_keys').selectAll().where('subject', '=', name).executeTakeFirst()
      if (row === undefined || row.key_id !== keyId) throw erased(id)
      return unsealText(unwrapped(row, keyring).key, text, id)
    },

    async destroy(subject): Promise<boolean> {
      const [result] = await sql.deleteFrom('subject_keys').where('subject', '=', subject).execute()
      known.forget(subject)
      return result!.numDeletedRows > 0n
    },
  }
}

/** The keys of these subjects, made where there are none: one statement writes those of a whole turn. */
async function storedKeys(
  sql: Kysely<LedgerTables>,
  keyring: SubjectKeysParts['keyring'],
  subjects: readonly string[],
  at: number,
): Promise<ReadonlyMap<string, SubjectKey>> {
  const rows = subjects.map(subject => {
    const wrapped = keyring.seal(PURPOSE, randomBytes(KEY_BYTES), subject).toString('base64')
    return { subject, key_id: randomBytes(KEY_ID_BYTES).toString('hex'), wrapped_key: wrapped, created_at: at }
  })
  const insert = sql.insertInto('subject_keys').values(rows)
  await insert.onConflict(conflict => conflict.column('subject').doNothing()).execute()
  const stored = await sql.selectFrom('subject_keys').selectAll().where('subject', 'in', subjects).execute()
  return new Map(stored.map(row => [row.subject, unwrapped(row, keyring)]))
}

const REWRAPPED_AT_ONCE = 500

/**
 * Seals all subjects' keys by the newest master key; returns how many were sealed by another. A key that is destroyed meanwhile stays
 * destroyed. Throws `corrupt` where one cannot be opened.
 */
export async function rewrapSubjectKeys(db: Database, keyring: Pick<Keyring, 'rewrap'>): Promise<number> {
  const sql = tables<LedgerTables>(db)
  let rewrapped = 0
  for (let after = ''; ; ) {
    const page = sql.selectFrom('subject_keys').selectAll().where('subject', '>', after)
    const rows = await page.orderBy('subject').limit(REWRAPPED_AT_ONCE).execute()
    if (rows.length === 0) return rewrapped
    await sql.transaction().execute(async tx => {
      for (const { subject, wrapped_key: before } of rows) {
        const made = keyring.rewrap(PURPOSE, Buffer.from(before, 'base64'), subject)
        if (made === undefined) continue
        const update = tx.updateTable('subject_keys').set({ wrapped_key: made.toString('base64') })
        await update.where('subject', '=', subject).where('wrapped_key', '=', before).execute()
        rewrapped++
      }
    })
    after = rows.at(-1)!.subject
  }
}

function unwrapped({ subject, key_id, wrapped_key }: SubjectKeysRow, keyring: SubjectKeysParts['keyring']): SubjectKey {
  return { id: key_id, key: keyring.open(PURPOSE, Buffer.from(wrapped_key, 'base64'), subject) }
}

interface KeysInMemory {
  keyOf(subject: string): Promise<SubjectKey>
  forget(subject: string): void
}

/** Remembers keys, and fetches together those that are asked for in one turn of the event loop. */
function keysInMemory(fetch: (subjects: readonly string[]) => Promise<ReadonlyMap<string, SubjectKey>>): KeysInMemory {
  const known = new Map<string, Promise<SubjectKey>>()
  let next: { readonly subjects: string[]; readonly fetched: Promise<ReadonlyMap<string, SubjectKey>> } | undefined

  const fetchWithOthers = async (subject: string): Promise<SubjectKey> => {
    if (next === undefined) {
      const subjects: string[] = []
      const turn = new Promise(resolve => setImmediate(resolve))
      const fetched = turn.then(() => {
        next = undefined
        return fetch(subjects)
      })
      next = { subjects, fetched }
    }
    next.subjects.push(subject)
    return (await next.fetched).get(subject)!
  }

  return {
    keyOf(subject): Promise<SubjectKey> {
      let key = known.get(subject)
      if (key === undefined) {
        key = fetchWithOthers(subject)
        key.catch(() => known.delete(subject))
      } else {
        known.delete(subject) // and in again, as the youngest
      }
      if (known.size >= KNOWN_MAX) known.delete(known.keys().next().value!)
      known.set(subject, key)
      return key
    },
    forget: subject => void known.delete(subject),
  }
}

function dayOf(at: number): string {
  return `day:${new Date(Math.floor(at / DAY_MS) * DAY_MS).toISOString().slice(0, 10)}`
}

function erased(id: string): Problem {
  return new Problem('not_found', `Cannot unseal record ${id}: its key is not there, it was erased`)
}

/** AES-256-GCM: nonce ‖ ciphertext ‖ tag, bound to the record by its id. */
function sealText(key: Uint8Array, plaintext: string, id: string): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(id))
  const parts = [nonce, cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat(parts).toString('base64url')
}

function unsealText(key: Uint8Array, sealed: string, id: string): string {
  const bytes = Buffer.from(sealed, 'base64url')
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES)).setAAD(Buffer.from(id))
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES))
    const content = decipher.update(bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES))
    return Buffer.concat([content, decipher.final()]).toString('utf8')
  } catch (error) {
    throw new Problem('corrupt', `Cannot unseal record ${id}: it was sealed with another key or for another record`, {
      cause: error,
    })
  }
}
