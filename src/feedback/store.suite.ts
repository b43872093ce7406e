/** What the store of judged windows promises, whatever database keeps it. SQLite beside this file, PostgreSQL in `test/contracts`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JudgedWindow } from '../ledger/quality-question.ts'
import { openDatabase } from '../platform/database.ts'
import type { FreshPlace } from '../platform/temporary.suite.ts'
import { type QualityPlace, type QualityStore, qualityStore } from './store.ts'
import { feedbackMigrations } from './tables.ts'

const PLACE: QualityPlace = { ledger: 'a', model: 'churn', version: '1.0.0' }
const AT = 1_790_000_000_000
const EVER = { since: 0, until: 1_000_000 }

function storeTest(name: string, place: FreshPlace, run: (store: QualityStore) => Promise<void>): void {
  test(name, async t => {
    const db = await openDatabase(await place(t), [feedbackMigrations])
    try {
      await run(qualityStore(db))
    } finally {
      await db.close()
    }
  })
}

function windowOf(from: number, to: number, outcomes = 1): JudgedWindow {
  const accuracy = { value: 0.1 + 0.2, low: 0, high: 1, level: 0.95, method: 'Wilson', n: outcomes }
  return { from, to, predictions: 5, outcomes, metrics: { accuracy } }
}

export function qualityStoreSuite(place: FreshPlace): void {
  storeTest('windows come back as they were, of their own length and place only', place, async store => {
    await store.put(PLACE, [windowOf(0, 10), windowOf(10, 20), windowOf(0, 20)], AT, 0)
    for (const other of [{ ledger: 'b' }, { model: 'other' }, { version: '2.0.0' }]) {
      await store.put({ ...PLACE, ...other }, [windowOf(20, 30)], AT, 0)
    }
    assert.deepEqual(await store.windows(PLACE, 10, EVER), [windowOf(0, 10), windowOf(10, 20)])
    assert.deepEqual(await store.windows(PLACE, 20, EVER), [windowOf(0, 20)])
    assert.deepEqual(await store.windows(PLACE, 10, { since: 5, until: 20 }), [windowOf(10, 20)])
    assert.deepEqual(await store.windows(PLACE, 10, { since: 0, until: 15 }), [windowOf(0, 10)])
  })

  storeTest('the newer of two takes the place, and old ones go', place, async store => {
    await store.put(PLACE, [windowOf(0, 10), windowOf(10, 20)], AT, 0)
    await store.put(PLACE, [windowOf(10, 20, 7)], AT + 1, AT + 1)
    assert.deepEqual(await store.windows(PLACE, 10, EVER), [windowOf(10, 20, 7)])
  })

  storeTest('what holds a moment of the range is forgotten, whatever its length', place, async store => {
    const all = [windowOf(0, 10), windowOf(10, 20), windowOf(20, 30), windowOf(30, 40), windowOf(0, 40)]
    await store.put(PLACE, all, AT, 0)
    await store.forget({ ...PLACE, version: '2.0.0' }, 0, 40)
    await store.forget(PLACE, 10, 20)
    assert.deepEqual(await store.windows(PLACE, 10, EVER), [windowOf(0, 10), windowOf(30, 40)])
    assert.deepEqual(await store.windows(PLACE, 40, EVER), [])
  })

  storeTest('a thousand windows are one matter', place, async store => {
    const all = Array.from({ length: 1000 }, (_, at) => windowOf(at * 10, at * 10 + 10))
    await store.put(PLACE, all, AT, 0)
    assert.equal((await store.windows(PLACE, 10, EVER)).length, 1000)
  })
}
