/** The master key is changed: whatever is sealed by it is sealed by a newer one. Artifacts keep their own keys, and are not touched. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../../errors.ts'
import { canonical } from '../../ledger/canonical.ts'
import { CHANGE_TOPIC } from '../../ledger/changes.ts'
import { rewrapSubjectKeys } from '../../ledger/subject-keys.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Keyring } from '../../platform/crypto.ts'
import { type Database, tables } from '../../platform/database.ts'
import { replaceFile } from '../../platform/durable-file.ts'
import type { Ids } from '../../platform/ids.ts'
import type { Objects } from '../../platform/objects.ts'
import { enqueue } from '../../platform/outbox.ts'

export interface MasterRotationParts {
  readonly db: Database
  readonly objects: Pick<Objects, 'rewrap'>
  readonly keyring: Keyring
  readonly clock: Clock
  readonly ids: Ids
  /** The data folder. */
  readonly path: string
  /** Other processes that hold the keys of this folder: then it cannot be done. */
  readonly hasWorkers: boolean
}

/** How many keys were sealed by another master key before. */
export interface MasterRotated {
  readonly objects: number
  readonly subjects: number
  readonly signingKeys: number
  /** Objects whose key no master key opened, which could not be read before either: their SHA-256. */
  readonly damaged: readonly string[]
}

/** Throws `conflict` where workers run; broken off, it is ended by doing it again. */
export async function rotateMaster(parts: MasterRotationParts, by: string): Promise<MasterRotated> {
  const { db, objects, keyring, path } = parts
  if (parts.hasWorkers) {
    throw new Problem(
      'conflict',
      'Cannot rotate the master key: workers hold it; stop the server, and run bellwether keys rotate on its data folder',
    )
  }
  keyring.rotation.begin()
  const signingKeys = rewrapKeyFiles(join(path, 'keys'), keyring)
  const subjects = await rewrapSubjectKeys(db, keyring)
  const { rewrapped, damaged } = await objects.rewrap()
  // Those that were made at the moment of the change.
  const later = await rewrapSubjectKeys(db, keyring)
  const rotated: MasterRotated = { objects: rewrapped, subjects: subjects + later, signingKeys, damaged }
  await record(parts, rotated, by)
  keyring.rotation.end()
  return rotated
}

const PURPOSE = 'signing-key'
const NO_SIGNING_KEY: readonly string[] = ['master.key', 'root.key']

function rewrapKeyFiles(folder: string, keyring: Keyring): number {
  let rewrapped = 0
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.key') || NO_SIGNING_KEY.includes(name)) continue
    const path = join(folder, name)
    const made = keyring.rewrap(PURPOSE, Buffer.from(readFileSync(path, 'utf8'), 'base64'), contextOf(name))
    if (made === undefined) continue
    replaceFile(path, `${made.toString('base64')}\n`)
    rewrapped++
  }
  return rewrapped
}

/** Keys of evidence are bound to their id, the others to their place. */
function contextOf(name: string): string {
  return /^evidence-([0-9a-f]{64})\.key$/.exec(name)?.[1] ?? `keys/${name}`
}

async function record({ db, ids, clock }: MasterRotationParts, rotated: MasterRotated, actor: string): Promise<void> {
  const { damaged, ...counts } = rotated
  const at = clock.now()
  const change = {
    kind: 'change',
    id: ids.next(),
    at,
    actor,
    action: 'master-key:rotated',
    target: 'master-key',
    detail: { ...counts, damaged: damaged.length },
  }
  await tables<object>(db)
    .transaction()
    .execute(tx => enqueue(tx, { id: change.id, topic: CHANGE_TOPIC, payload: canonical(change), at }))
}
