/** What studies promise, whichever the database. Runs on SQLite beside this file, on PostgreSQL in `test/contracts`. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Problem } from '../../errors.ts'
import { openDatabase } from '../../platform/database.ts'
import { uuid7 } from '../../platform/ids.ts'
import { outboxMigrations } from '../../platform/outbox.ts'
import type { FreshPlace } from '../../platform/temporary.suite.ts'
import type { GivenStudy } from './definition.ts'
import { openStudies, type Studies } from './studies.ts'
import { studyMigrations } from './tables.ts'

const actor = { id: 'local', name: 'local', roles: ['admin'] }
const HEARTBEAT_MS = 1_000

const line: GivenStudy = {
  name: 'line',
  space: { x: { type: 'float', low: -1, high: 1 } },
  seed: 7,
  heartbeatMs: HEARTBEAT_MS,
}

interface Bench {
  readonly studies: Studies
  /** Another process, as far as the database can tell. */
  readonly second: Studies
  readonly time: { now: number }
  readonly changes: () => Promise<string[]>
}

export function studiesSuite(place: FreshPlace): void {
  const opened = async (t: TestContext): Promise<Bench> => {
    const where = await place(t)
    const time = { now: 1_000_000 }
    const clock = { now: () => time.now }
    const open = async () => {
      const db = await openDatabase(where, [outboxMigrations, studyMigrations])
      t.after(() => db.close())
      return db
    }
    const [db, other] = [await open(), await open()]
    const changes = async (): Promise<string[]> => {
      const rows = await db.sql.selectFrom('outbox').select('payload').orderBy('at').orderBy('id').execute()
      return rows.map(({ payload }) => JSON.parse(payload).action as string)
    }
    const ids = uuid7(clock)
    const [studies, second] = [openStudies({ db, clock, ids }), openStudies({ db: other, clock, ids: uuid7(clock) })]
    return { studies, second, time, changes }
  }
  lives(opened)
  counting(opened)
  searches(opened)
  fronts(opened)
  tellings(opened)
  deaths(opened)
  prunings(opened)
  crowds(opened)
}

type Opened = (t: TestContext) => Promise<Bench>

function lives(opened: Opened): void {
  test('a study is created once, the same again is the same, and another of its name is refused', async t => {
    const { studies, second, changes } = await opened(t)
    assert.equal((await studies.create(line, actor)).created, true)
    const again = await second.create({ ...line }, actor)
    assert.deepEqual([again.created, again.study.name, again.study.seed], [false, 'line', 7])
    await assert.rejects(second.create({ ...line, seed: 8 }, actor), { code: 'conflict' })
    await assert.rejects(studies.create({ ...line, name: 'no name' }, actor), { code: 'invalid' })
    assert.deepEqual(
      (await studies.list('', 10)).map(({ name }) => name),
      ['line'],
    )
    assert.deepEqual(await studies.list('line', 10), [])
    assert.deepEqual(await changes(), ['study:created'])
  })

  test('a study that is deleted is gone whole, and its name is free for another', async t => {
    const { studies, second, time, changes } = await opened(t)
    await studies.create(line, actor)
    await second.ask('line', { count: 3 })
    await second.report('line', 1, { step: 0, value: 1 })
    time.now++
    await studies.delete('line', actor)
    time.now++
    for (const gone of [
      () => second.find('line'),
      () => second.ask('line', { count: 1 }),
      () => second.tell('line', 0, { value: 1 }),
      () => second.report('line', 1, { step: 1, value: 1 }),
      () => second.delete('line', actor),
    ]) {
      await assert.rejects(gone, { code: 'not_found' })
    }
    await second.create({ ...line, seed: 9 }, actor)
    assert.deepEqual(await second.trials('line', { limit: 10 }), [])
    assert.equal((await studies.ask('line', { count: 1 })).trials[0]!.number, 0)
    assert.deepEqual(await changes(), ['study:created', 'study:deleted', 'study:created'])
  })
}

function counting(opened: Opened): void {
  test('trials are numbered, tried, told and listed; there are as many as there shall be', async t => {
    const { studies, second } = await opened(t)
    await studies.create({ ...line, trials: 3 }, actor)
    const { trials, done } = await studies.ask('line', { count: 2, worker: 'w1' })
    assert.deepEqual([trials.map(({ number }) => number), done], [[0, 1], false])
    assert.deepEqual([trials[0]!.state, trials[0]!.attempt, trials[0]!.worker], ['running', 1, 'w1'])
    assert.equal((await second.ask('line', { count: 5 })).trials.length, 1)
    assert.deepEqual(await second.ask('line', { count: 1 }), { trials: [], done: false })
    for (const number of [0, 1, 2]) await second.tell('line', number, { value: number, attempt: 1 })
    assert.deepEqual(await studies.ask('line', { count: 1 }), { trials: [], done: true })
    assert.deepEqual(
      (await studies.trials('line', { after: 0, limit: 1 })).map(({ values }) => values),
      [{ value: 1 }],
    )
    assert.equal((await studies.find('line')).trials.complete, 3)
    assert.deepEqual(
      (await studies.best('line')).trials.map(({ number }) => number),
      [0],
    )
    await assert.rejects(studies.trial('line', 9), { code: 'not_found' })
  })
}

function searches(opened: Opened): void {
  test('the same seed and the same answers make the same search, in whichever process', async t => {
    const { studies, second } = await opened(t)
    const walk = async (name: string, by: readonly Studies[]): Promise<unknown[]> => {
      const points: unknown[] = []
      await studies.create({ ...line, name }, actor)
      for (let i = 0; i < 25; i++) {
        const [trial] = (await by[i % by.length]!.ask(name, { count: 1 })).trials
        points.push(trial!.params)
        await by[(i + 1) % by.length]!.tell(name, trial!.number, { value: (trial!.params['x'] as number) ** 2 })
      }
      return points
    }
    assert.deepEqual(await walk('one', [studies]), await walk('two', [studies, second]))
  })
}

function fronts(opened: Opened): void {
  test('of several objectives the front is best, and its volume is measured to a reference', async t => {
    const { studies } = await opened(t)
    await studies.create({ ...line, objectives: { ms: 'minimize', auc: 'maximize' } }, actor)
    assert.deepEqual(await studies.best('line'), { trials: [] })
    const told = [
      [1, 0.5],
      [2, 0.8],
      [3, 0.7],
      ['Infinity', 0.9],
    ] as const
    for (const [ms, auc] of told) await studies.add('line', { params: { x: 0 }, values: { ms, auc } })
    const { trials, hypervolume } = await studies.best('line', '4, 0')
    assert.deepEqual(
      trials.map(({ number }) => number),
      [0, 1, 3],
    )
    assert.ok(Math.abs(hypervolume! - (3 * 0.5 + 2 * 0.3)) < 1e-12, `${hypervolume}`)
    for (const wrong of ['4', '4,', '4,x', '1,2,3', 'NaN,1']) {
      await assert.rejects(studies.best('line', wrong), { code: 'invalid' }, wrong)
    }
    await assert.rejects(studies.best('other'), { code: 'not_found' })
  })
}

function tellings(opened: Opened): void {
  test('told twice is told once; told otherwise, told of nothing and told wrongly are refused', async t => {
    const { studies } = await opened(t)
    await studies.create(line, actor)
    await studies.ask('line', { count: 4 })
    await studies.tell('line', 0, { value: 0.5 })
    assert.deepEqual((await studies.tell('line', 0, { value: 0.5 })).values, { value: 0.5 })
    await assert.rejects(studies.tell('line', 0, { value: 0.6 }), { code: 'conflict' })
    await assert.rejects(studies.tell('line', 0, { state: 'pruned' }), { code: 'conflict' })
    await studies.tell('line', 1, { state: 'pruned' })
    await assert.rejects(studies.tell('line', 1, { value: 1 }), { code: 'conflict' })
    await assert.rejects(studies.tell('line', 9, { value: 1 }), { code: 'not_found' })
    for (const wrong of [
      {},
      { value: 1, values: { value: 1 } },
      { values: { other: 1 } },
      { values: {} },
      { value: 1, state: 'pruned' },
      { value: 1, error: 'x' },
    ] as const) {
      await assert.rejects(studies.tell('line', 2, wrong), { code: 'invalid' }, JSON.stringify(wrong))
    }
    const infinite = await studies.tell('line', 2, { value: 'Infinity' })
    assert.deepEqual([infinite.state, infinite.values], ['complete', { value: 'Infinity' }])
    const strange = await studies.tell('line', 3, { value: 'NaN' })
    assert.deepEqual([strange.state, strange.values], ['failed', undefined])
    assert.match(strange.error!, /NaN/)
  })

  test('trials added by hand are tried next, or known at once', async t => {
    const { studies } = await opened(t)
    await studies.create(line, actor)
    const waiting = await studies.add('line', { params: { x: 0.25 } })
    assert.deepEqual([waiting.state, waiting.attempt], ['waiting', 0])
    await assert.rejects(studies.tell('line', 0, { value: 1 }), { code: 'conflict' })
    const known = await studies.add('line', { params: { x: 0.5 }, value: 3 })
    assert.deepEqual([known.state, known.values], ['complete', { value: 3 }])
    const { trials } = await studies.ask('line', { count: 2 })
    assert.deepEqual(
      trials.map(({ number, attempt }) => [number, attempt]),
      [
        [0, 1],
        [2, 1],
      ],
    )
    assert.deepEqual(trials[0]!.params, { x: 0.25 })
    for (const params of [{ x: 2 }, { y: 1 }, {}, { x: 'a' }, { x: 0, y: 0 }]) {
      await assert.rejects(studies.add('line', { params }), { code: 'invalid' })
    }
  })
}

function deaths(opened: Opened): void {
  test('a trial whose worker is silent is given to another, with the same point; the first is not listened to any more', async t => {
    const { studies, second, time } = await opened(t)
    await studies.create({ ...line, attempts: 2, trials: 2 }, actor)
    const [dead] = (await studies.ask('line', { count: 1, worker: 'dead' })).trials
    time.now += HEARTBEAT_MS - 1
    assert.equal((await second.report('line', 0, {})).leaseUntil, time.now + HEARTBEAT_MS)
    assert.equal((await second.ask('line', { count: 1 })).trials[0]!.number, 1)
    time.now += HEARTBEAT_MS
    const [taken] = (await second.ask('line', { count: 1, worker: 'alive' })).trials
    assert.deepEqual([taken!.number, taken!.attempt, taken!.worker, taken!.params], [0, 2, 'alive', dead!.params])
    await assert.rejects(studies.tell('line', 0, { value: 1, attempt: 1 }), { code: 'conflict' })
    await assert.rejects(studies.report('line', 0, { step: 1, value: 1, attempt: 1 }), { code: 'conflict' })
    assert.equal((await second.tell('line', 0, { value: 1, attempt: 2 })).state, 'complete')
  })

  test('a trial that dies at its last attempt has failed; late is not too late while nobody else has begun', async t => {
    const { studies, time } = await opened(t)
    await studies.create({ ...line, attempts: 1, trials: 2 }, actor)
    await studies.ask('line', { count: 2 })
    time.now += 10 * HEARTBEAT_MS
    assert.equal((await studies.tell('line', 1, { value: 4, attempt: 1 })).state, 'complete')
    assert.deepEqual((await studies.ask('line', { count: 1 })).trials, [])
    const failed = await studies.trial('line', 0)
    assert.equal(failed.state, 'failed')
    assert.match(failed.error!, /heard/)
    assert.equal((await studies.ask('line', { count: 1 })).done, true)
  })

  test('a trial that failed is tried again where its worker says so, and not for ever', async t => {
    const { studies } = await opened(t)
    await studies.create({ ...line, attempts: 2 }, actor)
    await studies.ask('line', { count: 1 })
    const fail = { state: 'failed', error: 'no memory', retry: true } as const
    assert.equal((await studies.tell('line', 0, fail)).state, 'waiting')
    assert.equal((await studies.ask('line', { count: 1 })).trials[0]!.attempt, 2)
    assert.equal((await studies.tell('line', 0, fail)).state, 'failed')
  })
}

function prunings(opened: Opened): void {
  test('what is worse than the median at its step is told to end; a report told twice is heard once', async t => {
    const { studies } = await opened(t)
    await studies.create({ ...line, pruner: { kind: 'median', startup: 2 } }, actor)
    await studies.ask('line', { count: 4 })
    for (const number of [0, 1]) {
      assert.equal((await studies.report('line', number, { step: 3, value: number })).prune, false)
      await studies.tell('line', number, { value: number })
    }
    assert.equal((await studies.report('line', 2, { step: 3, value: 0.4 })).prune, false)
    assert.equal((await studies.report('line', 3, { step: 3, value: 0.6 })).prune, true)
    assert.equal((await studies.report('line', 3, { step: 3, value: 0.6 })).prune, true)
    await assert.rejects(studies.report('line', 3, { step: 3, value: 0.7 }), { code: 'conflict' })
    assert.equal((await studies.report('line', 3, { step: 4, value: 'NaN' })).prune, false, 'nobody else was there')
    await studies.tell('line', 3, { state: 'pruned' })
    await assert.rejects(studies.report('line', 3, { step: 5, value: 1 }), { code: 'conflict' })
    assert.deepEqual((await studies.trial('line', 3)).reports, [
      { attempt: 1, step: 3, value: 0.6 },
      { attempt: 1, step: 4, value: 'NaN' },
    ])
    assert.deepEqual((await studies.trial('line', 3)).lastValue, 'NaN')
  })

  test('asynchronous halving keeps the best third at each rung', async t => {
    const { studies } = await opened(t)
    const objectives = { accuracy: 'maximize' } as const
    await studies.create({ ...line, objectives, pruner: { kind: 'asha', min: 1, max: 9, factor: 3 } }, actor)
    await studies.ask('line', { count: 9 })
    const heard: boolean[] = []
    for (let number = 0; number < 9; number++) {
      heard.push((await studies.report('line', number, { step: 1, value: number })).prune)
    }
    assert.deepEqual(heard, Array(9).fill(false), 'each is the best so far')
    assert.equal((await studies.report('line', 8, { step: 3, value: 5 })).prune, false)
    assert.equal((await studies.report('line', 7, { step: 4, value: 4 })).prune, true)
    assert.equal((await studies.report('line', 8, { step: 9, value: -1 })).prune, false, 'it is at its end')
  })
}

function crowds(opened: Opened): void {
  test('32 workers of two processes: every trial is given once and told once, also where some die', async t => {
    const { studies, second, time } = await opened(t)
    await studies.create({ ...line, trials: 200, attempts: 100, sampler: { kind: 'tpe', startup: 40 } }, actor)
    const told = new Map<number, number>()
    const given = new Set<string>()
    const work = async (from: Studies, worker: number): Promise<void> => {
      for (let tried = 0; ; tried++) {
        const { trials, done } = await from.ask('line', { count: 1, worker: `w${worker}` })
        if (done || (trials.length === 0 && worker !== 0)) return
        const [trial] = trials
        if (trial === undefined) {
          time.now += HEARTBEAT_MS
          continue
        }
        const key = `${trial.number}/${trial.attempt}`
        assert.ok(!given.has(key), `given twice: ${key}`)
        given.add(key)
        if (worker % 8 === 5 && tried === 0) return
        const value = (trial.params['x'] as number) ** 2
        const lost = await from
          .tell('line', trial.number, { value, attempt: trial.attempt })
          .catch((error: Problem) => error)
        // Time passes for those who live too: what they were too slow with was given to another.
        if (lost instanceof Problem) assert.equal(lost.code, 'conflict')
        else told.set(trial.number, (told.get(trial.number) ?? 0) + 1)
      }
    }
    await Promise.all(Array.from({ length: 32 }, (_, i) => work(i % 2 === 0 ? studies : second, i)))
    assert.equal(told.size, 200)
    assert.ok([...told.values()].every(count => count === 1))
    assert.equal((await studies.find('line')).trials.complete, 200)
    assert.ok(given.size >= 204, 'some died, and their trials were given again')
  })
}
