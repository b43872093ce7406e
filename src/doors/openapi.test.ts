import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type TSchema, Type } from 'typebox'
import type { AnyRoute } from '../route.ts'
import { docsRoutes } from './docs.ts'
import { type DescribedModel, openApiDocument } from './openapi.ts'

const described = { summary: 'A route', tag: 'Test' } as const
const ROUTES: readonly AnyRoute[] = [
  {
    ...described,
    method: 'GET',
    path: '/things/:name',
    permission: 'x:read',
    query: Type.Object({ limit: Type.Optional(Type.Integer({ description: 'How many' })) }),
    answers: { 200: Type.Object({ a: Type.Record(Type.String(), Type.Number()) }) },
    problems: [404],
    handle: () => ({}),
  },
  { ...described, method: 'GET', path: '/open', permission: 'public', answers: { 200: 'text' }, handle: () => ({}) },
  {
    ...described,
    method: 'POST',
    path: '/maybe',
    permission: 'x:write',
    body: Type.Union([Type.Undefined(), Type.Object({})]) as TSchema,
    answers: { 200: Type.Object({}) },
    handle: () => ({}),
  },
  ...['/predict', '/models/:name/predict'].map(
    (path): AnyRoute => ({
      ...described,
      kind: 'invocation',
      method: 'POST',
      path,
      permission: 'model:predict',
      body: Type.Object({}),
      answers: { 200: Type.Object({}) },
      problems: [404, 422, 429],
      invoke: async () => ({}),
    }),
  ),
  {
    ...described,
    kind: 'invocation',
    method: 'POST',
    path: '/own',
    permission: 'model:predict',
    answers: { 200: Type.Object({}) },
    problems: [404],
    invoke: async () => ({}),
    problem: ({ message, status }) => ({ status, body: { error: message } }),
  },
]
const MODEL: DescribedModel = {
  model: 'churn',
  version: '1.0.0',
  description: 'Leaves or stays',
  request: { type: 'object' },
  response: { type: 'object' },
  example: { age: 42 },
}

// biome-ignore lint/suspicious/noExplicitAny: a document is looked into, member by member
type Document = any

const document = (models: readonly DescribedModel[] = [MODEL]): Document =>
  JSON.parse(JSON.stringify(openApiDocument({ routes: ROUTES, models, version: '1.2.3' })))

describe('openApiDocument()', () => {
  it('describes parameters, bodies and answers as the routes have them', () => {
    const { paths, openapi } = document()
    assert.equal(openapi, '3.1.0')
    const { get } = paths['/things/{name}']
    assert.deepEqual(get.parameters, [
      { name: 'name', in: 'path', required: true, schema: { type: 'string', minLength: 1 } },
      { name: 'limit', in: 'query', required: false, description: 'How many', schema: { type: 'integer' } },
    ])
    const { schema } = get.responses['200'].content['application/json']
    assert.deepEqual(schema.properties.a, { type: 'object', additionalProperties: { type: 'number' } })
    assert.deepEqual(get.security, [{ key: [] }])
    assert.equal(get['x-permission'], 'x:read')
    assert.deepEqual(paths['/open'].get.security, [])
    assert.equal(paths['/maybe'].post.requestBody.required, false)
    assert.deepEqual(paths['/maybe'].post.requestBody.content['application/json'].schema, {
      type: 'object',
      properties: {},
    })
  })

  it('names every status that a route may answer with', () => {
    const { paths } = document()
    const statuses = (path: string, method: string): string => Object.keys(paths[path][method].responses).join(' ')
    assert.equal(statuses('/things/{name}', 'get'), '200 400 401 403 404 422 429 500 503')
    assert.equal(statuses('/open', 'get'), '200 400 500 503')
    assert.equal(statuses('/maybe', 'post'), '200 400 401 403 408 413 415 422 429 500 503')
    assert.equal(statuses('/predict', 'post'), '200 400 401 403 404 408 413 415 422 429 500 503')
    const { content } = paths['/own'].post.responses['404']
    assert.deepEqual(Object.keys(content), ['application/json'], 'problems in the shape of another protocol')
  })

  it('gives each model a path with its own schemas and an example, and /predict those of the only one', () => {
    const { paths, components } = document()
    const own = paths['/models/churn/predict'].post
    assert.deepEqual(own.requestBody.content['application/json'], {
      schema: { $ref: '#/components/schemas/churn.request' },
      example: { age: 42 },
    })
    assert.ok(components.schemas['churn.request'] && components.schemas['churn.response'])
    assert.deepEqual(paths['/predict'].post.requestBody, own.requestBody)
    assert.equal(paths['/models/{name}/predict'].post.requestBody.content['application/json'].example, undefined)
    const two = document([MODEL, { ...MODEL, model: 'credit' }])
    assert.equal(two.paths['/predict'].post.requestBody.content['application/json'].example, undefined)
    const ids = Object.values(two.paths as Record<string, Record<string, { operationId: string }>>)
      .flatMap(Object.values)
      .map(({ operationId }) => operationId)
    assert.equal(new Set(ids).size, ids.length)
  })
})

describe('docsRoutes()', () => {
  const routes = docsRoutes({ routes: ROUTES, models: () => [MODEL], version: '1.2.3' })
  const find = (path: string): Extract<AnyRoute, { handle: unknown }> =>
    routes.find(route => route.path === path) as never

  it('describes itself too', async () => {
    const { body } = await find('/openapi.json').handle({} as never)
    const { paths } = body as Document
    assert.ok(paths['/docs'] && paths['/openapi.json'])
  })

  it('is a page that needs nothing from elsewhere', async () => {
    const { text, headers } = await find('/docs').handle({} as never)
    const links = [...text!.matchAll(/(?:src|href)="([^"]*)"/g)].map(match => match[1]!)
    assert.ok(links.length >= 4)
    for (const link of links) assert.ok(find(link), `${link} is served`)
    assert.doesNotMatch(text!, /<script(?! src)|https?:/)
    assert.match(headers!['content-security-policy']!, /script-src 'self';/)
    for (const path of ['/docs/swagger-ui-bundle.js', '/docs/swagger-ui.css', '/docs/favicon-32x32.png']) {
      const { stream } = await find(path).handle({} as never)
      let bytes = 0
      for await (const chunk of stream!) bytes += (chunk as Buffer).length
      assert.ok(bytes > 100, path)
    }
  })
})

it('says nothing of what is described elsewhere, nor its name', () => {
  const elsewhere = { ...ROUTES[1]!, path: '/foreign', tag: 'Foreign', describedElsewhere: true } as AnyRoute
  const document = openApiDocument({ routes: [...ROUTES, elsewhere], models: [], version: '1.2.3' })
  assert.deepEqual(document, openApiDocument({ routes: ROUTES, models: [], version: '1.2.3' }))
})
