import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { outcomeColumns, outcomeOf } from './outcome-rows.ts'

const HEADER = ['Prediction ID', 'subject', 'model', 'VALUE', 'happened-at', 'amount', 'currency', 'correction', 'note']

function read(row: Readonly<Record<string, string>>, model?: string): unknown {
  const columns = outcomeColumns(HEADER, model)
  return outcomeOf(
    columns,
    HEADER.map(name => row[name.toLowerCase().replaceAll(/[ -]/g, '_')] ?? ''),
    model,
  )
}

describe('rows of a table', () => {
  it('are outcomes by what their columns are named', () => {
    const all = { prediction_id: 'ABC', model: 'churn', value: 'TRUE', happened_at: '1970-01-01T00:00:01Z' }
    const money = { amount: '-2.5e1', currency: 'EUR', correction: '1', note: 'x' }
    assert.deepEqual(read({ ...all, ...money }), {
      ...{ predictionId: 'abc', model: 'churn', value: true, happenedAt: 1000 },
      ...{ amount: { amount: -25, currency: 'EUR' }, correction: true },
    })
    assert.deepEqual(outcomeColumns(HEADER, undefined).ignored, ['note'])
    const subject = { subject: 'customer-17', value: '0.5', happened_at: '1970-01-01' }
    const wanted = { subject: 'customer-17', model: 'churn', value: 0.5, happenedAt: 0, happenedUntil: 86_399_999 }
    assert.deepEqual(read(subject, 'churn'), wanted)
    assert.deepEqual(read({ prediction_id: 'a', value: 'gold' }), { predictionId: 'a', value: 'gold' })
  })

  it('say what is wrong with them', () => {
    const table: readonly (readonly [row: Readonly<Record<string, string>>, wanted: RegExp])[] = [
      [{ value: '1' }, /neither prediction_id nor subject/],
      [{ prediction_id: 'a', subject: 'b', value: '1' }, /wanted one of them/],
      [{ prediction_id: 'a' }, /value is empty/],
      [{ prediction_id: 'a', value: '1', happened_at: 'soon' }, /happened_at is no time/],
      [{ subject: 'a', value: '1', model: 'm' }, /happened_at is empty: by it/],
      [{ subject: 'a', value: '1', happened_at: '5' }, /model is empty/],
      [{ subject: 'a'.repeat(257), value: '1', happened_at: '5', model: 'm' }, /more than 256 characters/],
      [{ prediction_id: 'a', value: '1', amount: 'much', currency: 'EUR' }, /amount is no number/],
      [{ prediction_id: 'a', value: '1', amount: '5' }, /currency is no code/],
      [{ prediction_id: 'a', value: '1', currency: 'EUR' }, /amount is no number/],
      [{ prediction_id: 'a', value: '1', correction: 'maybe' }, /correction is neither/],
    ]
    for (const [row, wanted] of table) assert.match(String(read(row)), wanted)
    const columns = outcomeColumns(['prediction_id', 'value'], undefined)
    assert.match(String(outcomeOf(columns, undefined, undefined)), /quote that is not closed/)
    assert.match(String(outcomeOf(columns, ['a'], undefined)), /has 1 cells, wanted 2/)
  })

  it('need columns to be found by', () => {
    const refused = (header: readonly string[]): { code: string; message: RegExp } => ({
      code: 'invalid',
      message: header.length > 2 ? /two columns value/ : /there is no column/,
    })
    for (const header of [['value'], ['prediction_id'], ['subject', 'value'], ['prediction_id', 'value', 'Value']]) {
      assert.throws(() => outcomeColumns(header, undefined), refused(header), header.join())
    }
    assert.deepEqual(outcomeColumns(['subject', 'value'], 'churn').places, { subject: 0, value: 1 })
  })
})
