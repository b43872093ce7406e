/**
 * The keys that sign evidence: one signs, those before it are believed for what they signed, a revoked one is not. Public halves are
 * in the database, for every replica and worker; private ones in `keys/` of the data folder, sealed, or behind a command.
 */
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../../errors.ts'
import { canonical } from '../../ledger/canonical.ts'
import { CHANGE_TOPIC } from '../../ledger/changes.ts'
import type { ChangeRecord } from '../../ledger/record.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Keyring } from '../../platform/crypto.ts'
import { type Database, tables } from '../../platform/database.ts'
import { createFile } from '../../platform/durable-file.ts'
import type { Ids } from '../../platform/ids.ts'
import { enqueue } from '../../platform/outbox.ts'
import type { AnyTransaction } from '../store.ts'
import { publicKeyOf, type SigningKey } from './bundle.ts'
import { commandKey, signingKeyOf } from './key-file.ts'
import type { EvidenceKeysRow, EvidenceTables } from './tables.ts'

export interface KeyInfo {
  /** SHA-256 of the public key as PEM, hex. */
  readonly id: string
  readonly publicKey: string
  /** `signing`: the one that signs what is said next. */
  readonly state: 'signing' | 'retired' | 'revoked'
  readonly madeAt: number
  readonly madeBy: string
  readonly retiredAt?: number
  readonly revokedAt?: number
}

export interface SigningKeys {
  /** The key that signs, made when it is first needed. Throws `misconfigured` where its private half is lost. */
  current(): Promise<SigningKey>
  /** Newest first. */
  list(): Promise<readonly KeyInfo[]>
  /** Retires the key that signs and makes another. Throws `conflict` where a command signs, whose key is its own affair. */
  rotate(by: string): Promise<KeyInfo>
  /** From now on nothing that it signed is believed. Throws `not_found`. */
  revoke(id: string, by: string): Promise<KeyInfo>
}

export interface SigningKeyParts {
  readonly db: Database
  readonly keyring: Keyring
  readonly clock: Clock
  readonly ids: Ids
  /** The data folder. */
  readonly path: string
  /** Signs in the place of a key of ours: a command, and its public key as PEM. */
  readonly command?: { readonly run: string; readonly publicKey: string } | undefined
}

const PURPOSE = 'signing-key'
const FILE = /^evidence-([0-9a-f]{64})\.key$/

export function openSigningKeys(parts: SigningKeyParts): SigningKeys {
  const folder = join(parts.path, 'keys')
  let made: Promise<SigningKey> | undefined
  const forget = (error: unknown): never => {
    made = undefined
    throw error
  }
  return {
    current() {
      made ??= currentKey(parts, folder).catch(forget)
      return made
    },
    list: () => listKeys(parts.db),
    async rotate(by) {
      if (parts.command !== undefined) {
        const advice = 'change evidence.command and evidence.publicKey in its place'
        throw new Problem('conflict', `Cannot rotate the key: a command signs; ${advice}`)
      }
      const before = (await listKeys(parts.db)).filter(({ state }) => state === 'signing')
      const key = makeKey(parts, folder)
      const mine = new Set(privateKeys(folder))
      const retired = before.filter(({ id }) => mine.has(id) || parts.db.engine === 'sqlite').map(({ id }) => id)
      await keepKey(parts, key, by, retired)
      made = Promise.resolve(key)
      return (await listKeys(parts.db)).find(({ id }) => id === key.keyId)!
    },
    async revoke(id, by) {
      await revokeKey(parts, id, by)
      made = undefined
      return (await listKeys(parts.db)).find(key => key.id === id)!
    },
  }
}

async function listKeys(db: Database): Promise<KeyInfo[]> {
  const all = tables<EvidenceTables>(db).selectFrom('evidence_keys').selectAll()
  const rows = await all.orderBy('made_at', 'desc').orderBy('key_id').execute()
  return rows.map(infoOf)
}

function infoOf({ key_id, public_key, made_at, made_by, retired_at, revoked_at }: EvidenceKeysRow): KeyInfo {
  return {
    id: key_id,
    publicKey: public_key,
    state: revoked_at !== null ? 'revoked' : retired_at !== null ? 'retired' : 'signing',
    madeAt: made_at,
    madeBy: made_by,
    ...(retired_at === null ? {} : { retiredAt: retired_at }),
    ...(revoked_at === null ? {} : { revokedAt: revoked_at }),
  }
}

/** PEM of each key that is believed, by its id. */
export async function believedKeys({
  db,
  keyring,
}: Pick<SigningKeyParts, 'keyring'> & { readonly db: Database | AnyTransaction }): Promise<
  ReadonlyMap<string, string>
> {
  const rows = await tables<EvidenceTables>(db)
    .selectFrom('evidence_keys')
    .select(['key_id', 'public_key', 'vouched'])
    .where('revoked_at', 'is', null)
    .execute()
  const ours = rows.filter(({ public_key, vouched }) => vouched === vouchFor(keyring, public_key))
  return new Map(ours.map(({ key_id, public_key }) => [key_id, public_key]))
}

function vouchFor(keyring: Pick<Keyring, 'derive'>, publicKey: string): string {
  return createHmac('sha256', keyring.derive('evidence-keys')).update(publicKey).digest('base64')
}

async function currentKey(parts: SigningKeyParts, folder: string): Promise<SigningKey> {
  const { db, command } = parts
  const signing = (await listKeys(db)).filter(({ state }) => state === 'signing')
  if (command !== undefined) {
    const key = commandKey(command.run, command.publicKey)
    if (!signing.some(({ id }) => id === key.keyId)) await keepKey(parts, key, 'configuration', [])
    return key
  }
  const mine = new Set(privateKeys(folder))
  const own = signing.find(({ id }) => mine.has(id))
  if (own !== undefined) return readKey(parts, folder, own.id)
  // Replicas that share a database have a key each.
  const lost = db.engine === 'sqlite' ? signing[0] : undefined
  if (lost !== undefined) {
    const path = fileOf(folder, lost.id)
    throw new Problem(
      'misconfigured',
      `Cannot sign: the private key ${path} is not there; put it back, or let another sign from now on: bellwether evidence rotate`,
    )
  }
  const key = makeKey(parts, folder)
  await keepKey(parts, key, 'system', [])
  return key
}

function privateKeys(folder: string): string[] {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return readdirSync(folder).flatMap(name => FILE.exec(name)?.[1] ?? [])
}

function fileOf(folder: string, id: string): string {
  return join(folder, `evidence-${id}.key`)
}

/** P-256, which every client of model signatures knows. */
function makeKey({ keyring }: SigningKeyParts, folder: string): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { keyId } = publicKeyOf(publicKey.export({ type: 'spki', format: 'pem' }) as string)
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  createFile(fileOf(folder, keyId), `${keyring.seal(PURPOSE, Buffer.from(pem), keyId).toString('base64')}\n`)
  return signingKeyOf(pem)
}

function readKey({ keyring }: SigningKeyParts, folder: string, id: string): SigningKey {
  const sealed = Buffer.from(readFileSync(fileOf(folder, id), 'utf8'), 'base64')
  return signingKeyOf(keyring.open(PURPOSE, sealed, id))
}

async function keepKey(parts: SigningKeyParts, key: SigningKey, by: string, retired: readonly string[]): Promise<void> {
  const at = parts.clock.now()
  const row = {
    key_id: key.keyId,
    public_key: key.publicKey,
    made_at: at,
    made_by: by,
    retired_at: null,
    revoked_at: null,
    vouched: vouchFor(parts.keyring, key.publicKey),
  }
  await parts.db.sql.transaction().execute(async tx => {
    const sql = tables<EvidenceTables>(tx)
    await sql
      .insertInto('evidence_keys')
      .values(row)
      .onConflict(conflict => conflict.doNothing())
      .execute()
    if (retired.length > 0) {
      await sql.updateTable('evidence_keys').set({ retired_at: at }).where('key_id', 'in', retired).execute()
    }
    const detail = { key: key.keyId, ...(retired.length === 0 ? {} : { retired: retired.join(',') }) }
    const record = changeOf(parts, at, by, 'evidence-key:made', key.keyId, detail)
    await enqueue(tx, { id: record.id, topic: CHANGE_TOPIC, payload: canonical(record), at })
  })
}

async function revokeKey(parts: SigningKeyParts, id: string, by: string): Promise<void> {
  const at = parts.clock.now()
  await parts.db.sql.transaction().execute(async tx => {
    const revoked = tables<EvidenceTables>(tx).updateTable('evidence_keys').set({ revoked_at: at })
    const found = await revoked.where('key_id', '=', id).where('revoked_at', 'is', null).executeTakeFirst()
    if (Number(found.numUpdatedRows) === 0) {
      throw new Problem('not_found', `Cannot revoke the key ${id}: there is none that is believed`)
    }
    const record = changeOf(parts, at, by, 'evidence-key:revoked', id, { key: id })
    await enqueue(tx, { id: record.id, topic: CHANGE_TOPIC, payload: canonical(record), at })
  })
}

function changeOf(
  { ids }: SigningKeyParts,
  at: number,
  actor: string,
  action: string,
  key: string,
  detail: Readonly<Record<string, string>>,
): ChangeRecord {
  return { kind: 'change', id: ids.next(), at, actor, action, target: `evidence-key:${key.slice(0, 16)}`, detail }
}
