import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workerUrl } from './threads.ts'

test('workerUrl() finds the program beside its asker, in the source tree and in the published package', () => {
  assert.equal(workerUrl('file:///a/src/x/one.ts', './two').href, 'file:///a/src/x/two.ts')
  assert.equal(workerUrl('file:///a/dist/x/one.js', './two').href, 'file:///a/dist/x/two.js')
})
