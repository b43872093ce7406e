/** What the outbox promises, whatever database has it. Runs on SQLite beside this file, on PostgreSQL in `test/contracts`. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { type Database, isUniqueViolation, openDatabase } from './database.ts'
import { enqueue, type OutboxEntry, outbox, outboxMigrations } from './outbox.ts'
import type { FreshPlace } from './temporary.suite.ts'

const entry = (id: string, at: number, topic = 'change'): OutboxEntry => ({ id, topic, payload: `{"of":"${id}"}`, at })

type Opened = (t: TestContext) => Promise<Database>

export function outboxSuite(place: FreshPlace): void {
  const opened: Opened = async t => {
    const db = await openDatabase(await place(t), [outboxMigrations])
    t.after(() => db.close())
    return db
  }
  leaving(opened)
  troubles(opened)
}

async function drained(db: Database, topic = 'change'): Promise<string[]> {
  const ids: string[] = []
  const count = await outbox(db).drain(topic, async ({ id }) => void ids.push(id))
  assert.equal(count, ids.length)
  return ids
}

function leaving(opened: Opened): void {
  test('entries leave in the order of their times, then of their ids, each once', async t => {
    const db = await opened(t)
    const times = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 100, max: 999 })), {
      selector: ([, id]) => id,
      maxLength: 300,
    })
    await fc.assert(
      fc.asyncProperty(times, async all => {
        await db.sql.transaction().execute(async tx => {
          for (const [at, id] of all) await enqueue(tx, entry(String(id), at))
        })
        const wanted = all.sort(([a, x], [b, y]) => a - b || x - y).map(([, id]) => String(id))
        assert.deepEqual(await drained(db), wanted)
        assert.deepEqual(await drained(db), [])
      }),
      { numRuns: 8 },
    )
  })

  test('an entry comes as it was written, and no topic sees those of another', async t => {
    const db = await opened(t)
    const written = { id: 'a', topic: 'change', payload: '{"text":"ü \\u0000 \u{1f600}"}', at: 1_790_000_000_000 }
    await enqueue(db.sql, written)
    await enqueue(db.sql, entry('b', 1, 'other'))
    const seen: OutboxEntry[] = []
    await outbox(db).drain('change', async each => void seen.push(each))
    assert.deepEqual(seen, [written])
    assert.deepEqual(await drained(db, 'other'), ['b'])
  })
}

function troubles(opened: Opened): void {
  test('an entry is there with its transaction or not at all', async t => {
    const db = await opened(t)
    const failing = db.sql.transaction().execute(async tx => {
      await enqueue(tx, entry('a', 1))
      throw new Error('no')
    })
    await assert.rejects(failing, { message: 'no' })
    assert.deepEqual(await drained(db), [])
    await enqueue(db.sql, entry('a', 1))
    await assert.rejects(enqueue(db.sql, entry('a', 2)), isUniqueViolation)
  })

  test('where a handler fails, what it did before is gone, the rest stays, and the error comes out', async t => {
    const db = await opened(t)
    for (let i = 0; i < 300; i++) await enqueue(db.sql, entry(String(1_000 + i), i))
    const seen: string[] = []
    const failing = outbox(db).drain('change', async ({ id }) => {
      if (id === '1200') throw new Error('disk')
      seen.push(id)
    })
    await assert.rejects(failing, { message: 'disk' })
    assert.equal(seen.length, 200)
    assert.equal((await drained(db))[0], '1200')
  })

  test('calls at the same time hand each entry on once; one that fails does not stop the next', async t => {
    const db = await opened(t)
    for (let i = 0; i < 20; i++) await enqueue(db.sql, entry(String(100 + i), i))
    const box = outbox(db)
    const seen: string[] = []
    const broken = assert.rejects(
      box.drain('change', () => Promise.reject(new Error('first'))),
      { message: 'first' },
    )
    const others = Array.from({ length: 4 }, () => box.drain('change', async ({ id }) => void seen.push(id)))
    await broken
    await Promise.all(others)
    assert.deepEqual(
      seen,
      Array.from({ length: 20 }, (_, i) => String(100 + i)),
    )
  })
}
