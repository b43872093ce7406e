/**
 * Work that must follow a committed transaction, and only a committed one: the entry is written in the same transaction
 * as the thing itself and handled afterwards, at least once, in order (docs/adr/0007).
 */
import type { Kysely, Transaction } from 'kysely'
import { type Database, type Migrations, tables } from './database.ts'

export interface OutboxEntry {
  /** UUIDv7. Handlers are idempotent by it. */
  readonly id: string
  readonly topic: string
  /** JSON text; its meaning belongs to the topic. */
  readonly payload: string
  readonly at: number
}

interface OutboxTables {
  outbox: OutboxEntry
}

export const outboxMigrations: Migrations = {
  slice: 'outbox',
  steps: {
    async '001_outbox'(db): Promise<void> {
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

// biome-ignore lint/suspicious/noExplicitAny: a transaction over whatever tables the slice has.
export async function enqueue(tx: Transaction<any>, entry: OutboxEntry): Promise<void> {
  await tables<OutboxTables>(tx).insertInto('outbox').values(entry).execute()
}

export interface Outbox {
  /**
   * Hands the entries of a topic to `handle`, oldest first, and deletes each once handled. Calls of one process wait for
   * one another. Where `handle` fails its entry stays, and the error comes out. Returns how many were handled.
   */
  drain(topic: string, handle: (entry: OutboxEntry) => Promise<void>): Promise<number>
}

const PAGE_ENTRIES = 100

export function outbox(db: Database): Outbox {
  const sql: Kysely<OutboxTables> = tables<OutboxTables>(db)
  let turn: Promise<unknown> = Promise.resolve()

  const drainNow = async (topic: string, handle: (entry: OutboxEntry) => Promise<void>): Promise<number> => {
    for (let handled = 0; ; ) {
      const page = sql.selectFrom('outbox').selectAll().where('topic', '=', topic).orderBy('at').orderBy('id')
      const entries = await page.limit(PAGE_ENTRIES).execute()
      if (entries.length === 0) return handled
      for (const entry of entries) {
        await handle(entry)
        await sql.deleteFrom('outbox').where('id', '=', entry.id).execute()
        handled++
      }
    }
  }
  return {
    drain(topic, handle): Promise<number> {
      const mine = turn.then(() => drainNow(topic, handle))
      turn = mine.catch(() => undefined)
      return mine
    },
  }
}
