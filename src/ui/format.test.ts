import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ago,
  answerText,
  decimals,
  duration,
  milliseconds,
  percent,
  perSecond,
  plain,
  plural,
  shortCount,
  span,
} from './format.ts'

const AT = Date.UTC(2026, 10, 22, 14, 5, 9)
const thin = (text: string): string => text.replaceAll('\u202f', ' ')

describe('numbers as people read them', () => {
  test('percentages: what is not nothing is not shown as nothing', () => {
    assert.deepEqual(
      [0, 0.5, 0.1234, 0.000001].map(value => thin(percent(value))),
      ['0.0 %', '50.0 %', '12.3 %', '< 0.1 %'],
    )
    assert.equal(percent(undefined), '–')
  })

  test('milliseconds in the unit that suits them', () => {
    const shown = [0.184, 12.34, 212.7, 61_000].map(value => thin(milliseconds(value)))
    assert.deepEqual(shown, ['0.18 ms', '12.3 ms', '213 ms', '61.0 s'])
  })

  test('rates, counts and words for them', () => {
    assert.deepEqual(
      [0, 0.25, 12.34, 1234].map(value => thin(perSecond(value))),
      ['0 /s', '0.25 /s', '12.3 /s', '1,234 /s'],
    )
    assert.deepEqual([9999, 12_345, 3_400_000].map(shortCount), ['9,999', '12.3k', '3.4M'])
    assert.deepEqual([plural(1, 'model'), plural(2, 'model')], ['1 model', '2 models'])
  })

  test('plain numbers keep three digits that mean something', () => {
    assert.deepEqual([0, 3, 0.0193, 0.123456, 12.345, 1234.5].map(plain), [
      '0',
      '3',
      '0.0193',
      '0.123',
      '12.3',
      '1,235',
    ])
    assert.equal(plain(0.00001234), '1.23e−5')
    assert.equal(decimals(-1.5, 2), '−1.50')
    assert.deepEqual([0.5, 3, true, 'gold'].map(answerText), ['0.500', '3', 'true', 'gold'])
  })

  test('times', () => {
    assert.equal(span(AT, AT + 3_600_000), 'Nov 22, 14:05–15:05')
    assert.equal(span(AT, AT + 2_000), 'Nov 22, 14:05:09–14:05:11')
    assert.equal(span(AT, AT + 86_400_000), 'Nov 22, 14:05 – Nov 23, 14:05')
    assert.deepEqual(
      [1_000, 42_000, 200_000, 7_200_000, 400_000_000].map(past => ago(AT - past, AT)),
      ['just now', '42 s ago', '3 min ago', '2 h ago', '4 days ago'],
    )
    assert.deepEqual([30_000, 2_700_000, 21_600_000, 604_800_000].map(duration), ['30 s', '45 min', '6 h', '7 days'])
  })
})
