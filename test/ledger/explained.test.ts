/** Kept explanations, in the journal and sealed: found by what moved an answer, and summed up. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { canonical } from '../../src/ledger/canonical.ts'
import { type LedgerWorld, ledgerWorld } from '../../src/ledger/ledger-world.suite.ts'
import type { OpenedLedger } from '../../src/ledger/open-ledger.ts'
import { parseWhere } from '../../src/ledger/where.ts'

let world: LedgerWorld
let ledger: OpenedLedger
const NUMBERS = [...Array(40).keys()]

/** The contribution to `a-b` of number n is n / 100, that to `a_b` the opposite: their columns' names clash. */
function record(number: number, version: string, more: object = {}): string {
  const contributions = { 'a-b': number / 100, a_b: -number / 100 }
  const kept = number % 2 === 0 ? { explanation: { bias: 0.5, contributions } } : {}
  world.clock.advance(1000)
  return canonical({
    ...{ kind: 'prediction', id: world.ids.next(), at: world.clock.now(), actor: 'local', door: 'rest' },
    ...{ model: 'm', version, requestId: 'r', latencyMs: 1, outputs: { p: number } },
    features: { 'a-b': number, a_b: `text ${number}` },
    ...kept,
    ...more,
  })
}

async function found(where: string, more: object = {}): Promise<number[]> {
  const { records } = await ledger.query({ where: parseWhere(where), limit: 100, order: 'oldest', ...more })
  return records.map(each => (each.kind === 'prediction' ? Number(each.outputs['p']) : Number.NaN))
}

before(async () => {
  world = await ledgerWorld()
  ledger = await world.open()
  // A segment whose columns come in another order, one without explanations, one with another method, and the journal.
  await ledger.append([record(8, '2.0.0', { explanation: { bias: 1, contributions: { a_b: 0.3, 'a-b': 0.2 } } })])
  await ledger.append(NUMBERS.slice(0, 10).map(number => record(number, '1.0.0')))
  await ledger.seal()
  await ledger.append(NUMBERS.slice(0, 10).map(number => record(number, '3.0.0', { explanation: undefined })))
  await ledger.seal()
  await ledger.append(NUMBERS.slice(10, 20).map(number => record(number, '1.0.0')))
  const lime = { explanation: { bias: 9, contributions: { 'a-b': 99 }, method: 'lime' } }
  await ledger.append([record(99, '1.0.0', lime)])
  await ledger.seal()
  await ledger.append(NUMBERS.slice(20).map(number => record(number, '1.0.0')))
})
after(() => world.close())

describe('a search by what moved an answer', () => {
  it('finds it sealed and in the journal, whatever its column is called', async () => {
    assert.deepEqual(await found('contribution.a-b > 0.15'), [
      8,
      16,
      18,
      99,
      ...NUMBERS.filter(n => n > 18 && n % 2 === 0),
    ])
    assert.deepEqual(await found('feature = a_b and contribution < -0.05 and contribution > -0.09'), [6, 8])
    assert.deepEqual(await found('contribution.a_b > 0.1'), [8])
    assert.deepEqual(await found('contribution.nothing > 0'), [])
  })

  it('goes together with other conditions, with order and pages', async () => {
    assert.deepEqual(await found('feature.a-b >= 6 and feature.a-b < 8', { version: '3.0.0' }), [6, 7])
    assert.deepEqual(await found("feature.a_b = 'text 30'"), [30])
    assert.deepEqual(await found('output.p = 7', { order: 'newest' }), [7, 7])
    const page = await ledger.query({ where: parseWhere('contribution.a-b > 0'), limit: 3, order: 'oldest' })
    assert.equal(page.records.length, 3)
    assert.deepEqual(await found('contribution.a-b > 0', { after: page.next }), [
      ...NUMBERS.filter(n => n > 4 && n < 20 && n % 2 === 0),
      99,
      ...NUMBERS.filter(n => n >= 20 && n % 2 === 0),
    ])
  })
})

describe('the sum of what is kept', () => {
  const question = { model: 'm', version: '1.0.0', since: 0, until: 8e15, features: ['a-b', 'a_b', 'c'], sampleMax: 12 }
  const even = NUMBERS.filter(n => n % 2 === 0)
  const sum = even.reduce((total, n) => total + n / 100, 0)

  it('counts explanations of the exact method, by feature', async () => {
    const { rows, features, sample } = await ledger.explained(question)
    assert.equal(rows, 20)
    for (const [at, wanted] of [sum, -sum].entries()) {
      assert.equal(features[at]!.rows, 20)
      assert.ok(Math.abs(features[at]!.sum - wanted) < 1e-12)
      assert.ok(Math.abs(features[at]!.sumOfSizes - sum) < 1e-12)
    }
    assert.deepEqual(features[2], { rows: 0, sum: 0, sumOfSizes: 0 })
    assert.equal(sample.length, 12)
    for (const { values, contributions } of sample) {
      assert.deepEqual(
        values,
        [contributions[0]! * 100, `text ${Math.round(contributions[0]! * 100)}`, null].map(round),
      )
      assert.deepEqual(contributions[2], null)
    }
    assert.deepEqual((await ledger.explained(question)).sample, sample, 'another sample of the same records')
    const all = await ledger.explained({ ...question, sampleMax: 1000 })
    assert.deepEqual(
      all.sample.map(({ contributions }) => Math.round(contributions[0]! * 100)).sort((a, b) => a - b),
      even,
    )
  })

  it('keeps to the time and the version', async () => {
    const { rows } = await ledger.explained({ ...question, until: 1 })
    assert.equal(rows, 0)
    assert.equal((await ledger.explained({ ...question, version: '3.0.0' })).rows, 0)
    const other = await ledger.explained({ ...question, version: '2.0.0' })
    assert.deepEqual([other.rows, other.features[0]?.sum, other.features[1]?.sum], [1, 0.2, 0.3])
  })
})

function round(value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1e9) / 1e9 : value
}
