/** MLflow's client makes webhooks; what changes is told to them, signed, again where it was not taken, and a hook that hangs holds nobody up. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { MLFLOW_PYTHON, skipUnless } from '../../services.ts'
import { ask, withApp } from '../../serving/app.ts'

const DRIVER = fileURLToPath(new URL('webhooks.py', import.meta.url))
/** The second message is refused once, and must come again. */
const REFUSED = 2

interface Heard {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface Listener {
  readonly url: string
  /** Resolves when so many were taken. */
  taken(count: number): Promise<readonly Heard[]>
}

async function listening(t: TestContext): Promise<Listener> {
  const heard: Heard[] = []
  let asked = 0
  let tell = (): void => {}
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request
      .on('data', piece => pieces.push(piece))
      .on('end', () => {
        if (request.url === '/hangs') return
        if (++asked === REFUSED) return void response.writeHead(503).end()
        heard.push({ path: request.url!, headers: request.headers, body: Buffer.concat(pieces).toString() })
        response.end('heard')
        tell()
      })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async taken(count) {
      while (heard.length < count)
        await new Promise<void>(resolve => {
          tell = resolve
        })
      return heard
    },
  }
}

test('what changes is told, signed, until it is taken', { skip: skipUnless('mlflow') }, async t => {
  const listener = await listening(t)
  await withApp({ 'webhooks.addresses': 'any', 'webhooks.timeoutMs': 1_000 }, async ({ url }) => {
    const env = { ...process.env, MLFLOW_TRACKING_URI: url }
    const { stdout } = await promisify(execFile)(MLFLOW_PYTHON, [DRIVER, listener.url, `${listener.url}/hangs`], {
      env,
    })
    assert.match(stdout, /^ok$/m)
    const heard = await listener.taken(7)
    const ids = new Set<unknown>()
    for (const { path, headers, body } of heard) {
      assert.equal(path, '/')
      const id = headers['x-mlflow-delivery-id']
      ids.add(id)
      const signed = `${id}.${headers['x-mlflow-timestamp']}.${body}`
      const signature = createHmac('sha256', 's3cret').update(signed).digest('base64')
      assert.equal(headers['x-mlflow-signature'], `v1,${signature}`)
    }
    assert.equal(ids.size, 7)
    const told = heard.map(({ body }) => JSON.parse(body) as { entity: string; action: string; data: unknown })
    const about = (event: string): unknown => told.find(({ entity, action }) => `${entity}.${action}` === event)?.data
    assert.deepEqual(about('registered_model.created'), { name: 'churn', tags: { a: 'b' }, description: 'who leaves' })
    assert.deepEqual(about('model_version_tag.set'), { name: 'churn', version: '1', key: 'key', value: 'value' })
    assert.deepEqual(about('model_version_alias.created'), { name: 'churn', version: '1', alias: 'live' })
    assert.deepEqual(about('model_version_alias.deleted'), { name: 'churn', alias: 'live' })
    assert.deepEqual(about('prompt.created'), {
      name: 'greeting',
      tags: { author: 'a' },
      description: '',
    })
    const versions = told.filter(({ entity }) => entity === 'model_version').map(({ data }) => data)
    assert.ok(versions.some(data => JSON.stringify(data).includes('s3://bucket/model')))
  })
})

test('hooks into private networks are refused unless the configuration allows them', async () => {
  await withApp({}, async ({ url }) => {
    const body = { name: 'x', url: 'http://127.0.0.1:1/', events: [{ entity: 'PROMPT', action: 'CREATED' }] }
    const refused = await ask(`${url}/api/2.0/mlflow/webhooks`, body)
    assert.equal(refused.status, 400)
    assert.equal(refused.body['error_code'], 'INVALID_PARAMETER_VALUE')
    assert.match(String(refused.body['message']), /not a public address/)
    const named = await ask(`${url}/api/2.0/mlflow/webhooks`, { ...body, url: 'http://localtest.invalid/' })
    assert.equal(named.status, 200)
  })
})
