/** What is counted of the ledger's records, against the definition, record by record, and against DuckDB's own histogram. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { canonical } from '../../src/ledger/canonical.ts'
import type { CountedColumn, CountedWindow } from '../../src/ledger/count-question.ts'
import { openDuck } from '../../src/ledger/duck.ts'
import { type LedgerWorld, ledgerWorld, START_AT } from '../../src/ledger/ledger-world.suite.ts'
import type { OpenedLedger } from '../../src/ledger/open-ledger.ts'

const WINDOW_MS = 60_000
const LATENCY_LOWERS = [0, 0.1, 0.2, 0.5]

const COLUMNS: readonly CountedColumn[] = [
  { path: ['features', 'balance'], kind: 'numeric', lowers: [-1, 0, 5e-324, 2.5, 100], maximum: 1000 },
  { path: ['features', 'active'], kind: 'numeric', lowers: [0, 1], maximum: 1 },
  { path: ['features', 'Länd "er'], kind: 'categorical', categories: ['France', 'Spain', "d'Or", 'a\0b'] },
  { path: ['features', 'never'], kind: 'numeric', lowers: [], maximum: 0 },
  { path: ['outputs', 'p'], kind: 'numeric', lowers: [0, 0.25, 0.5], maximum: 0.75 },
]

type Made = Readonly<Record<string, unknown>>

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -2, max: 1100, noNaN: true }),
  fc.constantFrom(0, -0, 5e-324, -5e-324, -1, 2.5, 100, 1000, 1000.0000000000001, 0.1, 0.25, 0.75),
)
const features = fc.record(
  {
    balance: fc.oneof({ weight: 9, arbitrary: number }, fc.boolean(), fc.constant('text')),
    active: fc.oneof(fc.boolean(), fc.boolean(), fc.constantFrom(0, 1, 2)),
    'Länd "er': fc.oneof(fc.constantFrom('France', 'Spain', "d'Or", 'a\0b', 'Atlantis'), fc.constant(3)),
  },
  { requiredKeys: [], noNullPrototype: true },
)
const at = fc.nat(5 * WINDOW_MS).map(ms => START_AT + ms)
const prediction = fc.record(
  {
    kind: fc.constant('prediction'),
    at,
    features,
    outputs: fc.record({ p: number }, { noNullPrototype: true }),
    latencyMs: fc.nat(1000).map(us => us / 1000),
    row: fc.integer({ min: 1, max: 3 }),
    later: fc.constant('what a later program wrote'),
  },
  { requiredKeys: ['kind', 'at', 'features', 'outputs', 'latencyMs'], noNullPrototype: true },
)
const refusal = fc.record(
  {
    kind: fc.constant('refusal'),
    at,
    code: fc.constantFrom('invalid', 'failed'),
    count: fc.integer({ min: 1, max: 9 }),
  },
  { noNullPrototype: true },
)
const records = fc.array(fc.oneof({ weight: 5, arbitrary: prediction }, refusal), { maxLength: 60 })

/** As the documentation says it, one record after the other. */
function countedByDefinition(model: string, version: string, made: readonly Made[]): CountedWindow[] {
  const windows = Map.groupBy(made, record => Math.floor((record['at'] as number) / WINDOW_MS) * WINDOW_MS)
  return [...windows]
    .sort(([a], [b]) => a - b)
    .map(([from, inWindow]) => {
      const predictions = inWindow.filter(({ kind }) => kind === 'prediction')
      const refusals: Record<string, number> = {}
      for (const { kind, code, count } of inWindow) {
        if (kind === 'refusal') refusals[code as string] = (refusals[code as string] ?? 0) + (count as number)
      }
      const latency = new Float64Array(LATENCY_LOWERS.length)
      for (const { latencyMs } of predictions)
        latency[LATENCY_LOWERS.findLastIndex(low => low <= (latencyMs as number))]!++
      const columns = COLUMNS.map(column => {
        const slots = new Float64Array(
          column.kind === 'numeric' ? column.lowers.length + 3 : column.categories.length + 2,
        )
        for (const record of predictions) {
          const [member, name] = column.path
          slots[slotByDefinition(column, (record[member] as Made)[name], slots.length)]!++
        }
        return slots
      })
      const invocations = predictions.filter(({ row }) => row === undefined).length
      return { model, version, from, rows: predictions.length, invocations, refusals, latency, columns }
    })
}

function slotByDefinition(column: CountedColumn, value: unknown, slots: number): number {
  if (column.kind === 'categorical') {
    if (typeof value !== 'string') return slots - 1
    const index = column.categories.indexOf(value)
    return index === -1 ? slots - 2 : index
  }
  if (typeof value !== 'number' && typeof value !== 'boolean') return slots - 1
  const asNumber = Number(value)
  if (column.lowers.length === 0 || asNumber > column.maximum) return slots - 2
  return asNumber < column.lowers[0]! ? slots - 3 : column.lowers.findLastIndex(lower => lower <= asNumber)
}

describe('counts of the ledger', () => {
  let world: LedgerWorld
  let ledger: OpenedLedger
  before(async () => {
    world = await ledgerWorld()
    ledger = await world.open({ engineThreads: 2 })
  })
  after(() => world.close())

  const textOf = (record: Made, version: string): string => {
    const common = { id: world.ids.next(), actor: 'local', model: 'churn', requestId: 'r', door: 'http' }
    return canonical({ ...common, ...record, ...(version === '' ? {} : { version }) })
  }
  const everything = { since: 0, until: 8.64e15, before: Number.MAX_SAFE_INTEGER }
  const counted = (version: string, range = everything) =>
    ledger.counts({
      ...range,
      windowMs: WINDOW_MS,
      latencyLowers: LATENCY_LOWERS,
      targets: [{ model: 'churn', version, columns: COLUMNS }],
    })

  it('are those of the definition, sealed or not, in any range of time and of the log', async () => {
    let run = 0
    const range = fc.record({ since: fc.nat(5 * WINDOW_MS), until: fc.nat(6 * WINDOW_MS), before: fc.nat(60) })
    await fc.assert(
      fc.asyncProperty(records, fc.nat(60), range, async (made, sealed, { since, until, before }) => {
        const version = `1.0.${run++}`
        const first = ledger.size
        await ledger.append(made.slice(0, sealed).map(record => textOf(record, version)))
        await ledger.seal()
        await ledger.append(made.slice(sealed).map(record => textOf(record, version)))
        assert.deepEqual(await counted(version), countedByDefinition('churn', version, made))
        const part = { since: START_AT + since, until: START_AT + until, before: first + before }
        const within = made
          .slice(0, before)
          .filter(record => (record['at'] as number) >= part.since && (record['at'] as number) < part.until)
        assert.deepEqual(await counted(version, part), countedByDefinition('churn', version, within))
        const seen = await ledger.seenVersions({ ...everything, before: Number.MAX_SAFE_INTEGER })
        assert.equal(
          seen.some(other => other.version === version),
          made.length > 0,
        )
      }),
      { numRuns: 40 },
    )
  })

  it('of refusals that name no version are asked for by an empty one', async () => {
    const refused = { kind: 'refusal', at: START_AT, code: 'unauthenticated', count: 4 }
    await ledger.append([textOf(refused, '')])
    await ledger.seal()
    await ledger.append([textOf({ ...refused, count: 3 }, '')])
    const [window, ...others] = await counted('')
    assert.deepEqual(others, [])
    assert.deepEqual([window!.rows, window!.refusals], [0, { unauthenticated: 7 }])
  })

  it('are what one GROUP BY of a SQL engine makes of the Parquet files', async () => {
    const version = '2.0.0'
    const values = [-3, -1, -0, 0, 5e-324, 1, 2.5, 99, 100, 1000, 1000.0000000000001, 1e6]
    const made = values.map(balance => ({
      kind: 'prediction',
      at: START_AT,
      features: { balance },
      outputs: { p: 0.5 },
      latencyMs: 0.3,
    }))
    await ledger.append(made.map(record => textOf(record, version)))
    await ledger.seal()
    const [window] = await counted(version)
    // Bins of DuckDB hold their upper bound: of negated values and bounds, that is the lower one. Above 1000 is from the next double on.
    const lowers = [-1, 0, 5e-324, 2.5, 100, 1000.0000000000001]
    const duck = await openDuck({ memory: '128MB', threads: 1 })
    const rows = await duck.use(async connection => {
      const bounds = lowers.toReversed().map(bound => `${-bound === 0 ? '0.0' : (-bound).toExponential()}`)
      const reader = await connection.runAndReadAll(
        `SELECT map_values(histogram(-feature_balance, [${bounds.join(', ')}]::DOUBLE[]))::VARCHAR ` +
          `FROM read_parquet('${world.folder}/kind=prediction/model=churn/**/*-${version}.parquet')`,
      )
      return reader.getRows()
    })
    duck.close()
    const [above, ...bins] = JSON.parse(rows[0]![0] as string) as number[]
    const below = bins.length > 5 ? bins.pop() : 0
    assert.deepEqual([...window!.columns[0]!], [...bins.toReversed(), below, above, 0])
  })

  it('of more windows than memory should hold are refused', async () => {
    const question = { ...everything, windowMs: 1, latencyLowers: LATENCY_LOWERS }
    const categories = Array.from({ length: 100_000 }, (_, index) => `c${index}`)
    const columns: CountedColumn[] = [{ path: ['features', 'many'], kind: 'categorical', categories }]
    const version = '3.0.0'
    const made = { kind: 'prediction', features: { many: 'c99999' }, outputs: {}, latencyMs: 0.3 }
    await ledger.append(Array.from({ length: 300 }, (_, ms) => textOf({ ...made, at: START_AT + ms }, version)))
    const targets = [{ model: 'churn', version, columns }]
    const [window] = await ledger.counts({ ...question, windowMs: WINDOW_MS, targets })
    assert.equal(window!.columns[0]![99_999], 300)
    await assert.rejects(ledger.counts({ ...question, targets }), { code: 'too_large' })
  })
})
