import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExternalColumn } from '../predictor/external.ts'
import { encodeBatch, typesOf } from './python-columns.ts'

const COLUMNS: readonly ExternalColumn[] = [
  { name: 'a', type: 'float' },
  { name: 'b', type: 'int' },
  { name: 'c', type: 'bool' },
  { name: 'd', type: 'text', categories: ['x', 'y'] },
]

test('each column has its type and begins at a multiple of eight', () => {
  const calls = [Float64Array.of(1.5, -7, 1, 1), Float64Array.of(Number.NaN, 2 ** 53 - 1, 0, Number.NaN, 3, 0, 1, 0)]
  const { types, body, rows } = encodeBatch(COLUMNS, calls, 3)
  assert.equal(types, 'fibt')
  assert.equal(rows, 3)
  const view = new DataView(body.buffer)
  assert.equal(body.length, 24 + 24 + 8 + 16)
  assert.deepEqual(
    [0, 8, 16].map(at => view.getFloat64(at, true)),
    [1.5, Number.NaN, 3],
  )
  assert.deepEqual(
    [24, 32, 40].map(at => view.getBigInt64(at, true)),
    [-7n, 2n ** 53n - 1n, 0n],
  )
  assert.deepEqual([...body.subarray(48, 56)], [1, 0, 1, 0, 0, 0, 0, 0])
  assert.deepEqual(
    [56, 60, 64].map(at => view.getInt32(at, true)),
    [1, -1, 0],
  )
  assert.equal(typesOf(COLUMNS), 'fibt')
})

test('a gap, or what is no whole number, makes a column one of floats', () => {
  const { types, body } = encodeBatch(COLUMNS, [Float64Array.of(0, Number.NaN, 0.5, Number.NaN)], 1)
  assert.equal(types, 'ffft')
  assert.ok(Number.isNaN(new DataView(body.buffer).getFloat64(8, true)))
})
