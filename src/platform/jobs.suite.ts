/** What the job store promises, whatever database has it. Runs on SQLite beside this file, on PostgreSQL in `test/contracts`. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { type Database, openDatabase } from './database.ts'
import { enqueueJob, type Job, type JobStore, jobStore, jobsMigrations, type NewJob } from './jobs.ts'
import type { FreshPlace } from './temporary.suite.ts'

const LEASE_MS = 1_000
let tokens = 0

/** A store and, where `second` is asked for, another on a connection of its own, as a second process has it. */
interface World {
  readonly db: Database
  readonly store: JobStore
  readonly second: JobStore
}

type Opened = (t: TestContext) => Promise<World>

const job = (id: string, more: Partial<NewJob> = {}): NewJob => ({ id, kind: 'work', at: 0, ...more })

const lease = (store: JobStore, now: number, limit = 1, kinds: readonly string[] = ['work']): Promise<readonly Job[]> =>
  store.lease({ kinds, limit, token: `lease-${++tokens}`, now, leaseMs: LEASE_MS })

const ids = (jobs: readonly { readonly id: string }[]): string[] => jobs.map(({ id }) => id)

async function leaseOne(store: JobStore, now: number): Promise<Job> {
  const [leased] = await lease(store, now)
  assert.ok(leased, 'nothing to lease')
  return leased
}

export function jobStoreSuite(place: FreshPlace): void {
  const opened: Opened = async t => {
    const where = await place(t)
    const [db, other] = [await openDatabase(where, [jobsMigrations]), await openDatabase(where, [jobsMigrations])]
    t.after(() => Promise.all([db.close(), other.close()]))
    return { db, store: jobStore(db), second: jobStore(other) }
  }
  taking(opened)
  leases(opened)
  failures(opened)
  keys(opened)
  schedules(opened)
  races(opened)
}

function taking(opened: Opened): void {
  test('what is due is taken, the longest due first, no more than asked for and of no other kind', async t => {
    const { store } = await opened(t)
    await store.enqueue(job('late', { runAt: 500 }))
    await store.enqueue(job('b', { runAt: 20 }))
    await store.enqueue(job('a', { runAt: 20 }))
    await store.enqueue(job('first', { runAt: 10 }))
    await store.enqueue(job('else', { runAt: 0, kind: 'other' }))
    assert.deepEqual(ids(await lease(store, 9)), [])
    assert.deepEqual(ids(await lease(store, 100, 2)), ['first', 'a'])
    assert.deepEqual(ids(await lease(store, 100, 9)), ['b'])
    assert.deepEqual(ids(await lease(store, 100, 9, [])), [])
    assert.deepEqual(ids(await lease(store, 100, 0)), [])
    assert.deepEqual(ids(await lease(store, 500, 9, ['other', 'work'])), ['else', 'late'])
  })

  test('a payload comes as it was given', async t => {
    const { store } = await opened(t)
    let n = 0
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async payload => {
        await store.enqueue(job(`j${n++}`, { payload }))
        const leased = await leaseOne(store, 0)
        assert.deepEqual(leased.payload, JSON.parse(JSON.stringify(payload)))
        assert.ok(await store.done(leased))
      }),
      { numRuns: 30 },
    )
  })

  test('a job enqueued in a transaction comes to be with it', async t => {
    const { db, store } = await opened(t)
    const failing = db.sql.transaction().execute(async tx => {
      await enqueueJob(tx, job('a'))
      throw new Error('no')
    })
    await assert.rejects(failing, { message: 'no' })
    assert.deepEqual(await store.list(), [])
    await db.sql.transaction().execute(tx => enqueueJob(tx, job('a')))
    assert.deepEqual(ids(await store.list()), ['a'])
  })
}

function leases(opened: Opened): void {
  test('a job that is done is gone', async t => {
    const { store } = await opened(t)
    await store.enqueue(job('a'))
    const leased = await leaseOne(store, 0)
    assert.deepEqual([leased.attempt, leased.attemptsMax], [1, 8])
    assert.deepEqual(ids(await lease(store, LEASE_MS - 1)), [], 'held')
    assert.ok(await store.done(leased))
    assert.deepEqual(await store.list(), [])
    assert.equal(await store.done(leased), false)
  })

  test('where a worker dies its lease runs out, another takes the job, and the first can change nothing of it', async t => {
    const { store, second } = await opened(t)
    await store.enqueue(job('a'))
    const dead = await leaseOne(store, 0)
    const [alive] = await lease(second, LEASE_MS)
    assert.equal(alive?.attempt, 2)
    assert.equal(await store.extend(dead, 9_999), false)
    assert.equal(await store.fail(dead, { error: 'x', retryAt: 0, now: 0 }), false)
    assert.equal(await store.giveBack(dead), false)
    assert.equal(await store.done(dead), false)
    assert.ok(await second.done(alive as Job))
  })

  test('a sign of life holds a job longer', async t => {
    const { store } = await opened(t)
    await store.enqueue(job('a'))
    const leased = await leaseOne(store, 0)
    assert.ok(await store.extend(leased, 5_000))
    assert.deepEqual(ids(await lease(store, 4_999)), [])
    assert.deepEqual(ids(await lease(store, 5_000)), ['a'])
  })

  test('a job given back was not started', async t => {
    const { store } = await opened(t)
    await store.enqueue(job('a'))
    assert.ok(await store.giveBack(await leaseOne(store, 0)))
    assert.equal((await leaseOne(store, 0)).attempt, 1)
  })
}

function failures(opened: Opened): void {
  test('a job that failed comes again at its time, and is dead after its last attempt, with the reason', async t => {
    const { store } = await opened(t)
    await store.enqueue(job('a', { attemptsMax: 2, payload: { of: 1 } }))
    assert.ok(await store.fail(await leaseOne(store, 0), { error: 'first', retryAt: 700, now: 5 }))
    assert.deepEqual(ids(await lease(store, 699)), [])
    assert.equal((await store.list({ state: 'waiting' }))[0]?.error, 'first')
    const last = await leaseOne(store, 700)
    assert.equal((await store.list({ state: 'running' }, 701))[0]?.state, 'running')
    assert.ok(await store.fail(last, { error: 'e'.repeat(5_000), retryAt: 900, now: 800 }))
    assert.deepEqual(ids(await lease(store, 99_999)), [])
    const [dead] = await store.list({ state: 'dead' })
    const { error, ...rest } = dead!
    assert.deepEqual(rest, {
      id: 'a',
      kind: 'work',
      payload: { of: 1 },
      state: 'dead',
      runAt: 700,
      attempts: 2,
      attemptsMax: 2,
      createdAt: 0,
      deadAt: 800,
    })
    assert.ok(error!.length < 5_000 && error!.startsWith('eee'))
  })

  test('a job whose worker dies at the last attempt is dead too, and says so', async t => {
    const { store } = await opened(t)
    await store.enqueue(job('a', { attemptsMax: 1 }))
    await leaseOne(store, 0)
    assert.deepEqual(ids(await lease(store, LEASE_MS)), [])
    assert.match((await store.list({ state: 'dead' }))[0]?.error ?? '', /lease/)
  })

  test('a dead job can start over, unless its key is taken by now', async t => {
    const { store } = await opened(t)
    const die = async (id: string): Promise<void> => {
      await store.enqueue(job(id, { attemptsMax: 1, uniqueKey: 'k' }))
      await store.fail(await leaseOne(store, 0), { error: 'x', retryAt: 0, now: 0 })
    }
    await die('a')
    assert.ok(await store.revive('a', 50))
    assert.equal(await store.revive('a', 50), false, 'not dead')
    const revived = await leaseOne(store, 50)
    assert.equal(revived.attempt, 1)
    await store.fail(revived, { error: 'x', retryAt: 0, now: 60 })
    assert.ok(await store.enqueue(job('b', { uniqueKey: 'k' })))
    assert.equal(await store.revive('a', 70), false, 'key taken')
    assert.deepEqual(
      (await store.list()).map(({ id, state }) => [id, state]),
      [
        ['b', 'waiting'],
        ['a', 'dead'],
      ],
    )
  })
}

function keys(opened: Opened): void {
  test('while a job with a unique key is waiting or running, another is not taken in', async t => {
    const { store, second } = await opened(t)
    assert.equal(await store.enqueue(job('a', { uniqueKey: 'k' })), true)
    assert.equal(await second.enqueue(job('b', { uniqueKey: 'k' })), false)
    assert.equal(await store.enqueue(job('c', { uniqueKey: 'other' })), true)
    assert.equal(await store.enqueue(job('c')), false, 'same id')
    const leased = await leaseOne(store, 0)
    assert.equal(await store.enqueue(job('b', { uniqueKey: 'k' })), false)
    await store.done(leased)
    assert.equal(await store.enqueue(job('b', { uniqueKey: 'k' })), true)
    assert.deepEqual(ids(await store.list({ limit: 1 })), ['b'])
    assert.deepEqual(await store.list({ kind: 'none' }), [])
  })
}

function schedules(opened: Opened): void {
  test('a schedule is due once in each period, whoever asks; turns missed are not made up for', async t => {
    const { store, second } = await opened(t)
    const asked: [number, boolean][] = [
      [1_050, false],
      [1_099, false],
      [1_100, true],
      [1_101, false],
      [1_450, true],
      [1_499, false],
      [1_500, true],
    ]
    for (const [now, isDue] of asked) {
      const answers = await Promise.all([store.isDue('nightly', 100, now), second.isDue('nightly', 100, now)])
      assert.equal(answers.filter(Boolean).length, isDue ? 1 : 0, `at ${now}`)
    }
    assert.equal(await store.isDue('other', 100, 1_500), false)
  })
}

function races(opened: Opened): void {
  test('two workers race for 500 jobs: each is done once, by one of them', async t => {
    const { db, store, second } = await opened(t)
    await db.sql.transaction().execute(async tx => {
      for (let i = 0; i < 500; i++) await enqueueJob(tx, job(String(10_000 + i)))
    })
    const done: string[] = []
    const work = async (from: JobStore, limit: number): Promise<number> => {
      let count = 0
      for (;;) {
        const jobs = await lease(from, 0, limit)
        if (jobs.length === 0) return count
        assert.ok(jobs.length <= limit)
        for (const each of jobs) {
          assert.equal(each.attempt, 1)
          done.push(each.id)
          assert.ok(await from.done(each))
          count++
        }
      }
    }
    const shares = await Promise.all([work(store, 7), work(second, 5), work(store, 3), work(second, 11)])
    assert.equal(new Set(done).size, 500)
    assert.equal(done.length, 500)
    assert.ok(shares[0]! + shares[2]! > 0 && shares[1]! + shares[3]! > 0, `all by one: ${shares}`)
  })
}
