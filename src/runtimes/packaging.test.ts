import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { packagingOf } from './packaging.ts'

/** A zip of empty files. */
function zip(...names: string[]): Uint8Array {
  const parts: Buffer[] = []
  const entries: Buffer[] = []
  let at = 0
  for (const name of names) {
    const local = Buffer.alloc(30 + name.length)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(name.length, 26)
    local.write(name, 30)
    const entry = Buffer.alloc(46 + name.length)
    entry.writeUInt32LE(0x02014b50, 0)
    entry.writeUInt16LE(name.length, 28)
    entry.writeUInt32LE(at, 42)
    entry.write(name, 46)
    parts.push(local)
    entries.push(entry)
    at += local.length
  }
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(names.length, 10)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...parts, ...entries, end])
}

const tar = Buffer.alloc(512)
tar.write('ustar', 257)

test('told from the bytes', () => {
  assert.equal(packagingOf(Buffer.from('\x80\x05\x95', 'latin1')), 'pickle')
  assert.equal(packagingOf(Buffer.from('\x80\x04\x95…joblib.numpy_pickle…', 'latin1')), 'joblib')
  for (const head of ['x\x9c', '\x1f\x8b', 'BZh', '\xfd7zXZ'])
    assert.equal(packagingOf(Buffer.from(head, 'latin1')), 'joblib')
  assert.equal(packagingOf(zip('schema.json', 'a.npy')), 'skops')
  assert.equal(packagingOf(zip('model/MLmodel', 'model/model.pkl')), 'mlflow')
  assert.equal(packagingOf(tar), 'mlflow')
  for (const other of ['', 'tree\n', '{"learner":{}}', '\x80\x06'])
    assert.equal(packagingOf(Buffer.from(other, 'latin1')), undefined)
  assert.equal(packagingOf(zip('archive/data.pkl')), undefined, 'a PyTorch file')
})

test('whatever the bytes, it answers', () => {
  const some = zip('schema.json', 'folder/MLmodel')
  fc.assert(
    fc.property(fc.nat(some.length), fc.nat(255), fc.nat(some.length), (at, byte, cut) => {
      const changed = Buffer.from(some)
      changed[at % changed.length] = byte
      packagingOf(changed)
      packagingOf(changed.subarray(0, cut))
    }),
    { numRuns: 1000 },
  )
})
