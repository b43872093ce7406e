/** Tokens of an issuer beside API keys: whose are taken, for how long, and what becomes of them when its keys turn round. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { SignJWT } from 'jose'
import { isToken, type Tokens } from '../../src/access/token.ts'
import { tokenSettings } from '../../src/access/token-settings.ts'
import { openTokens } from '../../src/access/tokens.ts'
import { Problem } from '../../src/errors.ts'
import { manualClock } from '../../src/platform/clock.ts'
import type { Actor } from '../../src/route.ts'
import { AUDIENCE, type Issuer, openIssuer } from './issuer.ts'

const NOW = Date.now()
const clock = manualClock(NOW)
let issuer: Issuer
before(async () => {
  issuer = await openIssuer(clock.now)
})
after(() => issuer.close())

const DEFAULTS = { algorithms: 'RS256,ES256', clockSkewMs: 30_000, rolesClaim: 'roles', roles: '' }

function tokens(more: Partial<Parameters<typeof tokenSettings>[0]> = {}): Tokens {
  const settings = tokenSettings({ ...DEFAULTS, issuer: issuer.url, audience: AUDIENCE, ...more })!
  return openTokens({ settings, clock, pseudonym: subject => `p${subject.length}` })
}

async function judge(taken: Tokens, token: string): Promise<Actor> {
  assert.ok(isToken(token))
  await taken.judged(token)
  return taken.actor(token)
}

const refused =
  (words: RegExp, code = 'unauthenticated') =>
  (error: unknown): boolean => {
    assert.ok(error instanceof Problem && error.code === code, String(error))
    assert.match(error.message, words)
    return true
  }

describe('a token', () => {
  it('names a caller by a pseudonym and gives its roles, and is judged once a minute', async () => {
    const taken = tokens()
    const token = await issuer.token({ preferred_username: 'Ann' })
    const asked = issuer.asked()
    const actor = await judge(taken, token)
    assert.deepEqual({ ...actor }, { id: `user:p${issuer.url.length + 16}`, name: 'Ann', roles: ['service'] })
    assert.equal(taken.judged(token), undefined)
    clock.advance(60_000)
    assert.ok(taken.judged(token) instanceof Promise)
    assert.equal((await judge(taken, token)).id, actor.id)
    assert.equal(issuer.asked(), asked + 1, 'keys are kept')
    clock.set(NOW)
  })

  const cases: readonly (readonly [name: string, make: () => Promise<string>, words: RegExp])[] = [
    ['of another issuer', () => issuer.token({ iss: 'https://other.example' }), /not valid here, by its iss/],
    ['for another audience', () => issuer.token({ aud: 'someone-else' }), /not valid here, by its aud/],
    ['without a subject', () => issuer.token({ sub: undefined }), /by its sub/],
    ['without an end', () => issuer.token({ exp: undefined }), /by its exp/],
    ['that has ended', () => issuer.token({ exp: NOW / 1000 - 31 }), /has expired/],
    ['that has not begun', () => issuer.token({ nbf: NOW / 1000 + 32 }), /by its nbf/],
    ['that is to log somebody out', () => issuer.token({}, { typ: 'logout+jwt' }), /not one for access/],
    ['with another signature', async () => `${(await issuer.token()).slice(0, -8)}AAAAAAAA`, /signature is not right/],
    ['that is none', async () => 'a.b.c', /cannot be read/],
    ['signed with a secret of both', secretly, /signed in a way that is not taken/],
    ['not signed', async () => `${encoded({ alg: 'none' })}.${encoded({ sub: 'x' })}.AA`, /not taken|cannot be read/],
    ['of a key that is not the issuer’s', strange, /a key that its issuer does not have/],
  ]
  for (const [name, make, words] of cases) {
    it(`is refused: one ${name}`, async () => {
      await assert.rejects(async () => judge(tokens(), await make()), refused(words))
    })
  }

  it('is taken while the clocks differ by no more than they may', async () => {
    const taken = tokens()
    await judge(taken, await issuer.token({ exp: NOW / 1000 - 29, nbf: NOW / 1000 + 29 }))
    await assert.rejects(async () => judge(tokens({ clockSkewMs: 0 }), await issuer.token({ exp: NOW / 1000 - 1 })))
  })

  it('ends when it says, also where it was found good before', async () => {
    const taken = tokens({ clockSkewMs: 0 })
    const token = await issuer.token({ exp: NOW / 1000 + 10 })
    await judge(taken, token)
    clock.advance(10_001)
    await assert.rejects(judge(taken, token), refused(/has expired/))
    clock.set(NOW)
  })

  it('may carry any claim for roles, inside of others, as words, and with other names', async () => {
    const realm = tokens({ rolesClaim: 'realm_access.roles', roles: 'ml-team=scientist, ml-team=operator,boss=admin' })
    const actor = await judge(realm, await issuer.token({ realm_access: { roles: ['ml-team', 'admin', 7] } }))
    assert.deepEqual(actor.roles, ['scientist', 'operator'], 'by the table only')
    const url = tokens({ rolesClaim: 'https://bellwether.example/roles' })
    assert.deepEqual((await judge(url, await issuer.token({ 'https://bellwether.example/roles': ['viewer'] }))).roles, [
      'viewer',
    ])
    const scope = tokens({ rolesClaim: 'scope' })
    assert.deepEqual((await judge(scope, await issuer.token({ scope: 'openid auditor' }))).roles, ['auditor'])
    assert.deepEqual((await judge(tokens(), await issuer.token({ roles: { admin: true } }))).roles, [])
  })
})

describe('keys of an issuer', () => {
  it('may turn round: a token of a new key is taken, one of a key that is gone is not', async () => {
    const turning = await openIssuer(clock.now)
    const taken = tokens({ issuer: turning.url })
    const old = await turning.token()
    await judge(taken, old)
    await turning.rotate({ alg: 'RS256', alone: true })
    // Keys may be asked for again a second after the last time, by the machine's clock.
    let attempt = 0
    const next = async () => judge(taken, await turning.token({ jti: String(++attempt) }))
    await waitFor(async () => (await next().catch(() => undefined)) !== undefined)
    clock.advance(61_000)
    await assert.rejects(judge(taken, old), refused(/a key that its issuer does not have/))
    clock.set(NOW)
    await turning.close()
  })

  it('are tried one by one where a token names none', async () => {
    const turning = await openIssuer(clock.now)
    await turning.rotate()
    const actor = await judge(tokens({ issuer: turning.url }), await turning.token({}, { kid: undefined }))
    assert.deepEqual(actor.roles, ['service'])
    await turning.close()
  })

  it('that cannot be had make a token unknown for now, not wrong', async () => {
    const failing = await openIssuer(clock.now)
    failing.fail(true)
    const taken = tokens({ issuer: failing.url })
    const token = await failing.token()
    await assert.rejects(judge(taken, token), refused(/keys cannot be had now/, 'unavailable'))
    failing.fail(false)
    clock.advance(1_001)
    assert.deepEqual((await judge(taken, token)).roles, ['service'])
    clock.set(NOW)
    await failing.close()
  })
})

describe('tokenSettings()', () => {
  const wrong: readonly (readonly [Partial<Parameters<typeof tokenSettings>[0]>, RegExp])[] = [
    [{ audience: undefined as unknown as string }, /without oidc\.audience/],
    [{ issuer: 'http://id.example' }, /not protected on its way/],
    [{ jwks: 'http://id.example/keys' }, /not protected on its way/],
    [{ algorithms: 'RS256,HS256' }, /has HS256/],
    [{ algorithms: 'none' }, /has none/],
    [{ algorithms: '' }, /has nothing/],
    [{ roles: 'boss' }, /theirs=ours/],
    [{ roles: 'boss=king' }, /theirs=ours/],
  ]
  for (const [settings, words] of wrong) {
    it(`refuses ${JSON.stringify(settings)}`, () => {
      assert.throws(() => tokens(settings), refused(words, 'misconfigured'))
    })
  }
})

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** What confused verifiers fell for: the public key of the issuer used as if it were a secret of both sides. */
async function secretly(): Promise<string> {
  return await new SignJWT({ sub: 'x' }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from('public'.repeat(8)))
}

async function strange(): Promise<string> {
  const other = await openIssuer(clock.now)
  await other.rotate()
  await other.rotate()
  const token = await other.token({ iss: issuer.url })
  await other.close()
  return token
}

async function waitFor(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!(await isSo())) {
    assert.ok(Date.now() < deadline, 'it never became so')
    await new Promise(resolve => setImmediate(resolve))
  }
}
