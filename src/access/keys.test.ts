import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../errors.ts'
import { LOCAL } from './access.ts'
import {
  EXPIRES_AT_MAX,
  hashSecret,
  idOfSecret,
  isSecretOf,
  judgeCreation,
  KEYS_MAX,
  type KeyInfo,
  makeSecret,
  type NewKey,
} from './keys.ts'
import { ROLE_NAMES, type Role } from './roles.ts'

const NOW = 1_790_000_000_000
const bytes38 = fc.uint8Array({ minLength: 38, maxLength: 38 })

function key(id: string, roles: readonly Role[], more: Partial<KeyInfo> = {}): KeyInfo {
  return { id, name: id, roles, createdAt: 0, createdBy: 'local', ...more }
}

function fieldsOf(run: () => unknown): string[] {
  try {
    run()
  } catch (error) {
    if (error instanceof Problem) return [error.code, ...error.fields.map(({ field }) => field)]
    throw error
  }
  return []
}

test('makeSecret() has the bytes it was given, and its id can be read from it', () => {
  fc.assert(
    fc.property(bytes38, given => {
      const { id, secret } = makeSecret(bytes => bytes.set(given))
      assert.equal(id, Buffer.from(given.subarray(0, 6)).toString('hex'))
      assert.equal(idOfSecret(secret), id)
      assert.deepEqual(new Uint8Array(Buffer.from(secret.slice(16), 'base64url')), given.subarray(6))
      assert.equal(secret.length, 59)
    }),
  )
})

test('idOfSecret() reads nothing from what is not of the form', () => {
  const { secret } = makeSecret(bytes => bytes.fill(171))
  for (const text of [
    '',
    secret.slice(1),
    `${secret}=`,
    `${secret}\n`,
    ` ${secret}`,
    secret.toUpperCase(),
    `${secret}A`,
  ]) {
    assert.equal(idOfSecret(text), undefined, text)
  }
})

test('hashSecret() is SHA-256; isSecretOf() knows the secret and no other', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      assert.equal(hashSecret(a), createHash('sha256').update(a, 'utf8').digest('hex'))
      assert.equal(isSecretOf(a, Buffer.from(hashSecret(b))), a.toWellFormed() === b.toWellFormed())
    }),
  )
  assert.ok(!isSecretOf('a', Buffer.alloc(0)))
})

test('judgeCreation() names every wrong field at once', () => {
  const admin = [key('a', ['admin'])]
  const judge = (more: Partial<NewKey>) =>
    fieldsOf(() => judgeCreation({ name: 'x', roles: ['viewer'], ...more }, admin, LOCAL, NOW))
  assert.deepEqual(judge({}), [])
  assert.deepEqual(judge({ name: ' ', roles: ['root'], expiresAt: 1.5 }), ['invalid', 'name', 'roles', 'expiresAt'])
  for (const name of ['', '\t', 'a\nb', '\u0000', '\ud800', 'x'.repeat(101)])
    assert.deepEqual(judge({ name }), ['invalid', 'name'])
  for (const roles of [[], ['viewer', 'root'], ['__proto__']]) assert.deepEqual(judge({ roles }), ['invalid', 'roles'])
  for (const expiresAt of [NOW, 0, -1, Number.NaN, Number.POSITIVE_INFINITY, EXPIRES_AT_MAX + 1]) {
    assert.deepEqual(judge({ expiresAt }), ['invalid', 'expiresAt'], String(expiresAt))
  }
  assert.deepEqual(judge({ name: 'Müller & Söhne', expiresAt: EXPIRES_AT_MAX }), [])
})

test('judgeCreation() gives nobody more than its creator has', () => {
  const admin = [key('a', ['admin'])]
  const by = (roles: readonly string[]) => ({ id: 'key:b', name: 'b', roles })
  const judge = (wanted: Role, creator: readonly string[]) =>
    fieldsOf(() => judgeCreation({ name: 'x', roles: [wanted] }, admin, by(creator), NOW))
  for (const role of ROLE_NAMES) {
    assert.deepEqual(judge(role, ['admin']), [])
    assert.deepEqual(judge(role, [role]), [])
    if (role !== 'admin') assert.deepEqual(judge('admin', [role]), ['forbidden'])
  }
  assert.deepEqual(judge('viewer', ['scientist']), [])
  assert.deepEqual(judge('scientist', ['viewer', 'service']), ['forbidden'])
})

test('judgeCreation() counts what is not revoked', () => {
  const many = Array.from({ length: KEYS_MAX }, (_, index) => key(String(index), ['admin']))
  const judge = (existing: readonly KeyInfo[]) =>
    fieldsOf(() => judgeCreation({ name: 'x', roles: ['viewer'] }, existing, LOCAL, NOW))
  assert.deepEqual(judge(many), ['conflict'])
  assert.deepEqual(judge([...many.slice(1), key('0', ['admin'], { revokedAt: 1 })]), [])
})
