import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../../errors.ts'
import { parseFilter, parseOrder } from './filter.ts'

test('a filter is read as the grammar has it', () => {
  assert.deepEqual(parseFilter(`metrics."a b" >= -1.5e-3 and params.lr = '0.1' AND tags.\`x.y\` ILIKE '%it''s%'`), [
    { kind: 'metric', key: 'a b', operator: '>=', value: -0.0015 },
    { kind: 'param', key: 'lr', operator: '=', value: '0.1' },
    { kind: 'tag', key: 'x.y', operator: 'ILIKE', value: "%it's%" },
  ])
  assert.deepEqual(parseFilter(`run_id NOT IN ('a', 'b') AND tags.t IS NOT NULL AND dataset.name LIKE "d%"`), [
    { kind: 'attribute', key: 'run_id', operator: 'NOT IN', value: ['a', 'b'] },
    { kind: 'tag', key: 't', operator: 'IS NOT NULL', value: undefined },
    { kind: 'dataset', key: 'name', operator: 'LIKE', value: 'd%' },
  ])
  assert.deepEqual(parseFilter(' '), [])
  assert.deepEqual(parseOrder('metrics.`a b` DESC'), { kind: 'metric', key: 'a b', isDescending: true })
  assert.deepEqual(parseOrder('start_time'), { kind: 'attribute', key: 'start_time', isDescending: false })
})

test('what the grammar has not is refused', () => {
  for (const text of ['a', 'a =', "a = 'x' OR b = 'y'", 'a IN ()', "a = 'x", 'x.y.z', 'a is', '(a = 1)', 'a = 1; drop'])
    assert.throws(() => parseFilter(text), Problem, text)
})

test('whatever is asked, it is read or refused', () => {
  const part = fc.constantFrom(
    'metrics.',
    'a',
    ' ',
    "'",
    '"',
    '`',
    '=',
    '!=',
    ' AND ',
    ' IN ',
    '(',
    ')',
    ',',
    '1e9',
    ' IS NULL',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), parts => {
      try {
        parseFilter(parts.join(''))
      } catch (error) {
        assert.ok(error instanceof Problem)
      }
    }),
  )
})
