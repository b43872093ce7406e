import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Problem } from '../errors.ts'
import type { CallContext } from './context.ts'
import { type Explaining, explainAsked, explainRows } from './explain-rows.ts'
import type { LoadedModel } from './lane.ts'
import type { Rows } from './signature.ts'

/** Each contribution is ten times the value; says how often it was asked. */
function explaining(): Explaining & { asked: number } {
  return {
    method: 'linear-shap',
    outputCount: 1,
    featureCount: 2,
    bias: Float64Array.of(0),
    bytes: 0,
    writer: { write: () => '', writeAll: () => '', writeSensitive: () => '' },
    scratch: new Float64Array(2),
    asked: 0,
    explain(rows, count, out) {
      this.asked += count
      for (let at = 0; at < count * 2; at++) out[at] = rows[at]! * 10
    },
  }
}

const rowsOf = (...values: readonly number[]): Rows => ({
  values: Float64Array.from(values),
  outputs: new Float64Array(values.length / 2),
  count: values.length / 2,
  single: values.length === 2,
})
const context = (explain: boolean): CallContext => ({
  subject: undefined,
  unit: undefined,
  purpose: undefined,
  traceId: undefined,
  isSampled: false,
  explain,
})

describe('explainRows()', () => {
  it('explains a single row at once, in room that is used again unless it is kept', () => {
    const by = explaining()
    const first = explainRows(by, rowsOf(1, 2), () => 0, false)
    assert.ok(!(first instanceof Promise))
    assert.deepEqual([...first.values], [10, 20])
    const kept = explainRows(by, rowsOf(3, 4), () => 0, true)
    assert.ok(!(kept instanceof Promise))
    assert.ok(!(explainRows(by, rowsOf(5, 6), () => 0, false) instanceof Promise))
    assert.deepEqual([...first.values], [50, 60])
    assert.deepEqual([...kept.values], [30, 40])
  })

  it('explains a batch row by row, and lets others have their turn', async () => {
    const by = explaining()
    let now = 0
    let isDone = false
    let turns = 0
    const other = (): void => {
      turns++
      if (!isDone) setImmediate(other)
    }
    setImmediate(other)
    const found = await explainRows(by, rowsOf(...Array(60).keys()), () => now++, false)
    isDone = true
    assert.equal(by.asked, 30)
    assert.deepEqual(
      [...found.values],
      Array.from({ length: 60 }, (_, at) => at * 10),
    )
    assert.ok(turns >= 10, `others had ${turns} turns`)
  })
})

describe('explainAsked()', () => {
  const model = (always: boolean, exact: boolean): LoadedModel => {
    const by = explaining()
    return {
      version: { model: 'm', version: '1.0.0' },
      explaining: always ? by : undefined,
      exact: () => (exact ? by : undefined),
    } as unknown as LoadedModel
  }
  const asked = (always: boolean, exact: boolean, explain: boolean) =>
    explainAsked(model(always, exact), rowsOf(1, 2), context(explain), () => 0)

  it('explains where the version always does, or the caller asks', () => {
    assert.equal(asked(false, true, false), undefined)
    for (const found of [asked(true, true, false), asked(true, true, true), asked(false, true, true)]) {
      assert.ok(found !== undefined && !(found instanceof Promise))
      assert.deepEqual([...found.values], [10, 20])
    }
  })

  it('refuses who asks where there is no exact way', () => {
    assert.equal(asked(false, false, false), undefined)
    assert.throws(
      () => asked(false, false, true),
      (error: unknown) => error instanceof Problem && error.code === 'invalid' && /estimates one/.test(error.message),
    )
  })
})
