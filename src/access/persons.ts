/** Which keys are of one person: several keys of somebody are one pair of eyes. */
import type { Kysely } from 'kysely'
import { type Database, tables } from '../platform/database.ts'
import type { AccessTables } from './tables.ts'

const KEY = /^key:([0-9a-f]{12})$/
/** Actors of tokens: their ids are of people already. */
const USER = /^user:\S+$/

/** Whom an actor's id stands for. Equal texts are the same person; they are not to be shown, for they may be somebody's address. */
export type PersonOf = (actorId: string) => string

/**
 * Asked of the database, not of memory: a key that another process made a moment ago has its owner too. Owners never change, and keys
 * are never removed. A key without an owner is a person of its own, and so is whoever has no key.
 *
 * @param db or a transaction of it.
 */
// biome-ignore lint/suspicious/noExplicitAny: a transaction of the database, which knows no slice's tables
export async function personsOf(db: Database | Kysely<any>, actorIds: readonly string[]): Promise<PersonOf> {
  const ids = [...new Set(actorIds.flatMap(id => KEY.exec(id)?.[1] ?? []))]
  if (ids.length === 0) return id => id
  const owned = tables<AccessTables>(db).selectFrom('keys').select(['id', 'owner']).where('id', 'in', ids)
  const owners = new Map((await owned.execute()).map(({ id, owner }) => [`key:${id}`, owner]))
  return id => {
    const owner = owners.get(id)
    return owner === undefined || owner === null ? id : personOf(owner.trim())
  }
}

/** Ids of actors of tokens are taken as they are; in names and addresses, upper and lower case are the same. */
function personOf(owner: string): string {
  return USER.test(owner) ? owner : `owner ${owner.normalize('NFKC').toLowerCase()}`
}
