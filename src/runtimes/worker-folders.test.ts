import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { makeFolder, removeAbandoned } from './worker-folders.ts'

test('what a server left behind that is no more is removed, and nothing else', t => {
  const ours = makeFolder()
  const gone = spawnSync(process.execPath, ['--version']).pid
  const theirs = ours.replace(`-${process.pid}-`, `-${gone}-`)
  const elsewhere = ours.replace('bellwether-python-', 'bellwether-python-another.machine-')
  for (const folder of [theirs, elsewhere]) mkdirSync(folder)
  t.after(() => {
    for (const folder of [ours, elsewhere]) rmSync(folder, { recursive: true })
  })
  removeAbandoned()
  assert.deepEqual([ours, theirs, elsewhere].map(existsSync), [true, false, true])
})
