/** What the store of windows promises, whatever database has it. Runs on SQLite beside this file, on PostgreSQL in `test/contracts`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../platform/database.ts'
import type { FreshPlace } from '../platform/temporary.suite.ts'
import { counterBytes, countersOf } from './counter-bytes.ts'
import { type StoredWindow, type WindowStore, windowStore } from './store.ts'
import { monitoringMigrations } from './tables.ts'

const HOUR_MS = 3_600_000
const EVERYTHING = { since: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }

function windowAt(hour: number, counters: readonly number[], more: Partial<StoredWindow> = {}): StoredWindow {
  const times = { from: hour * HOUR_MS, to: (hour + 1) * HOUR_MS }
  const refusals = { invalid: 1 }
  return { model: 'churn', version: '1.0.0', ...times, refusals, counters: bytesOf(counters), ...more }
}

const bytesOf = (counters: readonly number[]): Uint8Array => counterBytes(Float64Array.from(counters))

/** Adds up two counters. */
function merge(there: StoredWindow, added: StoredWindow): StoredWindow {
  const [a, b] = [there, added].map(({ counters }) => countersOf(counters, 2)!)
  return { ...added, counters: bytesOf(a!.map((count, index) => count + b![index]!) as unknown as number[]) }
}

async function read(store: WindowStore, range = EVERYTHING): Promise<(readonly number[])[]> {
  const windows = await store.windows('churn', '1.0.0', range)
  return windows.map(({ from, counters }) => [from / HOUR_MS, ...countersOf(counters, 2)!])
}

export function windowStoreSuite(place: FreshPlace): void {
  const storeTest: StoreTest = (name, run) => {
    test(name, async t => {
      const db = await openDatabase(await place(t), [monitoringMigrations])
      t.after(() => db.close())
      await run(windowStore(db))
    })
  }
  putting(storeTest)
  leaving(storeTest)
}

type StoreTest = (name: string, run: (store: WindowStore) => Promise<void>) => void

function putting(storeTest: StoreTest): void {
  storeTest('windows come back as they were put, oldest first, of one version', async store => {
    const first = windowAt(3, [5, 300], { refusals: {} })
    const other = windowAt(3, [9, 9], { version: '' })
    await store.put('a', [windowAt(4, [1, 0]), first, other], 5 * HOUR_MS, 0, merge)
    assert.deepEqual(await read(store), [
      [3, 5, 300],
      [4, 1, 0],
    ])
    const [found] = await store.windows('churn', '1.0.0', { since: 3 * HOUR_MS, until: 4 * HOUR_MS })
    assert.deepEqual({ ...found, counters: [...found!.counters] }, { ...first, counters: [...first.counters] })
    assert.deepEqual(await read(store, { since: 4 * HOUR_MS - 1, until: 4 * HOUR_MS + 0.5 }), await read(store))
    assert.deepEqual(await store.versions('b'), [])
    assert.equal((await store.versions('a')).length, 2)
  })

  storeTest('what comes late for a window is merged, and ledgers are apart', async store => {
    await store.put('a', [windowAt(3, [5, 300])], 4 * HOUR_MS, 0, merge)
    await store.put('b', [windowAt(3, [7, 0])], 4 * HOUR_MS, 0, merge)
    await store.put('a', [windowAt(3, [1, 2])], 4 * HOUR_MS, 0, merge)
    assert.deepEqual(await read(store), [
      [3, 6, 302],
      [3, 7, 0],
    ])
  })

  storeTest('nothing is written where merging fails', async store => {
    await store.put('a', [windowAt(3, [5, 300])], 4 * HOUR_MS, 0, merge)
    const fail = (): StoredWindow => {
      throw new Error('cannot be read')
    }
    await assert.rejects(store.put('a', [windowAt(5, [1, 1]), windowAt(3, [1, 2])], 6 * HOUR_MS, 0, fail))
    assert.deepEqual([await store.countedUntil('a'), await read(store)], [4 * HOUR_MS, [[3, 5, 300]]])
  })
}

function leaving(storeTest: StoreTest): void {
  storeTest('old windows go', async store => {
    await store.put('a', [windowAt(1, [1, 1]), windowAt(3, [3, 3])], 4 * HOUR_MS, 0, merge)
    await store.put('b', [windowAt(1, [2, 2])], 4 * HOUR_MS, 0, merge)
    await store.put('a', [], 5 * HOUR_MS, 3 * HOUR_MS, merge)
    assert.deepEqual(await read(store), [
      [1, 2, 2],
      [3, 3, 3],
    ])
  })

  storeTest('a ledger is wound back to the beginning of the first window that is left out', async store => {
    assert.equal(await store.countedUntil('a'), undefined)
    const long = windowAt(2, [2, 2], { to: 6 * HOUR_MS })
    await store.put('a', [windowAt(1, [1, 1]), long, windowAt(7, [7, 7])], 8 * HOUR_MS, 0, merge)
    await store.put('b', [windowAt(7, [8, 8])], 8 * HOUR_MS, 0, merge)
    assert.equal(await store.rewind('a', 5 * HOUR_MS), 2 * HOUR_MS)
    assert.equal(await store.countedUntil('a'), 2 * HOUR_MS)
    assert.deepEqual(await read(store), [
      [1, 1, 1],
      [7, 8, 8],
    ])
    assert.equal(await store.rewind('a', 2 * HOUR_MS), 2 * HOUR_MS)
    assert.equal(await store.countedUntil('b'), 8 * HOUR_MS)
  })
}
