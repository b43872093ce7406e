import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalLower } from './normal.ts'
import { normalLowerFast } from './normal-fast.ts'

test('the fast normal distribution is the exact one to 14 decimals, and to 8 digits in its lower tail', () => {
  for (let z = -38; z <= 38; z += 0.0137) {
    const exact = normalLower(z)
    const off = Math.abs(normalLowerFast(z) - exact)
    assert.ok(off < 1e-14, `${z}: ${off}`)
    if (z < 0 && z > -7) assert.ok(off < 1e-8 * exact, `${z}: ${off / exact}`)
  }
  assert.deepEqual([normalLowerFast(-Infinity), normalLowerFast(Infinity), normalLowerFast(0)], [0, 1, 0.5])
})
