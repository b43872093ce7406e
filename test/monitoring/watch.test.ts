/** What is counted live is what the ledger has, number by number: through windows, batches, refusals, stops and crashes. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import fc from 'fast-check'
import { type LedgerWorld, ledgerWorld } from '../../src/ledger/ledger-world.suite.ts'
import { begin, LATEST, type Life, WINDOW_MS } from '../../src/monitoring/watch-world.suite.ts'
import type { WindowCounts } from '../../src/monitoring/window-counts.ts'

const EVERYTHING = { since: 0, until: 8.64e15 }
const VERSIONS = ['1.0.0', '1.1.0', '']

const balance = fc.oneof(
  fc.constantFrom(-1, 0, -0, 2.5, 1000, 1000.0000000000001, null, -1e9, 5e-324),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 }),
)
const row = fc.record(
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
    body: fc.oneof({ weight: 4, arbitrary: row }, fc.array(row, { minLength: 1, maxLength: 40 }), wrong),
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

/** What the rows alone say: a journey does not tell yet what its records say of latency, nor records which calls they are of. */
function ofRows({ latency: _, invocations: __, ...rest }: WindowCounts): object {
  return rest
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
    for (const version of VERSIONS) {
      const live = await now.watch.windows('churn', version, EVERYTHING)
      const again = await now.watch.recount('churn', version, EVERYTHING)
      assert.deepEqual(live.map(ofRows), again.map(ofRows))
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
})
