import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyOf, momentOf } from './cell-numbers.ts'

test('keys tell texts apart', () => {
  const keys = new Set(Array.from({ length: 100_000 }, (_, index) => keyOf(`customer-${index}`)))
  assert.equal(keys.size, 100_000)
  assert.equal(keyOf('a'), keyOf('a'))
  assert.ok(Number.isSafeInteger(keyOf('')))
})

test('moments', () => {
  assert.equal(momentOf('2024-02-29'), Date.UTC(2024, 1, 29))
  assert.equal(momentOf('2024-02-29T10:30:15.25Z'), Date.UTC(2024, 1, 29, 10, 30, 15, 250))
  assert.equal(momentOf('2024-02-29 10:30'), Date.UTC(2024, 1, 29, 10, 30))
  assert.equal(momentOf('2024-02-29T10:30:00+02:00'), Date.UTC(2024, 1, 29, 8, 30))
  assert.equal(momentOf('2024-02-29T10:30:00-0530'), Date.UTC(2024, 1, 29, 16))
  assert.equal(momentOf('1700000000'), 1_700_000_000)
  for (const text of ['2023-02-29', '2024-13-01', '2024-01-01T25:00', 'soon', '']) {
    assert.ok(Number.isNaN(momentOf(text)), text)
  }
})
