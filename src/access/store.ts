import { sql as raw } from 'kysely'
import { type Database, tables } from '../platform/database.ts'
import { enqueue } from '../platform/outbox.ts'
import type { StoredKey } from './keys.ts'
import { isRole } from './roles.ts'
import type { AccessTables, KeysRow } from './tables.ts'

/** What `KeyStore.change` is to write: one key made or revoked, and the record of it. */
export interface KeyChange {
  readonly created?: StoredKey
  readonly revoked?: { readonly id: string; readonly at: number; readonly by: string }
  /** A `change` record of the ledger, which takes it from the outbox. */
  readonly record: {
    readonly kind: 'change'
    readonly id: string
    readonly at: number
    readonly actor: string
    readonly action: 'key:created' | 'key:revoked'
    readonly target: string
    readonly detail?: unknown
  }
}

/**
 * Keeps the keys.
 *
 * Duties: a key once added is never removed, so that an id in a record always has its row; a key and the record of its
 * change are written together or not at all; of two changes at once the later decides on what the earlier left, also
 * across processes that share the database.
 */
export interface KeyStore {
  /** All keys, oldest first, revoked and expired ones included. */
  all(): Promise<readonly StoredKey[]>
  /** Shows `decide` the keys and writes what it returns. Where `decide` throws, nothing is written and its error comes out. */
  change(decide: (keys: readonly StoredKey[]) => KeyChange): Promise<KeyChange>
}

export function keyStore(db: Database): KeyStore {
  const select = (sql: ReturnType<typeof tables<AccessTables>>) =>
    sql.selectFrom('keys').selectAll().orderBy('created_at').orderBy('id')

  return {
    async all(): Promise<readonly StoredKey[]> {
      return (await select(tables<AccessTables>(db)).execute()).map(keyOf)
    },

    async change(decide: (keys: readonly StoredKey[]) => KeyChange): Promise<KeyChange> {
      return await db.sql.transaction().execute(async tx => {
        const sql = tables<AccessTables>(tx)
        // SQLite has one writer. In PostgreSQL a second decision must wait for this one, and row locks would let new rows by.
        if (db.engine === 'postgres') await raw`lock table keys in share row exclusive mode`.execute(tx)
        const change = decide((await select(sql).execute()).map(keyOf))
        if (change.created !== undefined) await sql.insertInto('keys').values(rowOf(change.created)).execute()
        if (change.revoked !== undefined) {
          const { id, at, by } = change.revoked
          await sql.updateTable('keys').set({ revoked_at: at, revoked_by: by }).where('id', '=', id).execute()
        }
        const { record } = change
        await enqueue(tx, { id: record.id, topic: 'change', payload: JSON.stringify(record), at: record.at })
        return change
      })
    },
  }
}

function keyOf(row: KeysRow): StoredKey {
  return {
    id: row.id,
    name: row.name,
    roles: (JSON.parse(row.roles) as string[]).filter(isRole),
    sha256: row.sha256,
    createdAt: row.created_at,
    createdBy: row.created_by,
    ...(row.owner === null ? {} : { owner: row.owner }),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
    ...(row.revoked_by === null ? {} : { revokedBy: row.revoked_by }),
  }
}

function rowOf(key: StoredKey): KeysRow {
  return {
    id: key.id,
    name: key.name,
    roles: JSON.stringify(key.roles),
    sha256: key.sha256,
    created_at: key.createdAt,
    created_by: key.createdBy,
    expires_at: key.expiresAt ?? null,
    revoked_at: key.revokedAt ?? null,
    revoked_by: key.revokedBy ?? null,
    owner: key.owner ?? null,
  }
}
