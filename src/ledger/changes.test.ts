import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Database, openDatabase } from '../platform/database.ts'
import { enqueue, outbox, outboxMigrations } from '../platform/outbox.ts'
import { openChanges } from './changes.ts'
import type { ChangeRecord, LedgerRecord } from './record.ts'

const change = (n: number): ChangeRecord => ({
  kind: 'change',
  id: `019d0000-0000-7000-8000-00000000000${n}`,
  at: n,
  actor: 'local',
  action: 'alias:moved',
  target: `m@${n}`,
})

async function written(db: Database, n: number): Promise<void> {
  const { id, at } = change(n)
  await db.sql.transaction().execute(tx => enqueue(tx, { id, at, topic: 'change', payload: JSON.stringify(change(n)) }))
}

/** A ledger over an array, which stops taking records when told so. */
function memory(records: string[] = []) {
  const state = { isFull: false }
  const ledger = {
    async append(more: readonly string[]): Promise<void> {
      if (state.isFull) throw new Error('full')
      records.push(...more)
    },
    async find(id: string): Promise<LedgerRecord | undefined> {
      return records.map(text => JSON.parse(text) as LedgerRecord).find(record => record.id === id)
    },
  }
  return { records, state, ledger, ids: () => records.map(text => Number((JSON.parse(text) as ChangeRecord).at)) }
}

test('changes reach the ledger in order, once', async () => {
  const db = await openDatabase({ file: ':memory:' }, [outboxMigrations])
  const { ledger, ids } = memory()
  await written(db, 1)
  const changes = await openChanges({ outbox: outbox(db), ledger })
  assert.deepEqual(ids(), [1], 'what an earlier process left is brought at the start')
  await written(db, 2)
  await written(db, 3)
  await Promise.all([changes.recorded(), changes.recorded()])
  assert.deepEqual(ids(), [1, 2, 3])
  await db.close()
})

test('a change whose entry outlived its append is not written again', async () => {
  const db = await openDatabase({ file: ':memory:' }, [outboxMigrations])
  const { ledger, ids, records } = memory()
  await written(db, 1)
  records.push(JSON.stringify(change(1))) // appended by a process that died before it removed the entry
  await openChanges({ outbox: outbox(db), ledger })
  assert.deepEqual(ids(), [1])
  await db.close()
})

test('a change that the ledger refuses waits and comes later', async () => {
  const db = await openDatabase({ file: ':memory:' }, [outboxMigrations])
  const { ledger, ids, state } = memory()
  const changes = await openChanges({ outbox: outbox(db), ledger })
  await written(db, 1)
  state.isFull = true
  await assert.rejects(changes.recorded(), /full/)
  state.isFull = false
  await changes.recorded()
  assert.deepEqual(ids(), [1])
  await db.close()
})
