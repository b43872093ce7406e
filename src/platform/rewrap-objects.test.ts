import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openKeyring } from './crypto.ts'
import { openObjects } from './objects.ts'
import { temporaryFolder } from './temporary.suite.ts'

const LIMITS = { bytesMax: 10_000_000, what: 'the artifact' }
/** Of a file: magic, and the object's own key, sealed. */
const HEADER_BYTES = 4 + 61

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

test('keys of objects are sealed anew; what they encrypt is not touched', async t => {
  const folder = temporaryFolder(t)
  const keyring = await openKeyring(folder)
  const objects = openObjects(folder, keyring)
  const contents = Array.from({ length: 300 }, (_, at) => Buffer.from(`object ${at} `.repeat(at)))
  const names: string[] = []
  for (const content of contents) names.push((await objects.put(once(content), LIMITS)).sha256)
  const fileOf = (name: string): string => join(folder, 'objects', name.slice(0, 2), name.slice(2))
  const before = names.map(name => readFileSync(fileOf(name)))
  assert.deepEqual(await objects.rewrap(), { rewrapped: 0, damaged: [] })

  keyring.rotation.begin()
  assert.deepEqual(await objects.rewrap(), { rewrapped: names.length, damaged: [] })
  assert.deepEqual(await objects.rewrap(), { rewrapped: 0, damaged: [] })
  keyring.rotation.end()

  for (const objectsNow of [objects, openObjects(folder, await openKeyring(folder))]) {
    for (const [at, name] of names.entries()) {
      const now = readFileSync(fileOf(name))
      assert.ok(now.subarray(HEADER_BYTES).equals(before[at]!.subarray(HEADER_BYTES)), 'not encrypted again')
      assert.ok(!now.subarray(0, HEADER_BYTES).equals(before[at]!.subarray(0, HEADER_BYTES)))
      assert.deepEqual(Buffer.from(await objectsNow.bytes(name)), contents[at])
    }
  }
  assert.ok(!existsSync(join(folder, 'objects', 'rewrap.journal')))
})

test('an object whose key nothing opens is told, and the others are changed', async t => {
  const folder = temporaryFolder(t)
  const keyring = await openKeyring(folder)
  const objects = openObjects(folder, keyring)
  const [damaged, whole] = [
    (await objects.put(once(Buffer.from('damaged')), LIMITS)).sha256,
    (await objects.put(once(Buffer.from('whole')), LIMITS)).sha256,
  ]
  const path = join(folder, 'objects', damaged.slice(0, 2), damaged.slice(2))
  const bytes = readFileSync(path)
  bytes[20]! ^= 1
  writeFileSync(path, bytes)
  keyring.rotation.begin()
  assert.deepEqual(await objects.rewrap(), { rewrapped: 1, damaged: [damaged] })
  assert.equal(Buffer.from(await objects.bytes(whole)).toString(), 'whole')
})

test('what a crash left half done is ended at the next start', async t => {
  const folder = temporaryFolder(t)
  const keyring = await openKeyring(folder)
  const { sha256 } = await openObjects(folder, keyring).put(once(Buffer.from('kept')), LIMITS)
  const path = join(folder, 'objects', sha256.slice(0, 2), sha256.slice(2))
  const sealed = readFileSync(path).subarray(4, HEADER_BYTES)
  keyring.rotation.begin()
  const made = keyring.rewrap('objects', sealed, sha256)!
  // The journal was written, and of the header a half.
  const journal = { [sha256]: [sealed.toString('base64'), made.toString('base64')] }
  writeFileSync(join(folder, 'objects', 'rewrap.journal'), JSON.stringify(journal))
  const torn = readFileSync(path)
  made.copy(torn, 4, 0, 30)
  writeFileSync(path, torn)
  const objects = openObjects(folder, await openKeyring(folder))
  assert.equal(Buffer.from(await objects.bytes(sha256)).toString(), 'kept')
  assert.ok(!existsSync(join(folder, 'objects', 'rewrap.journal')))
})
