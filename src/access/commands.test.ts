import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problem } from '../errors.ts'
import { expiryOf } from './commands.ts'

test('expiryOf() reads durations and moments', () => {
  assert.deepEqual(expiryOf('90d'), { expiresInMs: 90 * 86_400_000 })
  assert.deepEqual(expiryOf('12h'), { expiresInMs: 12 * 3_600_000 })
  assert.deepEqual(expiryOf('1m'), { expiresInMs: 60_000 })
  assert.deepEqual(expiryOf('2027-01-31'), { expiresAt: Date.UTC(2027, 0, 31) })
  assert.deepEqual(expiryOf('2027-01-31T12:30Z'), { expiresAt: Date.UTC(2027, 0, 31, 12, 30) })
  assert.deepEqual(expiryOf('2027-01-31T12:30:10+02:00'), { expiresAt: Date.UTC(2027, 0, 31, 10, 30, 10) })
})

test('expiryOf() refuses what could mean more than one thing, and says what it wants', () => {
  for (const text of [
    '',
    '90',
    '0d',
    '-1d',
    '1.5d',
    '1y',
    'tomorrow',
    '2027-01-31T12:30',
    '2027-13-01',
    '31.01.2027',
  ]) {
    assert.throws(
      () => expiryOf(text),
      (error: unknown) => error instanceof Problem && error.code === 'usage' && error.message.includes('90d'),
      text,
    )
  }
})
