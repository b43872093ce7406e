import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createFile, errorCode, isStorageFull, replaceFile } from './durable-file.ts'
import { temporaryFolder } from './temporary.suite.ts'

test('createFile() writes what is not there yet, and leaves alone what is', t => {
  const path = join(temporaryFolder(t), 'file')
  assert.equal(createFile(path, 'first'), true)
  assert.equal(createFile(path, 'second'), false)
  assert.equal(readFileSync(path, 'utf8'), 'first')
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('replaceFile() writes anew and over', t => {
  const path = join(temporaryFolder(t), 'file')
  replaceFile(path, 'first', 0o640)
  assert.equal(statSync(path).mode & 0o777, 0o640)
  replaceFile(path, Buffer.from('second'))
  assert.equal(readFileSync(path, 'utf8'), 'second')
})

test('neither leaves anything behind, also where it fails', t => {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'taken'))
  assert.throws(() => replaceFile(join(folder, 'taken'), 'x'))
  assert.equal(createFile(join(folder, 'taken'), 'x'), false)
  assert.throws(() => createFile(join(folder, 'none', 'x'), 'x'), { code: 'ENOENT' })
  assert.deepEqual(readdirSync(folder), ['taken'])
})

test('isStorageFull() knows a disk, a quota and a limit of the process', () => {
  const failed = (code: unknown): Error => Object.assign(new Error('x'), { code })
  assert.deepEqual(
    ['ENOSPC', 'EDQUOT', 'EFBIG', 'EACCES', 5, undefined].map(code => isStorageFull(failed(code))),
    [true, true, true, false, false, false],
  )
  assert.equal(isStorageFull('ENOSPC'), false)
  assert.equal(errorCode(failed('ENOENT')), 'ENOENT')
  assert.equal(errorCode(failed(5)), '')
})
