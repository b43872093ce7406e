/** docs/validation.md: its model.yaml is one. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseManifest } from '../../registry/manifest.ts'

test('the example is taken as it stands', () => {
  const text = readFileSync(new URL('../../../docs/validation.md', import.meta.url), 'utf8')
  const { validation } = parseManifest(/```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? '')
  assert.equal(validation?.comparison?.rule, 'not-worse')
  assert.deepEqual(validation?.calibration?.slope, [0.8, 1.25])
})
