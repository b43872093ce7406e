import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Problem, type ProblemCode } from '../errors.ts'
import { openKeyring, openSigner } from './crypto.ts'
import { temporaryFolder } from './temporary.suite.ts'

const problem =
  (code: ProblemCode, pattern = /^Cannot /) =>
  (error: unknown): boolean =>
    error instanceof Problem && error.code === code && pattern.test(error.message)

const fresh = (): string => randomBytes(32).toString('base64')

test('a master key is changed: the old one opens nothing more, and what is derived stays', async t => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'keys', 'master.key')
  const keyring = await openKeyring(folder)
  const before = readFileSync(file, 'utf8')
  const [sealed, derived] = [keyring.seal('x', Buffer.from('kept'), 'c'), keyring.derive('subjects')]
  assert.equal(keyring.rewrap('x', sealed, 'c'), undefined, 'it is sealed by the newest')

  keyring.rotation.begin()
  assert.equal(keyring.open('x', sealed, 'c').toString(), 'kept', 'the old one opens meanwhile')
  const made = keyring.rewrap('x', sealed, 'c')!
  assert.equal(keyring.rewrap('x', made, 'c'), undefined)
  assert.throws(() => keyring.rewrap('x', made, 'd'), problem('corrupt'))
  keyring.rotation.end()

  assert.notEqual(readFileSync(file, 'utf8'), before)
  for (const ring of [keyring, await openKeyring(folder)]) {
    assert.equal(ring.open('x', made, 'c').toString(), 'kept')
    assert.throws(() => ring.open('x', sealed, 'c'), problem('corrupt'))
    assert.deepEqual(ring.derive('subjects'), derived)
  }
  writeFileSync(file, before)
  await assert.rejects(openKeyring(folder), problem('misconfigured', /is not the master key/))
})

test('a change that was broken off is ended by doing it again, with the same key', async t => {
  const folder = temporaryFolder(t)
  const sealed = (await openKeyring(folder)).seal('x', Buffer.from('kept'))
  const first = await openKeyring(folder)
  first.rotation.begin()
  const [key, old] = readFileSync(join(folder, 'keys', 'master.key'), 'utf8')
    .trim()
    .split('\n')
  assert.ok(old !== undefined)
  // The process died here.
  const second = await openKeyring(folder)
  second.rotation.begin()
  const made = second.rewrap('x', sealed)!
  second.rotation.end()
  assert.equal(readFileSync(join(folder, 'keys', 'master.key'), 'utf8').trim(), key)
  assert.equal((await openKeyring(folder)).open('x', made).toString(), 'kept')
})

test('keys of the configuration are changed by their owner: the new one and the old one, then the new one alone', async t => {
  const folder = temporaryFolder(t)
  const [old, next] = [fresh(), fresh()]
  const keyring = await openKeyring(folder, old)
  const signer = await openSigner(folder, 'ledger', keyring)
  const [sealed, derived] = [keyring.seal('x', Buffer.from('kept')), keyring.derive('subjects')]

  await assert.rejects(openKeyring(folder, next), problem('misconfigured', /keys\.master of the configuration/))
  await assert.rejects(openKeyring(folder, `${next},${old.slice(1)}`), problem('misconfigured'))
  const both = await openKeyring(folder, `${next},${old}`)
  both.rotation.begin()
  const made = both.rewrap('x', sealed)!
  both.rotation.end()
  assert.equal(both.open('x', sealed).toString(), 'kept', 'the old one is not ours to forget')
  assert.equal((await openSigner(folder, 'ledger', both)).keyId, signer.keyId)

  const alone = await openKeyring(folder, next)
  assert.equal(alone.open('x', made).toString(), 'kept')
  assert.deepEqual(alone.derive('subjects'), derived)
  await assert.rejects(openKeyring(folder, fresh()), problem('misconfigured', /is not the master key/))
})

test('several keys in one change: the third is reached from the first', async t => {
  const folder = temporaryFolder(t)
  const keyring = await openKeyring(folder)
  const derived = keyring.derive('subjects')
  let sealed = keyring.seal('x', Buffer.from('kept'))
  for (let turn = 0; turn < 3; turn++) {
    keyring.rotation.begin()
    sealed = keyring.rewrap('x', sealed)!
    keyring.rotation.end()
  }
  const last = await openKeyring(folder)
  assert.equal(last.open('x', sealed).toString(), 'kept')
  assert.deepEqual(last.derive('subjects'), derived)
})
