import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchPolicy } from './batch-policy.ts'

const LIMITS = { rowsMax: 100, waitMs: 5, timeoutMs: 1000 }

test('waits only where more are likely to come in time, and never for a full batch', () => {
  const policy = batchPolicy(LIMITS)
  assert.equal(policy.waitMs(1, 0, 0), 0, 'nothing is known of what comes')
  policy.came(1, 0)
  policy.came(1, 1000)
  assert.equal(policy.waitMs(1, 1000, 1000), 0, 'one a second')
  for (let at = 1; at < 60; at++) policy.came(1, 1000 + at)
  assert.equal(policy.waitMs(1, 1059, 1059), 5, 'one a millisecond')
  assert.equal(policy.waitMs(1, 1059, 1062), 2)
  assert.equal(policy.waitMs(1, 1059, 1064.5), 0, 'less is left than the next takes to come')
  assert.equal(policy.waitMs(100, 1059, 1059), 0)
  assert.equal(batchPolicy({ ...LIMITS, waitMs: 0 }).waitMs(1, 0, 0), 0)
})

test('a batch is never larger than a quarter of its time limit bears', () => {
  const policy = batchPolicy(LIMITS)
  assert.equal(policy.rowsMax(), 100)
  policy.took(10, 10)
  assert.equal(policy.rowsMax(), 100, 'a millisecond each')
  for (let at = 0; at < 100; at++) policy.took(50, 50 * 10)
  assert.ok(policy.rowsMax() <= 26 && policy.rowsMax() >= 25, String(policy.rowsMax()))
  policy.took(1, 5000)
  assert.ok(policy.rowsMax() >= 1)
  const slow = batchPolicy(LIMITS)
  slow.took(1, 100_000)
  assert.equal(slow.rowsMax(), 1)
})
