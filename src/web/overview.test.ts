import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inOrder, overviewModel, type ServiceSigns } from './overview.ts'

const LISTED = { name: 'churn', version: '1.0.0', versions: 2 }
const SERVICE: ServiceSigns = { state: 'ok', perSecond: 12, predictions: 900, series: [1, 2], p99Ms: 3, errorRate: 0 }

describe('a line of the overview', () => {
  test('nothing known is idle, and says so without numbers', () => {
    const line = overviewModel(LISTED, {})
    assert.equal(line.state, 'idle')
    assert.deepEqual(line.latency, {})
    assert.equal('errorRate' in line, false)
    assert.deepEqual(line.traffic, { perSecond: 0, predictions: 0, series: [] })
  })

  test('the state is the worst of its parts, and only bad parts give reasons', () => {
    const drift = { state: 'warning', feature: 'age', sentence: 'age is shifting' } as const
    const line = overviewModel(LISTED, { service: { ...SERVICE, sentence: 'All targets are met' }, drift })
    assert.equal(line.state, 'warning')
    assert.deepEqual(line.reasons, ['age is shifting'])
    const both = overviewModel(LISTED, { service: { ...SERVICE, state: 'alarm', sentence: 'p99 is 900 ms' }, drift })
    assert.deepEqual([both.state, both.reasons], ['alarm', ['p99 is 900 ms', 'age is shifting']])
  })

  test('a model that no version answers for says why', () => {
    const line = overviewModel({ name: 'churn', versions: 1 }, {})
    assert.equal(line.version, undefined)
    assert.equal(line.reasons.length, 1)
  })

  test('those that need somebody come first, like ones by name', () => {
    const lines = (['ok', 'alarm', 'idle', 'warning', 'ok'] as const).map((state, index) =>
      overviewModel({ ...LISTED, name: `m${9 - index}` }, { service: { ...SERVICE, state } }),
    )
    assert.deepEqual(
      inOrder(lines).map(({ name }) => name),
      ['m8', 'm6', 'm5', 'm9', 'm7'],
    )
  })
})
