import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { manualClock } from '../platform/clock.ts'
import type { Answer, Route, RouteRequest } from '../route.ts'
import type { ModelSigns } from './overview.ts'
import { pageRoutes, withPages } from './pages.ts'
import { dashboardRoutes } from './routes.ts'

function requestOf(
  headers: Readonly<Record<string, string>>,
  params: Readonly<Record<string, string>> = {},
): RouteRequest {
  const actor = { id: 'local', name: 'local', roles: ['admin'] }
  const parts = (async function* () {})()
  return { requestId: 'r', actor, source: '127.0.0.1', params, query: {}, headers, body: undefined, parts }
}

function routeOf(path: string, signs: () => ModelSigns = () => ({}), clock = manualClock(1_000)): Route {
  const models = () => [{ name: 'churn', version: '1.0.0', versions: 1 }]
  return dashboardRoutes({ clock, models, signs }).find(route => route.path === path) as Route
}

async function call(route: Route, headers = {}, params = {}): Promise<Answer> {
  return route.handle(requestOf(headers, params))
}

describe('GET /overview', () => {
  test('is told apart by what it says, not by when it was asked', async () => {
    const clock = manualClock(1_000)
    let predictions = 1
    const service = () => ({ state: 'ok', perSecond: 1, predictions, series: [] }) as const
    const route = routeOf('/overview', () => ({ service: service() }), clock)
    const first = await call(route)
    assert.equal((JSON.parse(first.text!) as { at: number }).at, 1_000)
    clock.advance(5_000)
    const again = await call(route, { 'if-none-match': first.headers!['etag']! })
    assert.deepEqual([again.status, again.text], [304, undefined])
    predictions = 2
    const changed = await call(route, { 'if-none-match': first.headers!['etag']! })
    assert.equal(changed.status, undefined)
    assert.notEqual(changed.headers!['etag'], first.headers!['etag'])
  })
})

describe('files of the dashboard', () => {
  const file = routeOf('/dashboard/:file')

  test('come as small as the browser takes them', async () => {
    const sizes: number[] = []
    for (const encoding of ['br', 'gzip', '']) {
      const answer = await call(file, { 'accept-encoding': encoding }, { file: 'main.js' })
      assert.equal(answer.headers!['content-encoding'], encoding === '' ? undefined : encoding)
      assert.equal(answer.type, 'text/javascript; charset=utf-8')
      sizes.push(Number(answer.headers!['content-length']))
    }
    assert.ok(sizes[0]! < sizes[1]! && sizes[1]! < sizes[2]!, String(sizes))
    assert.ok(sizes[1]! < 200_000, 'the script is larger than promised')
  })

  test('a typeface is not compressed twice, and what is known is not sent again', async () => {
    const name = 'inter-latin-wght-normal.woff2'
    const answer = await call(file, { 'accept-encoding': 'gzip, br' }, { file: name })
    assert.equal(answer.headers!['content-encoding'], undefined)
    const again = await call(file, { 'if-none-match': answer.headers!['etag']! }, { file: name })
    assert.equal(again.status, 304)
  })

  test('there are no others', async () => {
    await assert.rejects(call(file, {}, { file: '../package.json' }), { code: 'not_found' })
  })
})

describe('pages', () => {
  const api = { method: 'GET', path: '/models/:name', handle: () => ({ body: 'data' }) } as unknown as Route

  test('an address of the API gets a page, and keeps its data', () => {
    const [route] = withPages([api], { wantsKey: () => false }) as Route[]
    assert.equal((route!.handle as () => Answer)().body, 'data')
    assert.match(route!.page!().text!, /^<!doctype html>/)
  })

  test('only a server with keys says that it wants one', async () => {
    for (const wants of [true, false]) {
      const [home, page] = pageRoutes({ wantsKey: () => wants }) as Route[]
      const { text, headers } = await call(page!)
      assert.equal(home!.page!().text, text)
      assert.deepEqual((await call(home!)).body, { status: 'alive' })
      assert.equal(text!.includes('data-key="wanted"'), wants)
      assert.match(headers!['content-security-policy']!, /^default-src 'none'; script-src 'self'; style-src 'self';/)
    }
  })
})
