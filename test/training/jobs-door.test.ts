/** The address that a command is given: for its word only, and for MLflow's protocol only. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientRequest } from '../../src/client.ts'
import { openLocalDoor } from '../../src/training/jobs/local-door.ts'

const WORD = 'a-word-that-nobody-can-guess'

test('a door to the tracking store, and to nothing else', async t => {
  const passed: ClientRequest[] = []
  const door = await openLocalDoor(async request => {
    passed.push(request)
    if (request.path.includes('lost')) throw new Error('Cannot reach the server')
    const headers = { 'content-type': 'application/json', 'set-cookie': 'a=b' }
    return new Response(request.path.includes('none') ? '{"error_code":"X"}' : '{}', {
      status: request.path.includes('none') ? 404 : 200,
      headers,
    })
  }, WORD)
  t.after(() => door.close())
  const ask = async (path: string, authorization: string | undefined, method = 'GET'): Promise<number> => {
    const headers = authorization === undefined ? {} : { authorization }
    const answer = await fetch(door.url + path, { method, headers, ...(method === 'PUT' ? { body: 'bytes' } : {}) })
    await answer.arrayBuffer()
    assert.equal(answer.headers.get('set-cookie'), null)
    return answer.status
  }
  const bearer = `Bearer ${WORD}`
  const basic = `Basic ${Buffer.from(`anybody:${WORD}`).toString('base64')}`
  const api = '/api/2.0/mlflow'
  const TABLE: readonly (readonly [
    path: string,
    authorization: string | undefined,
    status: number,
    method?: string,
  ])[] = [
    [`${api}/runs/get?run_id=1`, bearer, 200],
    [`${api}/runs/get?run_id=1`, basic, 200],
    ['/api/2.0/mlflow-artifacts/artifacts/0/a/x', bearer, 200, 'PUT'],
    ['/api/3.0/mlflow/server-info', bearer, 200],
    [`${api}/none`, bearer, 404],
    [`${api}/lost`, bearer, 503],
    [`${api}/runs/get`, undefined, 401],
    [`${api}/runs/get`, 'Bearer other', 401],
    [`${api}/runs/get`, `Bearer ${WORD}x`, 401],
    ['/keys', bearer, 404],
    ['/models/churn/predict', bearer, 404],
    [`${api}/../../../keys`, bearer, 404],
    [`${api}/%2e%2e/%2e%2e/%2e%2e/keys`, bearer, 404],
    ['//elsewhere.example/api/2.0/mlflow/x', bearer, 404],
  ]
  for (const [path, authorization, status, method] of TABLE)
    assert.equal(await ask(path, authorization, method), status, path)
  assert.deepEqual([...new Set(passed.map(({ path }) => path.split('/')[1]))], ['api'])
  assert.ok(passed.every(({ headers = {} }) => !('authorization' in headers)))
})
