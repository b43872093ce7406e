/**
 * Messages that leave a database exactly when what they tell of is committed: they are written in its transaction, and
 * handed on afterwards, at least once each.
 */
import type { Kysely } from 'kysely'
import type { Database, Migrations } from './database.ts'
import { tables } from './database.ts'

export interface OutboxEntry {
  /** Unique among all entries; by it a handler knows an entry that it saw before. */
  readonly id: string
  readonly topic: string
  /** JSON. */
  readonly payload: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface Outbox {
  /**
   * Hands the entries of a topic to `handle`, one after the other in the order of (`at`, `id`), and removes those for which
   * it resolved. Where it rejects, that entry and all later ones stay, and the error comes out. After a crash entries may
   * come again: `handle` must do nothing the second time. Calls for one topic wait for each other.
   *
   * @returns how many were handed on.
   */
  drain(topic: string, handle: (entry: OutboxEntry) => Promise<void>): Promise<number>
}

interface OutboxTables {
  readonly outbox: OutboxEntry
}

export const outboxMigrations: Migrations = {
  slice: 'outbox',
  steps: {
    '001_outbox': async db => {
      await db.schema
        .createTable('outbox')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('topic', 'text', column => column.notNull())
        .addColumn('payload', 'text', column => column.notNull())
        .addColumn('at', 'bigint', column => column.notNull())
        .execute()
      await db.schema.createIndex('outbox_order').on('outbox').columns(['topic', 'at', 'id']).execute()
    },
  },
}

/** Entries read at once, and removed at once: removal waits for the disk. */
const BATCH = 128

/** Adds an entry in a transaction, with which it comes to be or not. */
// biome-ignore lint/suspicious/noExplicitAny: a transaction of whatever tables the caller changes.
export async function enqueue(tx: Kysely<any>, { id, topic, payload, at }: OutboxEntry): Promise<void> {
  await tables<OutboxTables>(tx).insertInto('outbox').values({ id, topic, payload, at }).execute()
}

export function outbox(db: Database): Outbox {
  const latest = new Map<string, Promise<unknown>>()
  return {
    drain(topic, handle): Promise<number> {
      const before = latest.get(topic) ?? Promise.resolve()
      const drained = before.then(() => drain(db, topic, handle))
      // The next caller waits for this one however it ends; the error is this one's own.
      latest.set(
        topic,
        drained.catch(() => {}),
      )
      return drained
    },
  }
}

async function drain(db: Database, topic: string, handle: (entry: OutboxEntry) => Promise<void>): Promise<number> {
  let count = 0
  while (true) {
    const entries = await read(db, topic)
    const handled: string[] = []
    try {
      for (const entry of entries) {
        await handle(entry)
        handled.push(entry.id)
      }
    } finally {
      if (handled.length > 0) {
        await tables<OutboxTables>(db).deleteFrom('outbox').where('id', 'in', handled).execute()
      }
    }
    count += handled.length
    if (entries.length < BATCH) return count
  }
}

async function read(db: Database, topic: string): Promise<OutboxEntry[]> {
  const entries = tables<OutboxTables>(db).selectFrom('outbox').selectAll().where('topic', '=', topic)
  return await entries.orderBy('at').orderBy('id').limit(BATCH).execute()
}
