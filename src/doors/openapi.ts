/**
 * The API's description, OpenAPI 3.1, made from the same data that the doors answer by: what is not a route is not in it, and
 * every problem that a route may answer with is.
 */
import { PROBLEMS, Problem } from '../errors.ts'
import type { Answer, AnyRoute } from '../route.ts'
import { isOptionalBody, jsonSchemaOf, parametersOf } from './openapi-schemas.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/** A model with schemas of its own. */
export interface DescribedModel {
  readonly model: string
  readonly version: string
  readonly description: string
  readonly request: JsonSchema
  readonly response: JsonSchema
  readonly example: unknown
}

export interface OpenApiParts {
  readonly routes: readonly AnyRoute[]
  readonly models: readonly DescribedModel[]
  /** Version of the program. */
  readonly version: string
}

const PROBLEM = { $ref: '#/components/schemas/Problem' }
/** Paths that take any model, and the place of its name in them. */
const PREDICT_PATHS: ReadonlySet<string> = new Set(['/models/:name/predict'])
const DEFAULT_PREDICT_PATH = '/predict'

export function openApiDocument({ routes: all, models, version }: OpenApiParts): object {
  const routes = all.filter(({ describedElsewhere }) => describedElsewhere !== true)
  const paths: Record<string, Record<string, object>> = {}
  const add = (path: string, method: string, operation: object): void => {
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation }
  }
  for (const route of routes) {
    // A model's own paths come before the path of any model.
    if (PREDICT_PATHS.has(route.path)) for (const model of models) add(...ownPath(route, model))
    const only = route.path === DEFAULT_PREDICT_PATH && models.length === 1 ? models[0] : undefined
    add(templateOf(route.path), route.method, operationOf(route, only))
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Bellwether',
      version,
      description: 'Trained models, served, recorded and proven. Errors are problem documents (RFC 9457).',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map(name => ({ name })),
    paths,
    components: {
      schemas: { ...modelComponents(models), Problem: problemSchema() },
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key. While there are none, callers of this machine need none.',
        },
      },
    },
  }
}

function ownPath(route: AnyRoute, model: DescribedModel): [path: string, method: string, operation: object] {
  const path = route.path.replace(':name', encodeURIComponent(model.model))
  return [path, route.method, operationOf({ ...route, path, summary: `Ask ${model.model}` }, model)]
}

function operationOf(route: AnyRoute, model?: DescribedModel): object {
  const description = [model?.description, route.description].filter(text => text !== undefined).join('\n\n')
  return {
    operationId: `${route.method}${route.path}`.toLowerCase().replaceAll(/[^a-z\d]+/g, '_'),
    summary: route.summary,
    ...(description === '' ? {} : { description }),
    tags: [route.tag],
    security: route.permission === 'public' ? [] : [{ key: [] }],
    ...listOf('parameters', parametersOf(route)),
    ...bodyOf(route, model),
    responses: responsesOf(route, model),
    ...(route.permission === 'public' ? {} : { 'x-permission': route.permission }),
  }
}

function listOf(name: string, list: readonly object[]): object {
  return list.length === 0 ? {} : { [name]: list }
}

function bodyOf(route: AnyRoute, model: DescribedModel | undefined): object {
  if (model !== undefined) {
    const schema = { $ref: `#/components/schemas/${componentOf(model)}.request` }
    return { requestBody: { required: true, content: { 'application/json': { schema, example: model.example } } } }
  }
  if (route.body !== undefined) {
    const content = { 'application/json': { schema: jsonSchemaOf(route.body) } }
    return { requestBody: { required: !isOptionalBody(route.body), content } }
  }
  if (route.kind === 'invocation') return {}
  if (route.upload === true) return { requestBody: { required: true, content: { '*/*': {} } } }
  if (route.multipart === undefined) return {}
  const { description, schema } = route.multipart
  return {
    requestBody: { required: true, description, content: { 'multipart/form-data': { schema: jsonSchemaOf(schema) } } },
  }
}

function responsesOf(route: AnyRoute, model: DescribedModel | undefined): object {
  const responses: Record<string, object> = {}
  for (const [status, answer] of Object.entries(route.answers)) {
    const schema = model === undefined ? answer : { $ref: `#/components/schemas/${componentOf(model)}.response` }
    responses[status] = {
      description: Number(status) < 400 ? 'Done' : titleOf(Number(status)),
      content: contentOf(schema),
    }
  }
  for (const status of problemStatuses(route)) {
    if (responses[status] !== undefined) continue
    const own = ownProblem(route)
    const content =
      own === undefined
        ? { 'application/problem+json': { schema: PROBLEM } }
        : { [own.type?.split(';')[0] ?? 'application/json']: { schema: ownSchema(own.body) } }
    responses[status] = { description: titleOf(status), headers: headersOf(status), content }
  }
  return responses
}

function contentOf(answer: AnyRoute['answers'][number] | object): object {
  // Routes say what they send, not how it is called: text may be HTML, a script, lines of JSON.
  if (answer === 'text') return { '*/*': { schema: { type: 'string' } } }
  if (answer === 'binary') return { '*/*': {} }
  return { 'application/json': { schema: jsonSchemaOf(answer) } }
}

/** Every status that a problem of this route can have: its own, and those that the door answers for it. */
function problemStatuses(route: AnyRoute): number[] {
  const statuses = new Set([400, 500, 503, ...(route.problems ?? [])])
  if (route.permission !== 'public') for (const status of [401, 403, 429]) statuses.add(status)
  if (route.query !== undefined || route.params !== undefined) statuses.add(422)
  const hasBody = route.body !== undefined || (route.kind !== 'invocation' && route.multipart !== undefined)
  if (hasBody) for (const status of [408, 413, 415, 422]) statuses.add(status)
  return [...statuses].sort()
}

/** A route's own kind of problem, if it has one: asked of the route itself. */
function ownProblem({ problem }: AnyRoute): Answer | undefined {
  return problem?.(new Problem('failed', 'Asked for its shape'), '')
}

/** Such problems are objects of texts. */
function ownSchema(body: unknown): JsonSchema {
  const names = Object.keys(body as object)
  const properties = Object.fromEntries(names.map(name => [name, { type: 'string' }]))
  return { type: 'object', properties, required: names }
}

function headersOf(status: number): object {
  const text = (description: string): object => ({ description, schema: { type: 'string' } })
  if (status === 401) return { 'WWW-Authenticate': text('How to authenticate') }
  return status === 429 || status === 503 ? { 'Retry-After': text('Seconds to wait') } : {}
}

function titleOf(status: number): string {
  const titles = Object.values(PROBLEMS).filter(({ http }) => http === status)
  return [...new Set(titles.map(({ title }) => title))].join('; or: ') || 'Not done'
}

/** `/models/:name` is `/models/{name}`. */
function templateOf(path: string): string {
  return path.replaceAll(/:([^/]+)/g, '{$1}')
}

function modelComponents(models: readonly DescribedModel[]): Record<string, JsonSchema> {
  const components: Record<string, JsonSchema> = {}
  for (const model of models) {
    components[`${componentOf(model)}.request`] = { title: `${model.model}@${model.version}`, ...model.request }
    components[`${componentOf(model)}.response`] = model.response
  }
  return components
}

/** Names of components take few characters. */
function componentOf({ model }: DescribedModel): string {
  return model.replaceAll(/[^\w.-]/g, '_')
}

function problemSchema(): object {
  const text = { type: 'string' }
  const field = { type: 'object', properties: { field: text, problem: text }, required: ['field', 'problem'] }
  return {
    type: 'object',
    description: 'A problem document, RFC 9457',
    properties: {
      type: { type: 'string', format: 'uri' },
      title: text,
      status: { type: 'integer' },
      detail: { type: 'string', description: 'What was found against what was wanted' },
      code: { enum: Object.keys(PROBLEMS) },
      requestId: text,
      errors: { type: 'array', items: field, description: 'Each wrong field' },
    },
    required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  }
}
