import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { type ClientRequest, client, httpTransport } from './client.ts'
import { Problem } from './errors.ts'

const answering = (status: number, body: string, seen: ClientRequest[] = []) =>
  client(async request => {
    seen.push(request)
    return new Response(body, { status })
  })

test('client.json() sends JSON and reads JSON', async () => {
  const seen: ClientRequest[] = []
  assert.deepEqual(await answering(200, '{"ok":true}', seen).json('POST', '/keys', { name: 'a' }), { ok: true })
  assert.equal(seen[0]?.body, '{"name":"a"}')
  assert.equal(seen[0]?.headers?.['content-type'], 'application/json')
})

test('client turns a problem document into a Problem with its fields', async () => {
  const document = JSON.stringify({
    code: 'invalid',
    detail: 'Cannot predict: 1 field is wrong',
    errors: [{ field: 'age', problem: 'is missing' }],
  })
  await assert.rejects(answering(422, document).json('GET', '/'), (error: unknown) => {
    assert.ok(error instanceof Problem)
    assert.equal(error.code, 'invalid')
    assert.deepEqual(error.fields, [{ field: 'age', problem: 'is missing' }])
    return true
  })
})

test('client says so where something else answered, also with a code of its own', async () => {
  for (const body of ['<html>teapot</html>', '{"code":"toString"}', '{"code":"teapot"}', '']) {
    await assert.rejects(answering(418, body).json('GET', '/'), { code: 'failed', message: /status 418/ })
  }
})

test('httpTransport() carries the key, and names the server it cannot reach', async () => {
  const server = createServer((request, response) => response.end(JSON.stringify(request.headers.authorization)))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  try {
    assert.equal(await client(httpTransport(url, 'bw_1_x')).json('GET', '/'), 'Bearer bw_1_x')
  } finally {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  await assert.rejects(client(httpTransport(url)).json('GET', '/'), { code: 'unavailable', message: /127\.0\.0\.1/ })
})
