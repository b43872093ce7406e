/** What the worker of jobs promises, whatever database it works on. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type ManualClock, manualClock } from './clock.ts'
import { openDatabase } from './database.ts'
import { uuid7 } from './ids.ts'
import { type Job, type JobStore, jobStore, jobsMigrations } from './jobs.ts'
import { type JobHandler, type JobsParts, type JobsWorker, runJobs } from './run-jobs.ts'
import type { FreshPlace } from './temporary.suite.ts'
import { type ManualTimers, manualTimers } from './timers.ts'

const START_AT = 1_790_000_000_000
const LEASE_MS = 60_000

interface World {
  readonly store: JobStore
  readonly clock: ManualClock
  readonly timers: ManualTimers
  readonly errors: [unknown, string | undefined][]
  readonly enqueue: (id: string, kind?: string) => Promise<boolean>
  readonly start: (handlers: Record<string, JobHandler>, more?: Partial<JobsParts>) => JobsWorker
}

type Opened = (t: TestContext) => Promise<World>

/** A promise and its two ends. */
function signal(): { readonly came: Promise<void>; readonly give: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { came: promise, give: resolve }
}

export function runJobsSuite(place: FreshPlace): void {
  const opened: Opened = async t => {
    const db = await openDatabase(await place(t), [jobsMigrations])
    const [clock, timers, store] = [manualClock(START_AT), manualTimers(), jobStore(db)]
    const errors: World['errors'] = []
    const workers: JobsWorker[] = []
    t.after(async () => {
      for (const worker of workers) await worker.stop()
      await db.close()
    })
    return {
      store,
      clock,
      timers,
      errors,
      enqueue: (id, kind = 'work') => store.enqueue({ id, kind, at: clock.now() }),
      start(handlers, more = {}): JobsWorker {
        const onError = (error: unknown, job?: Job): void => void errors.push([error, job?.id])
        const worker = runJobs({ store, handlers, clock, timers, ids: uuid7(clock), random: () => 0, onError, ...more })
        workers.push(worker)
        return worker
      },
    }
  }
  doing(opened)
  lasting(opened)
  failing(opened)
  losing(opened)
  stopping(opened)
}

function doing(opened: Opened): void {
  test('jobs are done as they come, no more at once than allowed', async t => {
    const { store, enqueue, start } = await opened(t)
    const [gate, all] = [signal(), signal()]
    let [now, most, count] = [0, 0, 0]
    for (let i = 0; i < 20; i++) await enqueue(`early-${i}`)
    const work: JobHandler = async () => {
      most = Math.max(most, ++now)
      await gate.came
      now--
      if (++count === 40) all.give()
    }
    const worker = start({ work }, { concurrency: 3 })
    for (let poll = 0; poll < 3; poll++) await worker.wake()
    assert.equal(now, 3)
    gate.give()
    for (let i = 0; i < 20; i++) await enqueue(`late-${i}`)
    await worker.wake()
    await all.came
    await worker.stop()
    assert.equal(most, 3)
    assert.deepEqual(await store.list(), [])
  })
}

function lasting(opened: Opened): void {
  test('a long job keeps its lease by signs of life', async t => {
    const { store, clock, timers, enqueue, start } = await opened(t)
    const [begun, finish] = [signal(), signal()]
    let extended = signal()
    const observed: JobStore = {
      ...store,
      extend: (job, until) => store.extend(job, until).finally(() => extended.give()),
    }
    await enqueue('long')
    const long: JobHandler = () => {
      begun.give()
      return finish.came
    }
    start({ work: long }, { store: observed, leaseMs: LEASE_MS })
    await begun.came
    for (let sign = 0; sign < 5; sign++) {
      clock.advance(LEASE_MS / 3)
      timers.advance(LEASE_MS / 3)
      await extended.came
      // The timer of the next sign is set once this one's answer has been looked at.
      await new Promise(setImmediate)
      extended = signal()
    }
    const others = await store.lease({ kinds: ['work'], limit: 1, token: 'other', now: clock.now(), leaseMs: 1 })
    assert.deepEqual(others, [])
    finish.give()
  })

  test('a schedule makes a job in each period, and none while the last is not done', async t => {
    const { clock, start, store } = await opened(t)
    const [finish, done] = [signal(), signal()]
    const observed: JobStore = { ...store, done: job => store.done(job).finally(done.give) }
    const seen: unknown[] = []
    const work: JobHandler = ({ payload }) => {
      seen.push(payload)
      return finish.came
    }
    const schedules = [{ name: 'tidy', kind: 'work', everyMs: 1_000, payload: { deep: true } }]
    const worker = start({ work }, { store: observed, schedules })
    for (const wanted of [0, 1, 1, 1]) {
      await worker.wake()
      assert.equal(seen.length, wanted)
      clock.advance(1_000)
    }
    finish.give()
    await done.came
    await worker.wake()
    assert.deepEqual(seen, [{ deep: true }, { deep: true }])
  })
}

function failing(opened: Opened): void {
  test('a job that fails is told of, waits longer each time, and is dead in the end', async t => {
    const { store, clock, errors, start } = await opened(t)
    await store.enqueue({ id: 'a', kind: 'work', at: clock.now(), attemptsMax: 3 })
    const waits: number[] = []
    for (let attempt = 1; attempt <= 3; attempt++) {
      const failed = signal()
      const onError = (error: unknown, job?: Job): void => {
        errors.push([error, job?.id])
        failed.give()
      }
      const worker = start({ work: () => Promise.reject(new Error('no luck')) }, { onError })
      await failed.came
      await worker.stop()
      const { attempts, error, runAt, state } = (await store.list())[0]!
      assert.deepEqual([attempts, error, state], [attempt, 'no luck', attempt < 3 ? 'waiting' : 'dead'])
      waits.push(runAt - clock.now())
      clock.set(runAt)
    }
    assert.deepEqual(waits.slice(0, 2), [500, 1_000])
    assert.deepEqual(
      errors.map(([error, id]) => [(error as Error).message, id]),
      Array(3).fill(['no luck', 'a']),
    )
  })

  test('a store that cannot be used is told of, and asked again', async t => {
    const { store, timers, enqueue, errors, start } = await opened(t)
    const [done, failed] = [signal(), signal()]
    let isDown = true
    const shaky: JobStore = {
      ...store,
      lease: request => (isDown ? Promise.reject(new Error('down')) : store.lease(request)),
    }
    await enqueue('a')
    const onError = (error: unknown): void => {
      errors.push([error, undefined])
      failed.give()
    }
    const worker = start({ work: async () => done.give() }, { store: shaky, pollMs: 10, onError })
    await worker.wake()
    await failed.came
    isDown = false
    timers.advance(10)
    await done.came
    assert.equal((errors[0]![0] as Error).message, 'down')
  })
}

function losing(opened: Opened): void {
  test('a job whose lease was lost is cut short', async t => {
    const { store, clock, timers, enqueue, start } = await opened(t)
    const [begun, cut] = [signal(), signal()]
    await enqueue('a')
    const handler: JobHandler = (_, aborted) => {
      begun.give()
      aborted.addEventListener('abort', cut.give)
      return cut.came
    }
    start({ work: handler }, { leaseMs: LEASE_MS })
    await begun.came
    clock.advance(LEASE_MS)
    const [thief] = await store.lease({
      kinds: ['work'],
      limit: 1,
      token: 'thief',
      now: clock.now(),
      leaseMs: LEASE_MS,
    })
    timers.advance(LEASE_MS / 3)
    await cut.came
    assert.ok(await store.done(thief!), 'the new holder still has it')
  })
}

function stopping(opened: Opened): void {
  test('stop() waits for what runs, and what it cut short was not started', async t => {
    const { store, enqueue, errors, start } = await opened(t)
    const [begun, finish] = [signal(), signal()]
    let isFinished = false
    await enqueue('a-polite', 'polite')
    await enqueue('b-cut', 'cut')
    await enqueue('c-next', 'polite')
    let starts = 0
    const started = (): void => {
      if (++starts === 2) begun.give()
    }
    const worker = start({
      polite: async () => {
        started()
        await finish.came
        isFinished = true
      },
      cut: (_, aborted) => {
        started()
        return new Promise((_resolve, reject) => aborted.addEventListener('abort', () => reject(new Error('cut'))))
      },
    })
    await begun.came
    let isStopped = false
    const stopped = worker.stop().then(() => {
      isStopped = true
    })
    await store.list()
    assert.equal(isStopped, false)
    finish.give()
    await stopped
    assert.equal(isFinished, true)
    await worker.wake()
    const left = await store.list()
    assert.deepEqual(
      left.map(({ id, attempts }) => [id, attempts]),
      [
        ['b-cut', 0],
        ['c-next', 0],
      ],
    )
    assert.deepEqual(errors, [])
  })
}
