/** Another server is told of changes: signed, again where it did not take them, across a kill, and a hook that hangs holds nobody up. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { rmSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { tinyModel } from '../journeys/model.ts'
import { type RunningServer, startServer, temporaryFolder } from '../server.ts'

interface Heard {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const ENV = { BELLWETHER_WEBHOOKS_ADDRESSES: 'any', BELLWETHER_WEBHOOKS_TIMEOUT_MS: '500' }
const data = temporaryFolder()
const heard: Heard[] = []
let listens: (() => void) | undefined
let refusals = 0
const listener = createServer(async (request, response) => {
  const path = request.url!
  const body = await text(request)
  if (path === '/hangs') return
  heard.push({ path, headers: request.headers, body })
  response.writeHead(refusals-- > 0 ? 503 : 204).end()
  listens?.()
})
let told: string
let server: RunningServer

before(async () => {
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  told = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`
  server = await startServer({ data, env: ENV })
})
after(async () => {
  await server.kill('SIGTERM')
  listener.closeAllConnections()
  listener.close()
  rmSync(data, { recursive: true, force: true })
})

async function ask(method: string, path: string, body?: object): Promise<{ status: number; body: never }> {
  const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const answer = await fetch(server.url + path, { method, ...(body === undefined ? {} : json) })
  return { status: answer.status, body: (await answer.json()) as never }
}

async function make(name: string, path: string, actions: readonly string[]): Promise<{ id: string; secret: string }> {
  const { status, body } = await ask('POST', '/webhooks', { name, url: told + path, actions })
  assert.equal(status, 201, JSON.stringify(body))
  const { webhook, secret } = body as { webhook: { id: string }; secret: string }
  return { id: webhook.id, secret }
}

async function register(name: string): Promise<void> {
  const form = new FormData()
  form.append('name', name)
  form.append('version', '1.0.0')
  form.append('artifact', new File([tinyModel()], 'model.json'))
  const answer = await fetch(`${server.url}/models/register`, { method: 'POST', body: form })
  assert.equal(answer.status, 201, await answer.text())
}

/** Until so many messages came to a path. */
async function until(path: string, count: number): Promise<readonly Heard[]> {
  for (;;) {
    const those = heard.filter(one => one.path === path)
    if (those.length >= count) return those
    await new Promise<void>(resolve => {
      listens = resolve
    })
  }
}

function requireSigned({ headers, body }: Heard, secret: string): void {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  assert.equal(headers['webhook-signature'], `v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
}

test('a webhook hears of what it wants to, signed, and of nothing else', { timeout: 60_000 }, async () => {
  const models = await make('models', '/models', ['model:*'])
  await make('hangs', '/hangs', ['*'])
  await register('one')
  const [message] = await until('/models', 1)
  requireSigned(message!, models.secret)
  const event = JSON.parse(message!.body) as { id: string; type: string; subject: string; data: { action: string } }
  assert.deepEqual(
    [event.type, event.subject, event.data.action],
    ['bellwether.model.registered', 'one@1.0.0', 'model:registered'],
  )
  assert.equal(event.id, message!.headers['webhook-id'])
  assert.ok(heard.filter(({ path }) => path === '/models').every(({ body }) => body.includes('bellwether.model.')))
})

test('what was not taken comes again, and is listed until then', { timeout: 60_000 }, async () => {
  const { id, secret } = await make('again', '/again', ['alias:moved'])
  refusals = 1
  const moved = await ask('PUT', '/models/one/aliases/staging', { version: '1.0.0' })
  assert.equal(moved.status, 200, JSON.stringify(moved.body))
  await until('/again', 1)
  const { deliveries } = (await ask('GET', `/webhooks/${id}/deliveries`)).body as { deliveries: { action: string }[] }
  assert.deepEqual([...new Set(deliveries.map(({ action }) => action))], deliveries.length === 0 ? [] : ['alias:moved'])
  const [first, second] = await until('/again', 2)
  requireSigned(second!, secret)
  assert.deepEqual([second!.headers['webhook-id'], second!.body], [first!.headers['webhook-id'], first!.body])
})

test('what is committed is told also when the server was killed', { timeout: 60_000 }, async () => {
  await make('killed', '/killed', ['model:registered'])
  await register('two')
  await server.kill('SIGKILL')
  server = await startServer({ data, env: ENV })
  const messages = await until('/killed', 1)
  assert.match(messages[0]!.body, /two@1\.0\.0/)
})

test('webhooks are tried, listed without secrets and deleted, and stand in the ledger', {
  timeout: 60_000,
}, async () => {
  const { id, secret } = await make('tried', '/tried', ['key:*'])
  assert.deepEqual((await ask('POST', `/webhooks/${id}/test`)).body, { status: 204, answer: '' })
  requireSigned((await until('/tried', 1))[0]!, secret)
  const { body: list } = await ask('GET', '/webhooks')
  assert.ok(!JSON.stringify(list).includes(secret) && JSON.stringify(list).includes('/tried'))
  assert.equal((await ask('DELETE', `/webhooks/${id}`)).status, 200)
  assert.equal((await ask('DELETE', `/webhooks/${id}`)).status, 404)
})

test('what makes no webhook is told with its field', async () => {
  const good = { name: 'x', url: `${told}/x`, actions: ['*'] }
  for (const [wrong, found] of [
    [{ name: 'a b' }, /name is 'a b'/],
    [{ url: 'ftp://example.com' }, /wanted one of http or https/],
    [{ actions: ['alias'] }, /actions has 'alias', wanted such as alias:moved/],
  ] as const) {
    const { status, body } = await ask('POST', '/webhooks', { ...good, ...wrong })
    assert.equal(status, 422)
    assert.match((body as { detail: string }).detail, found)
  }
  await make('once', '/once', ['*'])
  assert.equal((await ask('POST', '/webhooks', { ...good, name: 'once' })).status, 409)
})
