/** The number of a version and the comparison of two, over the application as it is configured. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openApp } from '../../src/app.ts'
import { loadConfig } from '../../src/platform/config.ts'
import { temporaryFolder } from '../../src/platform/temporary.suite.ts'
import { stumpModel, TWO_FEATURES } from '../../src/registry/stumps.suite.ts'

type Json = Readonly<Record<string, unknown>>

function form(version: string, features: readonly string[]): FormData {
  const body = new FormData()
  body.append('name', 'two')
  body.append('version', version)
  body.append('artifact', new File([stumpModel({ ...TWO_FEATURES, features })], 'model.json'))
  return body
}

test('a version that breaks callers needs a new major number, and a comparison says why', async t => {
  const data = temporaryFolder(t)
  const { transport, close } = await openApp(loadConfig({ flags: { data }, env: {}, cwd: data }), {
    listen: false,
    quiet: true,
  })
  const send = async (method: string, path: string, body?: FormData): Promise<{ status: number; body: Json }> => {
    const answer = await transport({ method, path, ...(body === undefined ? {} : { body }) })
    return { status: answer.status, body: (await answer.json()) as Json }
  }
  try {
    assert.equal((await send('POST', '/models/register', form('1.0.0', ['age', 'balance']))).status, 201)
    const refused = await send('POST', '/models/register', form('1.1.0', ['age', 'income']))
    assert.equal(refused.status, 422)
    assert.match(
      String(refused.body['detail']),
      /inputs\.balance is gone.*inputs\.income is new.*register it as 2\.0\.0/,
    )
    assert.equal((await send('GET', '/models/two/versions/1.1.0')).status, 404, 'nothing was kept')
    assert.equal((await send('POST', '/models/register', form('2.0.0-rc.1', ['age', 'income']))).status, 201)
    assert.equal((await send('POST', '/models/register', form('1.0.1', ['age', 'balance']))).status, 201)
    const told = await send('GET', '/models/two/versions/champion/compare/2.0.0-rc.1')
    assert.deepEqual([told.body['before'], told.body['after'], told.body['level']], ['1.0.0', '2.0.0-rc.1', 'major'])
    assert.equal((await send('GET', '/models/two/versions/1.0.0/compare/1.0.1')).body['level'], 'patch')
    assert.equal((await send('GET', '/models/two/versions/1.0.0/compare/9.0.0')).status, 404)
  } finally {
    await close()
  }
})
