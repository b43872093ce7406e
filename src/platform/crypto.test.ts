import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import fc from 'fast-check'
import { Problem, type ProblemCode } from '../errors.ts'
import { openKeyring, openSigner, SEAL_BYTES, verifySignature } from './crypto.ts'
import { temporaryFolder } from './temporary.suite.ts'

/** 00 01 02 … 1f. */
const MASTER = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='

const problem =
  (code: ProblemCode, pattern = /^Cannot /) =>
  (error: unknown): boolean =>
    error instanceof Problem && error.code === code && pattern.test(error.message)

test('derive() is HKDF-SHA256, and stays what it is', async t => {
  const keyring = await openKeyring(temporaryFolder(t), MASTER)
  // By Python's hmac: extract with a salt of zeros, expand with the info «bellwether/derive/subjects».
  const wanted = '7f00ed3abcc48b34854bd077c9afa14b5f6f90683665d1870c53cc069bde0971'
  assert.equal(keyring.derive('subjects').toString('hex'), wanted)
  keyring.derive('subjects').fill(0)
  assert.equal(keyring.derive('subjects').toString('hex'), wanted, 'each caller has a copy')
  assert.notEqual(keyring.derive('subject').toString('hex'), wanted)
})

test('open() opens what another AES-256-GCM sealed: the format stays what it is', async t => {
  const keyring = await openKeyring(temporaryFolder(t), MASTER)
  // By Python's cryptography: key from «bellwether/seal/objects», nonce 00 … 0b, additional data «context».
  const sealed = Buffer.from('01000102030405060708090a0baa3491573f21d7130a01e7642f1fd727005948f2b1', 'hex')
  assert.equal(keyring.open('objects', sealed, 'context').toString(), 'hello')
})

test('open() undoes seal(), and nothing else opens it', async t => {
  const keyring = await openKeyring(temporaryFolder(t), MASTER)
  const other = await openKeyring(temporaryFolder(t))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), fc.string(), (plaintext, purpose, context) => {
      const sealed = keyring.seal(purpose, plaintext, context)
      assert.equal(sealed.length, plaintext.length + SEAL_BYTES)
      assert.deepEqual([...keyring.open(purpose, sealed, context)], [...plaintext])
      assert.throws(() => keyring.open(`${purpose}.`, sealed, context), problem('corrupt'))
      assert.throws(() => keyring.open(purpose, sealed, `${context}.`), problem('corrupt'))
      assert.throws(() => other.open(purpose, sealed, context), problem('corrupt'))
      assert.notDeepEqual(keyring.seal(purpose, plaintext, context), sealed, 'a new nonce each time')
    }),
  )
})

test('open() finds every flipped bit and every cut', async t => {
  const keyring = await openKeyring(temporaryFolder(t), MASTER)
  const sealed = keyring.seal('test', Buffer.from('a secret'), 'here')
  for (let at = 0; at < sealed.length; at++) {
    const flipped = Buffer.from(sealed)
    flipped[at]! ^= 1 << (at % 8)
    assert.throws(() => keyring.open('test', flipped, 'here'), problem('corrupt'), `byte ${at}`)
    assert.throws(() => keyring.open('test', sealed.subarray(0, at), 'here'), problem('corrupt'), `cut at ${at}`)
  }
  assert.throws(() => keyring.open('test', Buffer.concat([sealed, Buffer.of(0)]), 'here'), problem('corrupt'))
})

test('a master key is made once, for its owner alone, and found again', async t => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'keys', 'master.key')
  const sealed = (await openKeyring(folder)).seal('x', Buffer.from('kept'))
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(statSync(join(folder, 'keys')).mode & 0o777, 0o700)
  assert.equal(Buffer.from(readFileSync(path, 'utf8'), 'base64').length, 32)
  assert.equal((await openKeyring(folder)).open('x', sealed).toString(), 'kept')
  assert.equal((await openKeyring(folder, readFileSync(path, 'utf8').trim())).open('x', sealed).toString(), 'kept')
  assert.deepEqual(readdirSync(join(folder, 'keys')).sort(), ['master.check', 'master.key'], 'nothing temporary stays')
})

test('a key file that others could read is closed again', async t => {
  const folder = temporaryFolder(t)
  await openKeyring(folder)
  chmodSync(join(folder, 'keys', 'master.key'), 0o644)
  await openKeyring(folder)
  assert.equal(statSync(join(folder, 'keys', 'master.key')).mode & 0o777, 0o600)
})

test('a master key that is wrong, lost or damaged is told at once', async t => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'keys', 'master.key')
  await openKeyring(folder)
  await assert.rejects(openKeyring(folder, MASTER), problem('misconfigured', /keys\.master .* not the master key/))
  for (const bad of ['', 'short', `${MASTER}=`, MASTER.slice(0, -4), 'A'.repeat(44)]) {
    await assert.rejects(openKeyring(folder, bad), problem('misconfigured', /wanted 32 bytes in base64$/))
  }
  const kept = readFileSync(path)
  writeFileSync(path, kept.subarray(0, 20))
  await assert.rejects(openKeyring(folder), problem('corrupt', /master\.key/))
  writeFileSync(path, `${MASTER}\n`)
  await assert.rejects(openKeyring(folder), problem('misconfigured', /not the master key/))
  rmSync(path)
  await assert.rejects(openKeyring(folder), problem('misconfigured', /is not there/))
  assert.throws(() => statSync(path), 'no new one is made over it')
  writeFileSync(path, kept, { mode: 0o600 })
  await openKeyring(folder)
})

test('processes that start together on a new folder come to have the same keys', async t => {
  const folder = temporaryFolder(t)
  const program = `
    import { openKeyring, openSigner } from '${new URL('./crypto.ts', import.meta.url)}'
    const keyring = await openKeyring(process.env.FOLDER)
    const signer = await openSigner(process.env.FOLDER, 'ledger', keyring)
    process.stdout.write(keyring.derive('x').toString('hex') + signer.keyId)`
  const started = Array.from({ length: 4 }, () => {
    const env = { ...process.env, FOLDER: folder }
    return spawn(process.execPath, ['--input-type=module', '-e', program], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  })
  const told = await Promise.all(started.map(child => text(child.stdout)))
  assert.equal(told[0]?.length, 64 + 16)
  assert.equal(new Set(told).size, 1)
})

test('a signer is made once, found again, and its private half is never on the disk in clear', async t => {
  const folder = temporaryFolder(t)
  const keyring = await openKeyring(folder)
  const signer = await openSigner(folder, 'ledger', keyring)
  const again = await openSigner(folder, 'ledger', keyring)
  const message = Buffer.from('head')
  assert.deepEqual(
    [again.keyId, again.publicKey, again.sign(message)],
    [signer.keyId, signer.publicKey, signer.sign(message)],
  )
  assert.notEqual((await openSigner(folder, 'release', keyring)).publicKey, signer.publicKey)
  const path = join(folder, 'keys', 'ledger.key')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const stored = Buffer.from(readFileSync(path, 'utf8'), 'base64')
  assert.equal(stored.includes(Buffer.from('302e020100300506032b6570', 'hex')), false, 'a PKCS8 header')
  stored[30]! ^= 1
  writeFileSync(path, stored.toString('base64'))
  await assert.rejects(openSigner(folder, 'ledger', keyring), problem('corrupt'))
})

test('verifySignature() accepts the signatures of RFC 8032 and no other', () => {
  // §7.1, tests 2 and 3.
  const vectors = [
    [
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
    [
      'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      'af82',
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ],
  ] as const
  const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')
  for (const [key, message, signature] of vectors) {
    const bytes = Buffer.from(message, 'hex')
    assert.ok(verifySignature(base64(key), bytes, base64(signature)))
    assert.ok(!verifySignature(base64(key), Buffer.concat([bytes, bytes]), base64(signature)))
    assert.ok(!verifySignature(base64(vectors[0][0]), Buffer.from('af82', 'hex'), base64(signature)))
    for (const [otherKey, otherSignature] of [
      ['', base64(signature)],
      [base64(key), ''],
      [`${base64(key)}\n`, base64(signature)],
      [base64(key), base64(`${signature}00`)],
      [base64(key), base64(signature).replace('=', '')],
      [base64(key.slice(2)), base64(signature)],
      ['not base64 at all', 'neither'],
    ] as const) {
      assert.equal(verifySignature(otherKey, bytes, otherSignature), false, `${otherKey} ${otherSignature}`)
    }
  }
})

test('verifySignature() finds every change of what was signed, of the signature and of the key', async t => {
  const folder = temporaryFolder(t)
  const signer = await openSigner(folder, 'test', await openKeyring(folder))
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.nat(), (bytes, at) => {
      const signature = signer.sign(bytes)
      assert.ok(verifySignature(signer.publicKey, bytes, signature))
      const flip = (base64: string): string => {
        const raw = Buffer.from(base64, 'base64')
        raw[at % raw.length]! ^= 1 << (at % 8)
        return raw.toString('base64')
      }
      const changed = Uint8Array.from(bytes)
      changed[at % bytes.length]! ^= 1 << (at % 8)
      assert.ok(!verifySignature(signer.publicKey, changed, signature))
      assert.ok(!verifySignature(signer.publicKey, bytes, flip(signature)))
      assert.ok(!verifySignature(flip(signer.publicKey), bytes, signature))
    }),
  )
})
