/** One address for people and programs: a page for whoever is sent there by a browser, data for everybody else. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Problem } from '../errors.ts'
import { systemClock } from '../platform/clock.ts'
import { uuid7 } from '../platform/ids.ts'
import { systemTimers } from '../platform/timers.ts'
import type { Route } from '../route.ts'
import { httpDoor } from './http.ts'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
const route: Route = {
  method: 'GET',
  path: '/things/:name',
  permission: 'thing:read',
  summary: 'A thing',
  tag: 'Things',
  answers: { 200: 'text' },
  page: () => ({ text: '<!doctype html>', type: 'text/html; charset=utf-8', headers: { 'cache-control': 'no-cache' } }),
  handle: ({ params }) => ({ body: { name: params['name'] } }),
}
const door = httpDoor({
  routes: [route],
  admission: {
    admit(authorization) {
      if (authorization === undefined) throw new Problem('unauthenticated', 'Cannot tell who calls: no key')
      return { id: 'key:1', name: 'one', roles: [] }
    },
  },
  readJson: JSON.parse,
  ids: uuid7(systemClock),
  log: { error: () => {} },
  limits: {
    bodyBytesMax: 1_000,
    concurrencyMax: 8,
    queueMax: 0,
    queueMsMax: 100,
    requestTimeoutMs: 10_000,
    headerTimeoutMs: 10_000,
    connectionsMax: 1_000,
  },
  timers: systemTimers,
  clock: systemClock,
})

describe('an address that is a page, too', () => {
  let url = ''
  before(async () => {
    url = await door.listen('127.0.0.1', 0)
  })
  after(() => door.close(1_000))

  const ask = (accept: string | undefined, key?: string): Promise<Response> =>
    fetch(`${url}/things/a`, {
      headers: { ...(accept === undefined ? {} : { accept }), ...(key === undefined ? {} : { authorization: key }) },
    })

  test('a browser that goes there gets the page, and needs no key for it', async () => {
    const response = await ask(BROWSER)
    assert.deepEqual([response.status, await response.text()], [200, '<!doctype html>'])
    assert.equal(response.headers.get('vary'), 'accept')
    assert.equal(response.headers.get('cache-control'), 'no-cache')
  })

  test('everybody else gets data, and needs a key', async () => {
    for (const accept of [undefined, '*/*', 'application/json', 'application/json, text/html']) {
      const refused = await ask(accept)
      assert.equal(refused.status, 401, accept)
      await refused.arrayBuffer()
      const response = await ask(accept, 'Bearer one')
      assert.deepEqual(await response.json(), { name: 'a' })
      assert.deepEqual([response.headers.get('vary'), response.headers.get('cache-control')], ['accept', 'no-store'])
    }
  })
})
