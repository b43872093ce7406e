/** Deprecation and retirement, as operators and callers meet them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openApp } from '../../src/app.ts'
import { loadConfig } from '../../src/platform/config.ts'
import { temporaryFolder } from '../../src/platform/temporary.suite.ts'
import { frame, grpcClient, predictRequest } from '../doors/grpc-client.ts'
import { tinyModel } from '../journeys/model.ts'
import { STRICT, withApp } from '../serving/app.ts'

type Json = Readonly<Record<string, unknown>>

interface Said {
  readonly status: number
  readonly headers: Headers
  readonly body: Json
}

type Send = (method: string, path: string, body?: object) => Promise<Said>

async function world(use: (send: Send, reopen: () => Promise<Send>) => Promise<void>, data: string): Promise<void> {
  let app = await openApp(loadConfig({ flags: { data, 'server.port': 0 }, env: {}, cwd: data }), { quiet: true })
  const send: Send = async (method, path, body) => {
    const isForm = body instanceof FormData
    const json = isForm ? {} : { headers: { 'content-type': 'application/json' } }
    const sent = body === undefined ? {} : { body: isForm ? body : JSON.stringify(body), ...json }
    const response = await fetch(`${app.url}${path}`, { method, ...sent })
    return { status: response.status, headers: response.headers, body: (await response.json()) as Json }
  }
  try {
    await use(send, async () => {
      await app.close()
      app = await openApp(loadConfig({ flags: { data, 'server.port': 0 }, env: {}, cwd: data }), { quiet: true })
      return send
    })
  } finally {
    await app.close()
  }
}

async function register(send: Send, version: string): Promise<void> {
  const body = new FormData()
  body.append('name', 'tiny')
  body.append('version', version)
  body.append('artifact', new File([tinyModel()], 'model.json'))
  const made = await send('POST', '/models/register', body)
  assert.equal(made.status, 201, JSON.stringify(made.body))
}

const ROW = { age: 20, tenure: 1 }
const at = (version: string, verb: string): string => `/models/tiny/versions/${version}/${verb}`

test('a deprecated version answers on, and says so in its headers', t =>
  world(async send => {
    await register(send, '1.0.0')
    await register(send, '1.1.0')
    const before = await send('POST', at('1.0.0', 'predict'), ROW)
    assert.deepEqual([before.status, before.headers.get('deprecation')], [200, null])

    const sunsetAt = Date.UTC(2099, 0, 31, 12)
    const wrong = { reason: 'Old', successor: '9.0.0' }
    assert.equal((await send('POST', at('1.0.0', 'deprecate'), wrong)).status, 422)
    assert.match(
      String((await send('POST', at('1.0.0', 'deprecate'), { ...wrong, successor: '1.0.0' })).body['detail']),
      /successor is 1\.0\.0, the version itself/,
    )
    assert.match(
      String((await send('POST', at('1.0.0', 'deprecate'), { reason: 'Old', sunsetAt: 5 })).body['detail']),
      /sunsetAt is 1970-.*, wanted a time after now/,
    )
    assert.equal((await send('POST', at('1.0.0', 'deprecate'), { reason: '  ' })).status, 422)
    assert.equal((await send('POST', at('3.0.0', 'deprecate'), { reason: 'Old' })).status, 404)
    assert.equal((await send('POST', at('1.0.0', 'restore'), { reason: 'No' })).status, 409)

    const said = await send('POST', at('1.0.0', 'deprecate'), { reason: 'Old tariffs', successor: '1.1.0', sunsetAt })
    assert.equal(said.status, 200, JSON.stringify(said.body))
    const [caller] = said.body['callers'] as Json[]
    assert.deepEqual([said.body['state'], caller!['calls'], caller!['rows']], ['deprecated', 1, 1])

    // The model was loaded before: its answers change at once, by number and by alias.
    for (const path of [at('1.0.0', 'predict'), '/models/tiny/predict', '/v2/models/tiny/versions/1.0.0/infer']) {
      const oip = {
        inputs: Object.entries(ROW).map(([name, value]) => ({ name, shape: [1, 1], datatype: 'FP64', data: [value] })),
      }
      const { status, headers, body } = await send('POST', path, path.startsWith('/v2') ? oip : ROW)
      assert.equal(status, 200, `${path} ${JSON.stringify(body)}`)
      assert.equal(headers.get('deprecation'), `@${Math.floor(Number(said.body['at']) / 1000)}`, path)
      assert.equal(headers.get('sunset'), 'Sat, 31 Jan 2099 12:00:00 GMT')
      assert.equal(headers.get('link'), '</models/tiny/versions/1.1.0>; rel="successor-version"')
    }
    assert.equal((await send('POST', at('1.1.0', 'predict'), ROW)).headers.get('deprecation'), null)
    await send('POST', at('1.0.0', 'restore'), { reason: 'Still needed' })
    assert.equal((await send('POST', at('1.0.0', 'predict'), ROW)).headers.get('deprecation'), null)
    const records = (await send('GET', '/ledger/records?kind=change&order=oldest')).body['records'] as Json[]
    const ours = records.filter(({ action }) => /model:(deprecated|restored)/.test(String(action)))
    assert.deepEqual(
      ours.map(({ action, target, detail }) => [action, target, detail]),
      [
        [
          'model:deprecated',
          'tiny@1.0.0',
          { reason: 'Old tariffs', successor: '1.1.0', sunset: '2099-01-31T12:00:00.000Z' },
        ],
        ['model:restored', 'tiny@1.0.0', { reason: 'Still needed', from: 'deprecated' }],
      ],
    )
  }, temporaryFolder(t)))

test('a version is retired when nothing points at it and nobody calls it, also after a restart, and restored', t =>
  world(async (send, reopen) => {
    await register(send, '1.0.0')
    await register(send, '1.1.0')
    const led = await send('POST', at('1.0.0', 'retire'), { reason: 'Old' })
    assert.equal(led.status, 409)
    assert.match(String(led.body['detail']), /champion points at it; move or remove that alias first/)
    await send('PUT', '/models/tiny/aliases/champion', { version: '1.1.0' })

    assert.equal((await send('POST', at('1.0.0', 'predict'), [ROW, ROW])).status, 200)
    const called = await send('POST', at('1.0.0', 'retire'), { reason: 'Old' })
    assert.equal(called.status, 409)
    assert.match(
      String(called.body['detail']),
      /called within 7 days by local \(1, last 20\d\d-.*; tell them, or force it/,
    )
    const forced = await send('POST', at('1.0.0', 'retire'), {
      reason: 'Wrong for the young',
      successor: '1.1.0',
      force: true,
    })
    assert.deepEqual([forced.status, forced.body['state']], [200, 'retired'], JSON.stringify(forced.body))

    const records = (await send('GET', '/ledger/records?kind=change')).body['records'] as Json[]
    const kept = records.find(({ action }) => action === 'model:retired')
    assert.deepEqual(kept?.['detail'], { reason: 'Wrong for the young', successor: '1.1.0', forced: 'true' })

    const refused = async (): Promise<void> => {
      const { status, body } = await send('POST', at('1.0.0', 'predict'), ROW)
      assert.equal(status, 404)
      assert.match(
        String(body['detail']),
        /^Cannot ask tiny@1\.0\.0: it was retired on 20\d\d-\d\d-\d\d \(Wrong for the young\); ask tiny@1\.1\.0 instead$/,
      )
    }
    await refused()
    assert.equal((await send('POST', '/models/tiny/predict', ROW)).status, 200)
    const alias = await send('PUT', '/models/tiny/aliases/champion', { version: '1.0.0' })
    assert.equal(alias.status, 404)
    assert.match(String(alias.body['detail']), /^Cannot move the alias champion to tiny@1\.0\.0: .*it was retired/)
    assert.equal((await send('POST', at('1.0.0', 'deprecate'), { reason: 'Old' })).status, 409)
    assert.equal((await send('POST', at('1.1.0', 'deprecate'), { reason: 'Old', successor: '1.0.0' })).status, 422)
    await reopen()
    await refused()
    await send('DELETE', '/models/tiny/aliases/champion')
    assert.equal((await send('POST', at('1.1.0', 'retire'), { reason: 'All gone', force: true })).status, 200)
    assert.match(
      String((await send('POST', '/models/tiny/predict', ROW)).body['detail']),
      /no version of it is champion/,
    )

    const back = await send('POST', at('1.0.0', 'restore'), { reason: 'Needed for the audit' })
    assert.deepEqual([back.status, back.body['state']], [200, 'good'])
    assert.equal((await send('POST', at('1.0.0', 'predict'), ROW)).status, 200)
    const again = await send('POST', '/models/tiny/predict', ROW)
    assert.equal(again.status, 200, 'the newest that is served stands in')
  }, temporaryFolder(t)))

test('over gRPC it is said in the metadata, until the version is not served any more', t =>
  withApp({ 'server.grpcPort': 0 }, async app => {
    await app.register('tiny', '1.0.0', STRICT)
    const client = grpcClient(`http://${app.grpc}`)
    t.after(() => client.session.destroy())
    const call = () => client.call('/bellwether.v1.PredictionService/Predict', frame(predictRequest('tiny', 20)))
    const tell = async (verb: string): Promise<void> => {
      const body = JSON.stringify({ reason: 'Old tariffs', ...(verb === 'retire' ? { force: true } : {}) })
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${app.url}${at('1.0.0', verb)}`, { method: 'POST', headers, body })
      assert.equal(answer.status, 200, await answer.text())
    }
    assert.equal((await call()).headers['deprecation'], undefined)
    await tell('deprecate')
    const { status, headers } = await call()
    assert.equal(status, '0')
    assert.match(String(headers['deprecation']), /^@\d{10}$/)
    await fetch(`${app.url}/models/tiny/aliases/champion`, { method: 'DELETE' })
    await tell('retire')
    const { status: gone, message } = await call()
    assert.equal(gone, '5')
    assert.match(message, /Old tariffs|not served|champion/)
  }))
