import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { loadVerified } from './load-verified.ts'
import { stumpModel, TWO_FEATURES } from './stumps.suite.ts'

test('loadVerified() takes the bytes that were registered, and no others', () => {
  const bytes = stumpModel(TWO_FEATURES)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  assert.deepEqual(loadVerified(bytes, sha256).features, ['age', 'balance'])
  const other = stumpModel({ ...TWO_FEATURES, baseScore: 0.25 })
  assert.throws(() => loadVerified(other, sha256), { code: 'corrupt', message: /its SHA-256 is [0-9a-f]{64}, wanted/ })
})
