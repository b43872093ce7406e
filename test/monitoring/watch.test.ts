/** What is counted live is what the ledger has, number by number: through windows, batches, refusals, stops and crashes. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { type LedgerWorld, ledgerWorld } from '../../src/ledger/ledger-world.suite.ts'
import type { WindowStore } from '../../src/monitoring/store.ts'
import { begin, LATEST, type Life, WINDOW_MS } from '../../src/monitoring/watch-world.suite.ts'
import type { WindowCounts } from '../../src/monitoring/window-counts.ts'

const EVERYTHING = { since: 0, until: 8.64e15 }
/** A record that is not written by then never will be. */
const TURNS_MAX = 100_000
const VERSIONS = ['1.0.0', '1.1.0', '']

const balance = fc.oneof(
  fc.constantFrom(-1, 0, -0, 2.5, 1000, 1000.0000000000001, null, -1e9, 5e-324),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 }),
)
const anyRow = fc.record(
  {
    balance,
    geography: fc.constantFrom('France', 'Spain', 'Germany', null),
    active: fc.constantFrom(true, false, 0, 1, null),
    income: fc.constantFrom(1, 9, null),
  },
  { noNullPrototype: true },
)
const wrong = fc.constantFrom({ balance: 'high' }, [], { geography: 'Atlantis' })
const call = fc.record(
  {
    version: fc.constantFrom('1.0.0', '1.0.0', '1.1.0', '9.9.9'),
    body: fc.oneof({ weight: 4, arbitrary: anyRow }, fc.array(anyRow, { minLength: 1, maxLength: 40 }), wrong),
    /** What passes until the next call. */
    ms: fc.oneof(fc.nat(3), fc.nat(WINDOW_MS)),
  },
  { noNullPrototype: true },
)
const life = fc.record(
  { calls: fc.array(call, { maxLength: 25 }), how: fc.constantFrom('stopped' as const, 'killed' as const) },
  { noNullPrototype: true },
)

/** The last predictions of a version, read from the ledger, counted as a window of their own. */
async function lastRows({ ledger }: Life, version: string): Promise<{ at: number; balance: unknown }[]> {
  const { records } = await ledger.query({ kind: 'prediction', model: 'churn', version, limit: LATEST })
  return records.toReversed().map(record => {
    const { at, features } = record as { at: number; features: Record<string, unknown> }
    return { at, balance: features['balance'] }
  })
}

function missingOf({ columns }: WindowCounts, name: string): number | undefined {
  return columns.find(column => column.name === name)?.counts.at(-1)
}

describe('the watch', () => {
  let world: LedgerWorld
  beforeEach(async () => {
    world = await ledgerWorld()
  })
  afterEach(() => world.close())

  async function assertExact(now: Life): Promise<void> {
    await now.refusals.flush()
    await now.ledger.append([]) // refusals that a timer is just writing are in this turn's write
    await nextTurn()
    for (const version of VERSIONS) {
      const live = await now.watch.windows('churn', version, EVERYTHING)
      const calls = await now.watch.calls('churn', version, EVERYTHING)
      assert.deepEqual(
        calls,
        live.map(window => ({ ...window, columns: [] })),
      )
      const again = await now.watch.recount('churn', version, EVERYTHING)
      assert.deepEqual(live, again)
      const rows = await lastRows(now, version)
      const latest = now.watch.latest('churn', version)
      assert.equal(latest?.rows ?? 0, version === '' ? 0 : rows.length)
      if (latest === undefined) continue
      assert.deepEqual([latest.from, latest.to], [rows[0]!.at, rows.at(-1)!.at])
      assert.equal(missingOf(latest, 'balance'), rows.filter(each => each.balance === undefined).length)
      for (const { counts } of latest.columns)
        assert.equal(
          counts.reduce((a, b) => a + b),
          rows.length,
        )
      assert.equal(
        latest.latency.reduce((a, b) => a + b),
        rows.length,
      )
    }
  }

  it('counts exactly what the ledger has, in whatever life it was recorded', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 3 }), async lives => {
        await world.close()
        world = await ledgerWorld()
        for (const { calls, how } of lives) {
          const now = await begin(world, ['1.0.0', '1.1.0'])
          for (const { version, body, ms } of calls) {
            await now.ask(version, body)
            world.clock.advance(ms)
            now.timers.advance(Math.min(ms, 6_000)) // windows are stored while it lives
          }
          await assertExact(now)
          await now.end(how)
        }
        const last = await begin(world, ['1.0.0', '1.1.0'])
        await assertExact(last)
        await last.end('stopped')
      }),
      { numRuns: 8 },
    )
    assert.deepEqual(world.logged, [])
  })

  const row = { balance: 2, geography: 'Spain', active: true, income: 3 }

  async function asked(now: Life, times: number, ms = 0): Promise<void> {
    for (let call = 0; call < times; call++) {
      await now.ask('1.0.0', row)
      world.clock.advance(ms)
    }
  }

  /** Lets the watch look whether windows have closed, and waits until it has stored them. */
  async function ticked(now: Life): Promise<void> {
    await now.watch.recovered()
    now.timers.advance(6_000)
    await now.watch.windows('churn', '1.0.0', EVERYTHING)
  }

  const rowsOf = (windows: readonly WindowCounts[]): number[] => windows.map(({ rows }) => rows)

  it('tells of each window that closes, once, half a minute after its end', async () => {
    const now = await begin(world, ['1.0.0'])
    const closed: WindowCounts[] = []
    now.watch.onWindow(counts => closed.push(counts))
    await asked(now, 3)
    world.clock.advance(WINDOW_MS + 29_000)
    await ticked(now)
    assert.deepEqual(closed, [])
    world.clock.advance(2_000)
    await ticked(now)
    await ticked(now)
    assert.deepEqual(closed, await now.watch.windows('churn', '1.0.0', EVERYTHING))
    assert.deepEqual(rowsOf(closed), [3])
    assert.deepEqual(now.watch.versions(), [{ model: 'churn', version: '1.0.0' }])
    await now.end('stopped')
  })

  it('keeps what cannot be stored, and stores it when it can', async () => {
    let isBroken = true
    const storeOf = (store: WindowStore): WindowStore => ({
      ...store,
      put: (...args) => (isBroken ? Promise.reject(new Error('no disk')) : store.put(...args)),
    })
    const now = await begin(world, ['1.0.0'], { storeOf })
    await asked(now, 3, 31_000) // at 0, 31 and 62 seconds
    world.clock.advance(WINDOW_MS * 2)
    await ticked(now)
    assert.deepEqual(rowsOf(await now.watch.windows('churn', '1.0.0', EVERYTHING)), [2, 1])
    assert.match(world.logged.join(), /Counts could not be stored; it is tried again.*no disk/)
    isBroken = false
    await ticked(now)
    assert.deepEqual(rowsOf(await now.watch.windows('churn', '1.0.0', EVERYTHING)), [2, 1])
    await now.end('killed')
    const next = await begin(world, ['1.0.0'])
    await assertExact(next)
    await next.end('stopped')
  })

  it('counts what comes after its window was stored, killed or not', async () => {
    for (const how of ['stopped', 'killed'] as const) {
      let gate: Promise<void> | undefined
      const { promise, resolve } = Promise.withResolvers<void>()
      const now = await begin(world, ['1.0.0'], { flushing: async () => gate })
      await asked(now, 3)
      gate = promise
      const { size } = now.ledger
      const late = now.ask('1.0.0', row)
      for (let turns = 0; now.ledger.size === size && turns < TURNS_MAX; turns++) await nextTurn()
      world.clock.advance(WINDOW_MS * 3)
      gate = undefined
      await asked(now, 1)
      await ticked(now)
      resolve()
      await late
      const windows = await now.watch.windows('churn', '1.0.0', EVERYTHING)
      assert.deepEqual(windows, await now.watch.recount('churn', '1.0.0', EVERYTHING))
      await now.end(how)
    }
    const last = await begin(world, ['1.0.0'])
    assert.deepEqual(rowsOf(await last.watch.windows('churn', '1.0.0', EVERYTHING)), [4, 5, 1])
    await assertExact(last)
    await last.end('stopped')
  })

  it('recovers where the first attempt failed', async () => {
    const first = await begin(world, ['1.0.0'])
    await asked(first, 5)
    await first.end('killed')
    let isBroken = true
    const storeOf = (store: WindowStore): WindowStore => ({
      ...store,
      versions: ledger => (isBroken ? Promise.reject(new Error('no database')) : store.versions(ledger)),
    })
    const now = await begin(world, ['1.0.0'], { storeOf })
    await asked(now, 2)
    await assert.rejects(now.watch.windows('churn', '1.0.0', EVERYTHING), /no database/)
    isBroken = false
    await assertExact(now)
    assert.equal(now.watch.latest('churn', '1.0.0')!.rows, 7)
    await now.end('stopped')
  })

  it('counts again where the length of windows was changed', async () => {
    let before = await begin(world, ['1.0.0'])
    await asked(before, 50, 7_000)
    await ticked(before)
    await before.end('stopped')
    for (const windowMs of [WINDOW_MS * 7, 9_000, WINDOW_MS]) {
      before = await begin(world, ['1.0.0'], { windowMs })
      await asked(before, 20, 7_000)
      const all = rowsOf(await before.watch.windows('churn', '1.0.0', EVERYTHING))
      assert.equal(
        all.reduce((a, b) => a + b),
        (await before.ledger.query({ kind: 'prediction', limit: 1000 })).records.length,
      )
      await before.end('stopped')
    }
  })

  it('goes through a ledger that was never counted day by day, no further back than windows are kept', async () => {
    const DAY_MS = 86_400_000
    for (let day = 0; day < 4; day++) {
      const life = await begin(world, ['1.0.0'])
      await asked(life, day + 1)
      await life.end('killed') // nothing was recovered, so nothing was stored
      world.clock.advance(DAY_MS)
    }
    const now = await begin(world, ['1.0.0'], { keepMs: 3.5 * DAY_MS })
    assert.deepEqual(rowsOf(await now.watch.windows('churn', '1.0.0', EVERYTHING)), [2, 3, 4])
    assert.equal(now.watch.latest('churn', '1.0.0')!.rows, 10)
    await now.end('killed')
    const next = await begin(world, ['1.0.0'])
    assert.deepEqual(rowsOf(await next.watch.windows('churn', '1.0.0', EVERYTHING)), [2, 3, 4])
    await next.end('stopped')
  })

  it('watches the traffic of a version whose profile cannot be read, and says so', async () => {
    const first = await begin(world, ['1.0.0'])
    await asked(first, 5)
    await first.end('killed')
    const profile = (): Promise<never> => Promise.reject(new Error('damaged'))
    const now = await begin(world, ['1.0.0'], { profile })
    const [window] = await now.watch.windows('churn', '1.0.0', EVERYTHING)
    assert.deepEqual([window!.rows, window!.columns], [5, []])
    assert.match(world.logged.join(), /reference profile cannot be read.*damaged/)
    await now.end('killed')
  })

  it('leaves sensitive features out', async () => {
    const now = await begin(world, ['1.0.0'])
    await asked(now, 1)
    const names = now.watch.latest('churn', '1.0.0')!.columns.map(({ name, kind }) => `${kind} ${name}`)
    assert.deepEqual(names, ['feature balance', 'feature geography', 'feature active', 'output score'])
    await now.end('stopped')
  })
})
