import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Feature } from '../registry/signature.ts'
import { type Moved, reasonsOf } from './reasons.ts'

const feature = (name: string, more: Partial<Feature> = {}): Feature => ({
  name,
  type: 'number',
  nullable: true,
  sensitive: false,
  protected: false,
  ...more,
})
const moved = (of: Feature, value: Moved['value'], contribution: number, isTold = true): Moved => ({
  feature: of,
  value,
  isTold,
  contribution,
  effect: undefined,
})
const OUTPUT = { name: 'churn_probability' }
const textsOf = (...args: Parameters<typeof reasonsOf>): string[] => reasonsOf(...args).map(({ text }) => text)

describe('reasonsOf()', () => {
  const all = [
    moved(feature('balance', { unit: 'EUR' }), 1234567.891, -0.2),
    moved(feature('is_active', { type: 'boolean' }), true, 0.5),
    moved(feature('country', { type: 'string' }), 'Spain', -0.9),
    moved(feature('tenure'), undefined, 0.1),
    moved(feature('nothing'), 1, 0),
    moved(feature('age'), 42, 0.05, false),
  ]

  it('names the features that moved the answer most, first the most', () => {
    assert.deepEqual(textsOf(all, OUTPUT, undefined, 3), [
      'Country (Spain) lowers churn probability',
      'Is active (yes) raises churn probability',
      'Balance (1,234,570 EUR) lowers churn probability',
    ])
    assert.deepEqual(textsOf(all, OUTPUT, undefined, 100).slice(3), [
      'Tenure (missing) raises churn probability',
      'Age (not shown) raises churn probability',
    ])
  })

  it('does not tell a value that may not be told', () => {
    assert.ok(!JSON.stringify(reasonsOf(all, OUTPUT, { age: { raises: 'At {value}' } }, 10)).includes('42'))
  })

  it('uses the sentences of model.yaml, each where it fits', () => {
    const declared = { balance: { lowers: 'With {value} in hand people stay' }, country: { raises: 'Elsewhere' } }
    const [country, , balance] = textsOf(all, OUTPUT, declared, 3)
    assert.equal(country, 'Country (Spain) lowers churn probability')
    assert.equal(balance, 'With 1,234,570 EUR in hand people stay')
    assert.equal(
      textsOf([moved(feature('constructor'), '$&', 1)], OUTPUT, {}, 1)[0],
      'Constructor ($&) raises churn probability',
    )
    assert.equal(textsOf([moved(feature('a'), '$&', 1)], OUTPUT, { a: { raises: '{value}!' } }, 1)[0], '$&!')
  })
})
