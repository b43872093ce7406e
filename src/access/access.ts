/** Who calls, and may they. Answers from memory: the answering thread never waits for the database. */
import { Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Actor } from '../route.ts'
import {
  hashSecret,
  idOfSecret,
  isExpired,
  isSecretOf,
  judgeCreation,
  judgeRevocation,
  type KeyInfo,
  keyInfo,
  makeSecret,
  type NewKey,
  type StoredKey,
} from './keys.ts'
import { permits } from './roles.ts'
import { type KeyStore, keyStore } from './store.ts'
import { isToken, type Tokens } from './token.ts'

/** Everybody, while there are no keys. */
export const LOCAL: Actor = { id: 'local', name: 'local', roles: ['admin'] }
/** Whoever works on the data folder itself, which is to own it: by the same name, another object. */
export const OWNER: Actor = { ...LOCAL }

export interface Access {
  /**
   * The actor behind an `Authorization` header. Throws `unauthenticated`. While there are no keys, everybody is `LOCAL`
   * and the header is not looked at.
   */
  authenticate(authorization: string | undefined): Actor
  /** To be waited for before `authenticate`, where there is a token that nobody has judged yet. Never rejects. */
  judged(authorization: string | undefined): Promise<void> | undefined
  /** Throws `forbidden` where no role of the actor has the permission. */
  permit(actor: Actor, permission: string): void
  /**
   * Whether callers need a key, or a token where there is an issuer. Once true it stays true until the process ends, whatever is revoked: a server that was
   * started for the network must not open itself to everybody because its last key went.
   */
  hasKeys(): boolean
  /** Makes a key. Its secret is in the answer and nowhere else, ever. */
  create(key: NewKey, by: Actor): Promise<{ readonly key: KeyInfo; readonly secret: string }>
  /** All keys, oldest first, revoked and expired ones included. */
  list(): Promise<readonly KeyInfo[]>
  /** Refuses the key from now on: in this process at once, in others after their next `refresh`. */
  revoke(id: string, by: Actor): Promise<KeyInfo>
  /** Reads the keys again; called on a schedule where several processes share a database. */
  refresh(): Promise<void>
}

export interface AccessParts {
  readonly db: Database
  readonly clock: Clock
  readonly ids: Ids
  /** Fills a buffer with random bytes fit for secrets. */
  readonly random: (bytes: Uint8Array) => void
  /** Tokens of an issuer that are taken beside keys. With it everybody needs one of both. */
  readonly tokens?: Tokens | undefined
}

interface KnownKey {
  readonly key: StoredKey
  /** `StoredKey.sha256` as bytes of its text. */
  readonly hash: Buffer
  readonly actor: Actor
}

export async function openAccess({ db, clock, ids, random, tokens }: AccessParts): Promise<Access> {
  const store = keyStore(db)
  const snapshot = keySnapshot(store, tokens !== undefined)
  await snapshot.refresh()

  const recordOf = (action: 'key:created' | 'key:revoked', keyId: string, by: Actor, at: number) =>
    ({ kind: 'change', id: ids.next(), at, actor: by.id, action, target: `key:${keyId}` }) as const

  return {
    authenticate(authorization: string | undefined): Actor {
      return snapshot.hasKeys() ? authenticate(authorization, snapshot.find, clock.now(), tokens) : LOCAL
    },
    judged(authorization) {
      const token = tokens && authorization && secretOf(authorization)
      return token && isToken(token) ? tokens.judged(token) : undefined
    },
    permit(actor: Actor, permission: string): void {
      if (permits(actor, permission)) return
      const roles = actor.roles.length === 0 ? 'no role' : actor.roles.join(', ')
      throw new Problem('forbidden', `Cannot do this: it needs the permission ${permission}, the caller has ${roles}`)
    },
    hasKeys: snapshot.hasKeys,
    async create(key: NewKey, by: Actor): Promise<{ key: KeyInfo; secret: string }> {
      const { id, secret } = makeSecret(random)
      const now = clock.now()
      const owned = key.owner === undefined ? {} : { owner: key.owner }
      const expiry = key.expiresAt === undefined ? {} : { expiresAt: key.expiresAt }
      const { created } = await store.change(keys => {
        const roles = judgeCreation(key, keys, by, now)
        const created = {
          id,
          name: key.name,
          ...owned,
          roles,
          sha256: hashSecret(secret),
          createdAt: now,
          createdBy: by.id,
          ...expiry,
        }
        // Name and owner stay out of the record: they tell of people.
        return { created, record: { ...recordOf('key:created', id, by, now), detail: { roles, ...expiry } } }
      })
      await snapshot.refresh()
      return { key: keyInfo(created!), secret }
    },
    async list(): Promise<readonly KeyInfo[]> {
      return (await store.all()).map(keyInfo)
    },
    async revoke(id: string, by: Actor): Promise<KeyInfo> {
      const now = clock.now()
      await store.change(keys => {
        judgeRevocation(id, keys, now)
        return { revoked: { id, at: now, by: by.id }, record: recordOf('key:revoked', id, by, now) }
      })
      await snapshot.refresh()
      return keyInfo(snapshot.find(id)!.key)
    },
    refresh: snapshot.refresh,
  }
}

const BEARER = /^bearer +(\S+) *$/i
const BASIC = /^basic +([a-z0-9+/]+=*) *$/i

/** The key or token in a header: `Bearer KEY`; or as the password of `Basic` (RFC 7617), for clients that know only that. */
function secretOf(authorization: string): string | undefined {
  const bearer = BEARER.exec(authorization)?.[1]
  if (bearer !== undefined) return bearer
  const basic = BASIC.exec(authorization)?.[1]
  const pair = basic && Buffer.from(basic, 'base64').toString()
  return pair ? pair.slice(pair.indexOf(':') + 1) : undefined
}

function authenticate(
  authorization: string | undefined,
  find: (id: string) => KnownKey | undefined,
  now: number,
  tokens: Tokens | undefined,
): Actor {
  const refuse = (found: string): never => {
    throw new Problem('unauthenticated', `Cannot tell who calls: ${found}`)
  }
  if (authorization === undefined) return refuse('no key was given, wanted the header «Authorization: Bearer KEY»')
  const secret = secretOf(authorization)
  if (secret === undefined) return refuse('the Authorization header is not of the form «Bearer KEY»')
  if (tokens !== undefined && isToken(secret)) return tokens.actor(secret)
  const id = idOfSecret(secret)
  const known = id === undefined ? undefined : find(id)
  // One sentence for an unknown id and for a wrong secret; only who holds the secret learns what became of the key.
  if (known === undefined || !isSecretOf(secret, known.hash)) return refuse('the key is not known')
  const { key, actor } = known
  if (key.revokedAt !== undefined) return refuse(`the key ${key.id} was revoked`)
  if (isExpired(key, now)) return refuse(`the key ${key.id} has expired`)
  return actor
}

interface KeySnapshot {
  readonly find: (id: string) => KnownKey | undefined
  readonly hasKeys: () => boolean
  readonly refresh: () => Promise<void>
}

function keySnapshot(store: KeyStore, areNeeded: boolean): KeySnapshot {
  let keys: ReadonlyMap<string, KnownKey> = new Map()
  let needed = areNeeded
  let latest: Promise<void> = Promise.resolve()

  const read = async (): Promise<void> => {
    const all = await store.all()
    keys = new Map(all.map(key => [key.id, { key, hash: Buffer.from(key.sha256, 'latin1'), actor: actorOf(key) }]))
    needed ||= all.some(key => key.revokedAt === undefined)
  }
  return {
    find: id => keys.get(id),
    hasKeys: () => needed,
    // One after another: a slow reading from before a revocation must not land after the one that knows of it.
    refresh(): Promise<void> {
      latest = latest.then(read, read)
      return latest
    },
  }
}

function actorOf(key: KeyInfo): Actor {
  return Object.freeze({ id: `key:${key.id}`, name: key.name, roles: Object.freeze([...key.roles]) })
}
