import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AnyRoute, InvocationRoute, Route } from '../route.ts'
import { routerOf } from './http-router.ts'

const described = { permission: 'public', summary: '', tag: 'Service', answers: {} } as const

function plain(method: Route['method'], path: string): Route {
  return { ...described, method, path, handle: () => ({ body: '' }) } as unknown as Route
}

function invocation(path: string): InvocationRoute {
  return { ...described, kind: 'invocation', method: 'POST', path } as unknown as InvocationRoute
}

const ROUTES: readonly AnyRoute[] = [
  plain('GET', '/models/:model'),
  plain('DELETE', '/models/:model'),
  plain('POST', '/models/search'),
  invocation('/models/:model'),
  plain('GET', '/files/*'),
]

describe('routerOf()', () => {
  const router = routerOf(ROUTES)
  const found = (method: string, url: string) => {
    const one = router.find(method, url)
    return one === undefined || one === 'malformed'
      ? one
      : [ROUTES.indexOf(one.route), { ...one.params }, { ...one.query }]
  }

  test('finds a route by its method and path, with what stands in them', () => {
    assert.deepEqual(found('GET', '/models/churn%20a%2Fb?x=1&y=2&y=3'), [
      0,
      { model: 'churn a/b' },
      { x: '1', y: ['2', '3'] },
    ])
    assert.deepEqual(found('DELETE', '/models/churn'), [1, { model: 'churn' }, {}])
    assert.deepEqual(found('GET', '/files/a/b'), [4, { '*': 'a/b' }, {}])
  })

  test('answers HEAD as GET', () => {
    assert.deepEqual(found('HEAD', '/models/churn'), [0, { model: 'churn' }, {}])
  })

  test('finds nothing for other paths and methods, known or not', () => {
    for (const method of ['GET', 'PUT', 'OPTIONS', 'PROPFIND', '__proto__']) {
      assert.equal(found(method, '/model'), undefined, method)
    }
    assert.equal(found('GET', `/models/${'a'.repeat(8_193)}`), undefined)
  })

  test('tells a path that cannot be decoded', () => {
    assert.equal(found('GET', '/models/%E0%A4%A'), 'malformed')
    assert.equal(router.invoked('/models/%E0%A4%A'), undefined)
  })

  test('knows what is invoked; which of two routes is meant depends on all of POST', () => {
    assert.deepEqual({ ...router.invoked('/models/churn')?.params }, { model: 'churn' })
    assert.equal(router.invoked('/models/churn'), router.invoked('/models/churn'), 'remembered')
    assert.equal(router.invoked('/models/search'), undefined)
    assert.equal(router.invoked('/nothing'), undefined)
  })

  test('refuses two routes of one address', () => {
    const twice = routerOf([plain('GET', '/models/:model'), plain('GET', '/models/:model')])
    assert.throws(() => twice.find('GET', '/models/churn'), /already declared/)
  })
})
