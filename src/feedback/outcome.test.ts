import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { KnownOutcome } from '../ledger/lookup-question.ts'
import type { Task } from '../predictor/predictor.ts'
import { CLOCKS_APART_MS, type GivenOutcome, judgeOutcome, outcomeValue, readTime, type Verdict } from './outcome.ts'

const NOW = 1_790_000_000_000
const AT = NOW - 3_600_000
const PREDICTION = { id: 'p', at: AT, model: 'churn', version: '1.0.0' }

function versionOf(task: Task, outputs: readonly string[] = ['p']) {
  return { task, signature: { inputs: [], outputs: outputs.map(name => ({ name, type: 'number' as const })) } }
}

function judged(given: Partial<GivenOutcome>, current?: KnownOutcome, task: Task = 'binary'): Verdict {
  return judgeOutcome({ predictionId: 'p', value: true, ...given }, PREDICTION, versionOf(task), current, NOW)
}

/** Kind of the verdict, or the field at fault and its code. */
function said(verdict: Verdict): string {
  return verdict.kind === 'fault' ? `${verdict.fault.field} ${verdict.fault.code}` : verdict.kind
}

describe('what is thought of an outcome', () => {
  const known = { id: 'first', value: true, happenedAt: AT + 5, amount: { amount: 3, currency: 'EUR' } }

  it('by what was told before', () => {
    const table: readonly (readonly [
      given: Partial<GivenOutcome>,
      before: KnownOutcome | undefined,
      wanted: string,
    ])[] = [
      [{}, undefined, 'recorded'],
      [{ correction: true }, undefined, 'recorded'],
      [{}, known, 'repeated'],
      [{ value: 1 }, known, 'repeated'],
      [{ correction: true }, known, 'repeated'],
      [{ happenedAt: AT + 5, amount: known.amount }, known, 'repeated'],
      [{ value: false }, known, 'value conflict'],
      [{ happenedAt: AT + 6 }, known, 'value conflict'],
      [{ amount: { amount: 3, currency: 'USD' } }, known, 'value conflict'],
      [{ amount: { amount: 4, currency: 'EUR' } }, known, 'value conflict'],
      [{ happenedAt: AT + 5 }, { id: 'first', value: true }, 'value conflict'],
      [{ value: false, correction: true }, known, 'corrected'],
      [{ happenedAt: AT + 6, correction: true }, known, 'corrected'],
    ]
    for (const [given, before, wanted] of table)
      assert.equal(said(judged(given, before)), wanted, JSON.stringify(given))
    const corrected = judged({ value: 0, correction: true }, known)
    assert.deepEqual(corrected, { kind: 'corrected', value: false, corrects: 'first' })
    assert.deepEqual(judged({}, known), { kind: 'repeated', id: 'first' })
  })

  it('by when it is said to have happened', () => {
    const day = readTime(new Date(AT).toISOString().slice(0, 10))!
    const table: readonly (readonly [given: Partial<GivenOutcome>, wanted: string])[] = [
      [{ happenedAt: NOW + CLOCKS_APART_MS }, 'recorded'],
      [{ happenedAt: NOW + CLOCKS_APART_MS + 1 }, 'happenedAt invalid'],
      [{ happenedAt: AT - CLOCKS_APART_MS }, 'recorded'],
      [{ happenedAt: AT - CLOCKS_APART_MS - 1 }, 'happenedAt invalid'],
      // The day of the prediction may be any moment of it.
      [day, 'recorded'],
      [{ happenedAt: 0, happenedUntil: 86_399_999 }, 'happenedAt invalid'],
    ]
    for (const [given, wanted] of table) assert.equal(said(judged(given)), wanted, JSON.stringify(given))
  })

  it('by its model', () => {
    assert.equal(said(judged({ model: 'churn' })), 'recorded')
    assert.equal(said(judged({ model: 'other' })), 'model invalid')
  })

  it('by the task of the model', () => {
    const classes = versionOf('multiclass', ['gold', '2'])
    const table: readonly (readonly [value: number | boolean | string, version: typeof classes, kept: unknown])[] = [
      [1, versionOf('binary'), true],
      [false, versionOf('binary'), false],
      [2, versionOf('binary'), undefined],
      ['true', versionOf('binary'), undefined],
      [0.5, versionOf('regression'), 0.5],
      [true, versionOf('regression'), undefined],
      ['5', versionOf('regression'), undefined],
      [Number.NaN, versionOf('regression'), undefined],
      [7, versionOf('survival'), 7],
      [3, versionOf('ranking'), 3],
      ['gold', classes, 'gold'],
      [2, classes, '2'],
      ['lead', classes, undefined],
      [true, classes, undefined],
    ]
    for (const [value, version, kept] of table)
      assert.equal(outcomeValue(value, version), kept, `${value} ${version.task}`)
  })

  it('does not repeat texts, which may be anything', () => {
    const verdict = judged({ value: 'Mrs Miller' })
    assert.equal(JSON.stringify(verdict).includes('Miller'), false)
  })
})

describe('times as people and programs write them', () => {
  it('means the same in each form', () => {
    const table: readonly (readonly [text: string, at: string | undefined])[] = [
      ['2026-11-22T14:00:00Z', '2026-11-22T14:00:00.000Z'],
      ['2026-11-22 14:00', '2026-11-22T14:00:00.000Z'],
      ['2026-11-22T14:00:00.25+01:00', '2026-11-22T13:00:00.250Z'],
      ['2026-11-22', '2026-11-22T00:00:00.000Z'],
      ['2026-02-30', undefined],
      ['2026-13-01', undefined],
      ['22.11.2026', undefined],
      ['yesterday', undefined],
      ['-5', undefined],
      ['1.5', undefined],
      ['', undefined],
      ['9999999999999999', undefined],
      ['1969-12-31', undefined],
    ]
    for (const [text, at] of table) assert.equal(readTime(text)?.happenedAt, at && Date.parse(at), text)
    assert.deepEqual(readTime('1970-01-02'), { happenedAt: 86_400_000, happenedUntil: 2 * 86_400_000 - 1 })
  })

  it('reads back every moment', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), at => {
        assert.deepEqual(readTime(String(at)), { happenedAt: at })
        assert.deepEqual(readTime(new Date(at).toISOString()), { happenedAt: at })
      }),
    )
  })
})
