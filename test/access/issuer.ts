/** An issuer of tokens whose keys tests turn round: what it publishes, and what it signs with. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

export const AUDIENCE = 'bellwether'

export interface Issuer {
  readonly url: string
  /** Requests for its keys so far. */
  readonly asked: () => number
  /** Makes a key and publishes it; those before stay published unless `alone`. */
  rotate(options?: { readonly alg?: string; readonly alone?: boolean }): Promise<void>
  /** Signs with the newest key. Claims that are undefined are left out. */
  token(claims?: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>
  /** Answers with 500 from now on, or no more. */
  fail(isFailing: boolean): void
  close(): Promise<void>
}

interface Key {
  readonly kid: string
  readonly alg: string
  readonly secret: Parameters<SignJWT['sign']>[0]
  readonly published: object
}

export async function openIssuer(now: () => number = Date.now): Promise<Issuer> {
  let keys: Key[] = []
  let asked = 0
  let isFailing = false
  let made = 0
  const server = createServer((request, response) => {
    if (isFailing) {
      response.writeHead(500).end()
      return
    }
    if (request.url === '/keys') asked++
    const document =
      request.url === '/keys'
        ? { keys: keys.map(({ published }) => published) }
        : { issuer: url, jwks_uri: `${url}/keys` }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve).unref())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const rotate: Issuer['rotate'] = async ({ alg = 'ES256', alone = false } = {}) => {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
    const kid = `key-${++made}`
    const published = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
    keys = [...(alone ? [] : keys), { kid, alg, secret: privateKey, published }]
  }
  await rotate()
  return {
    url,
    asked: () => asked,
    rotate,
    async token(claims = {}, header = {}) {
      const { kid, alg, secret } = keys.at(-1)!
      const seconds = Math.floor(now() / 1000)
      const standard = { iss: url, aud: AUDIENCE, sub: 'ann@example.org', iat: seconds, exp: seconds + 300 }
      return new SignJWT({ ...standard, roles: ['service'], ...claims })
        .setProtectedHeader({ alg, kid, ...header })
        .sign(secret)
    },
    fail(failing) {
      isFailing = failing
    },
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
