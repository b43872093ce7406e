/** Outcomes told in any order, one by one, in batches, at once, with a disk that is full at times: against a list that is gone through. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../../src/errors.ts'
import { type Intake, openIntake, type Teller } from '../../src/feedback/intake.ts'
import type { GivenOutcome } from '../../src/feedback/outcome.ts'
import { idOf, type LedgerWorld, ledgerWorld, predictionText } from '../../src/ledger/ledger-world.suite.ts'
import type { OpenedLedger } from '../../src/ledger/open-ledger.ts'
import type { OutcomeRecord } from '../../src/ledger/record.ts'
import type { Catalogue } from '../../src/registry/catalogue.ts'
import type { ModelVersion } from '../../src/registry/version.ts'

const BY: Teller = { actor: { id: 'key:2', name: 'crm', roles: ['service'] }, source: '' }
const VERSION = { task: 'binary', signature: { inputs: [], outputs: [] } } as unknown as ModelVersion
const CATALOGUE: Pick<Catalogue, 'has' | 'version'> = { has: model => model === 'churn', version: () => VERSION }
const PREDICTIONS = 4

interface Told {
  readonly prediction: number
  readonly value: boolean
  readonly correction: boolean
}

interface Call {
  readonly outcomes: readonly Told[]
  readonly isWhole: boolean
  readonly diskIsFull: boolean
}

const told = fc.record({
  prediction: fc.integer({ min: 0, max: PREDICTIONS }), // the last one is not there
  value: fc.boolean(),
  correction: fc.boolean(),
})
const call: fc.Arbitrary<Call> = fc.record({
  outcomes: fc.array(told, { minLength: 1, maxLength: 6 }),
  isWhole: fc.boolean(),
  diskIsFull: fc.constantFrom(false, false, false, true),
})

describe('outcomes taken in', () => {
  let world: LedgerWorld
  let ledger: OpenedLedger
  let isFull = false
  let running = 0
  let intake: Intake
  before(async () => {
    world = await ledgerWorld()
    ledger = await world.open()
    intake = openIntake({
      ledger: {
        lookUp: question => ledger.lookUp(question),
        append: async texts => {
          assert.equal(running, 1, 'what was written before is forgotten first')
          if (isFull) throw new Problem('storage_full', 'Cannot write: the disk is full')
          await ledger.append(texts)
        },
      },
      catalogue: CATALOGUE,
      pseudonyms: { subject: id => `of ${id}` },
      clock: world.clock,
      ids: world.ids,
      around: { before: async () => void running++, after: () => void running-- },
    })
  })
  after(() => world.close())

  async function predictions(): Promise<string[]> {
    const texts = Array.from({ length: PREDICTIONS }, (_, index) => predictionText(world, index))
    await ledger.append(texts)
    return [...texts.map(idOf), world.ids.next()]
  }

  const take = ({ outcomes, isWhole }: Call, ids: readonly string[]): Promise<readonly string[]> => {
    const given = outcomes.map(({ prediction, ...one }): GivenOutcome => ({ predictionId: ids[prediction]!, ...one }))
    const results = isWhole ? intake.takeAll(given, BY, true) : intake.takeGood(given, BY)
    return results.then(
      all => all.map(result => ('code' in result ? result.code : result.status)),
      error => [(error as Problem).code],
    )
  }

  /** One after the other, by the words of the decision. */
  function expected(values: Map<number, boolean>, { outcomes, isWhole, diskIsFull }: Call): readonly string[] {
    const next = new Map(values)
    const said = outcomes.map(({ prediction, value, correction }) => {
      if (prediction === PREDICTIONS) return 'not_found'
      const current = next.get(prediction)
      if (current === value) return 'repeated'
      if (current !== undefined && !correction) return 'conflict'
      next.set(prediction, value)
      return current === undefined ? 'recorded' : 'corrected'
    })
    const faults = new Set(said.filter(word => word === 'not_found' || word === 'conflict'))
    if (isWhole && faults.size > 0) return [faults.size === 1 ? [...faults][0]! : 'invalid']
    const writes = said.some(word => word === 'recorded' || word === 'corrected')
    if (diskIsFull && writes) return ['storage_full']
    for (const [prediction, value] of next) values.set(prediction, value)
    return said
  }

  it('says and keeps what a list would', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 6 }), async calls => {
        const ids = await predictions()
        const values = new Map<number, boolean>()
        for (const one of calls) {
          isFull = one.diskIsFull
          assert.deepEqual(await take(one, ids), expected(values, one))
        }
        isFull = false
        await checkKept(ids, values)
      }),
      { numRuns: 25 },
    )
  })

  it('says and keeps the same where all come at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 2, maxLength: 6 }), async calls => {
        const ids = await predictions()
        const values = new Map<number, boolean>()
        const calm = calls.map(one => ({ ...one, diskIsFull: false }))
        const answers = await Promise.all(calm.map(one => take(one, ids)))
        assert.deepEqual(
          answers,
          calm.map(one => expected(values, one)),
        )
        await checkKept(ids, values)
      }),
      { numRuns: 25 },
    )
  })

  async function checkKept(ids: readonly string[], values: ReadonlyMap<number, boolean>): Promise<void> {
    for (const [prediction, id] of ids.entries()) {
      const records = (await ledger.outcomesOf(id)) as OutcomeRecord[]
      assert.equal(records.at(-1)?.value, values.get(prediction))
      for (const [place, { corrects, value }] of records.entries()) {
        assert.equal(corrects, records[place - 1]?.id)
        assert.notEqual(value, records[place - 1]?.value, 'nothing is written twice')
      }
    }
  }

  it('refuses more than may wait', async () => {
    const many = Array.from({ length: 150_000 }, (): GivenOutcome => ({ predictionId: 'x', value: true }))
    const [first, second] = await Promise.allSettled([
      intake.takeGood(many, BY),
      intake.takeGood(many, BY),
      intake.takeGood(many, BY),
    ]).then(all => [all[0]!, all[2]!])
    assert.equal(first?.status, 'fulfilled')
    assert.equal(second?.status === 'rejected' && (second.reason as Problem).code, 'overloaded')
  })
})
