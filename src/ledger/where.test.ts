import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Problem } from '../errors.ts'
import { holds, parseWhere, sqlOf, type ValueCondition } from './where.ts'

const one = (text: string): ValueCondition => parseWhere(text)[0]!

describe('parseWhere()', () => {
  it('reads conditions, joined by and', () => {
    assert.deepEqual(parseWhere('contribution.balance > 0.1 and feature.age<=30 AND output.p != 1e-3'), [
      { of: 'contribution', name: 'balance', is: '>', value: 0.1 },
      { of: 'feature', name: 'age', is: '<=', value: 30 },
      { of: 'output', name: 'p', is: '!=', value: 0.001 },
    ])
  })

  it('reads a feature named before its contributions', () => {
    const wanted = [{ of: 'contribution', name: 'balance', is: '>', value: 0.1 }]
    assert.deepEqual(parseWhere('feature = balance and contribution > 0.1'), wanted)
    assert.deepEqual(parseWhere('  feature="balance" and contribution > .1 '), wanted)
    assert.deepEqual(parseWhere("feature = 'has card' and contribution < 0 and contribution > -1"), [
      { of: 'contribution', name: 'has card', is: '<', value: 0 },
      { of: 'contribution', name: 'has card', is: '>', value: -1 },
    ])
  })

  it('takes any name and any text, quoted', () => {
    assert.deepEqual(one('contribution."has ""card""" > 1').name, 'has "card"')
    assert.deepEqual(one('contribution.a.b > 1').name, 'a.b')
    assert.deepEqual(one("feature.country = 'Côte d''Ivoire'").value, "Côte d'Ivoire")
    assert.deepEqual(one('feature.country = Spain').value, 'Spain')
    assert.deepEqual(one('feature.active = true').value, true)
    assert.deepEqual(one('feature.code = "1"').value, '1')
  })

  it('says what it cannot understand', () => {
    const cases: readonly [string, RegExp][] = [
      ['', /is no condition/],
      ['contribution.balance', /"contribution.balance" is no condition/],
      ['contribution.balance > high', /compares with "high", wanted a number/],
      ['feature.country < "x"', /wanted a number/],
      ['contribution > 1', /is about contribution, wanted contribution.NAME/],
      ['feature = balance', /names a feature, and no contribution of it/],
      ['salary > 1', /is about salary/],
      ['constructor.x > 1', /is about constructor/],
      ['contribution.a > 1 or contribution.b > 1', /is no condition/],
      ['contribution.a > 1; drop table', /is no condition/],
      ['contribution.a > "', /cannot be read/],
      [`contribution.${'a'.repeat(5000)} > 1`, /characters/],
      [Array(30).fill('output.a > 1').join(' and '), /30 conditions/],
    ]
    for (const [text, wanted] of cases) {
      assert.throws(
        () => parseWhere(text),
        (error: unknown) => error instanceof Problem && error.code === 'invalid' && wanted.test(error.message),
        text,
      )
    }
  })
})

describe('a condition', () => {
  const record = {
    kind: 'prediction',
    features: { age: 42, country: 'Spain', active: true },
    outputs: { p: 0.25 },
    explanation: { bias: -1, contributions: { age: 0.5, balance: -0.1 } },
  }
  const ofClasses = { kind: 'prediction', explanation: { contributions: { yes: { age: 2 }, no: { age: -2 } } } }

  it('holds of what a record has, and of nothing that it has not', () => {
    const held = (text: string): boolean => holds(record, one(text))
    for (const text of [
      'contribution.age > 0.4',
      'contribution.balance = -0.1',
      'feature.age >= 42',
      'output.p < 0.3',
    ]) {
      assert.ok(held(text), text)
    }
    for (const text of ['feature.country = Spain', 'feature.active = true', 'feature.age != 41']) assert.ok(held(text))
    for (const text of [
      'contribution.tenure < 9',
      'feature.balance != 1',
      'feature.age = "42"',
      'output.toString > 0',
    ]) {
      assert.ok(!held(text), text)
    }
    assert.ok(!holds({ kind: 'refusal' }, one('contribution.age > 0')))
  })

  it('holds of a contribution to any of several margins', () => {
    assert.ok(holds(ofClasses, one('contribution.age > 1')) && holds(ofClasses, one('contribution.age < -1')))
    assert.ok(!holds(ofClasses, one('contribution.age > 3')))
  })

  it('becomes SQL that names columns and values as SQL takes them', () => {
    const columns = [
      { name: 'contribution_a_b', type: 'number', path: ['explanation', 'contributions', 'a"b'] },
      { name: 'feature_a_b', type: 'text', path: ['features', 'a"b'] },
    ] as const
    assert.equal(sqlOf(one(`contribution.'a"b' > -1.5e3`), columns), '("contribution_a_b" > -1500::DOUBLE)')
    assert.equal(sqlOf(one(`feature.'a"b' = "'; --"`), columns), `("feature_a_b" = '''; --')`)
    assert.equal(sqlOf(one('contribution.b > 1'), columns), undefined)
    assert.equal(sqlOf(one(`feature.'a"b' = 1`), columns), undefined)
  })
})
