/** A real OpenID provider: its client gets a token with its secret, and asks for predictions with it. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import { Provider } from 'oidc-provider'
import { ask, withApp } from '../serving/app.ts'

const AUDIENCE = 'urn:bellwether'
const SECRET = 'a-secret-of-this-test-only'
const ROW = { age: 20, tenure: 1 }

test('clients of an OpenID provider ask for predictions by its tokens', { timeout: 60_000 }, async () => {
  const provider = await openProvider()
  try {
    const oidc = { 'oidc.issuer': provider.url, 'oidc.audience': AUDIENCE, 'oidc.roles': 'predictors=service' }
    await withApp(oidc, async app => {
      await app.register('tiny')
      const url = `${app.url}/models/tiny/predict`
      assert.equal((await ask(url, ROW)).status, 401, 'with an issuer, nobody is anonymous')
      const token = await provider.token('shop')
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => ask(url, ROW, { authorization: `Bearer ${token}` })),
      )
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
      const forbidden = await fetch(`${app.url}/keys`, { headers: { authorization: `Bearer ${token}` } })
      assert.equal(forbidden.status, 403)
      const stranger = await ask(url, ROW, { authorization: `Bearer ${await provider.token('guest')}` })
      assert.deepEqual([stranger.status, stranger.body['code']], [403, 'forbidden'], 'no role of ours')
      const cut = await ask(url, ROW, { authorization: `Bearer ${token.slice(0, -2)}AA` })
      assert.equal(cut.status, 401)
      assert.match(String(cut.headers.get('www-authenticate')), /^Bearer/)

      const key = await app.key('admin')
      assert.equal((await ask(url, ROW, { authorization: `Bearer ${key}` })).status, 200, 'keys go on beside tokens')
      const predictions = (await app.records()).filter(({ kind }) => kind === 'prediction')
      const actors = new Set(predictions.map(({ actor }) => actor))
      assert.equal(actors.size, 2)
      assert.ok([...actors].every(actor => /^(?:user|key):[\w-]{12}$/.test(actor)))
    })
  } finally {
    await provider.close()
  }
})

async function openProvider() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), kid: 'one', alg: 'RS256', use: 'sig' }
  const server = createServer().unref()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = (id: string) => ({
    client_id: id,
    client_secret: SECRET,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  })
  const resource = { scope: '', audience: AUDIENCE, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } } as const
  const provider = new Provider(url, {
    clients: [client('shop'), client('guest')],
    jwks: { keys: [jwk] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: () => resource,
      },
    },
    extraTokenClaims: (_, token) => ({
      sub: token.clientId,
      roles: token.clientId === 'shop' ? ['predictors'] : [],
    }),
  } as ConstructorParameters<typeof Provider>[1])
  server.on('request', provider.callback())
  return {
    url,
    async token(id: string): Promise<string> {
      const authorization = `Basic ${Buffer.from(`${id}:${SECRET}`).toString('base64')}`
      const body = new URLSearchParams({ grant_type: 'client_credentials' })
      const answer = await fetch(`${url}/token`, { method: 'POST', headers: { authorization }, body })
      const told = (await answer.json()) as { readonly access_token?: string }
      assert.ok(told.access_token !== undefined, JSON.stringify(told))
      return told.access_token
    },
    async close(): Promise<void> {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
