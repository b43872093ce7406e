/**
 * The same model behind the event shapes of serverless platforms. `POST …/explain` explains, any other POST predicts, GET tells
 * which model it is. Errors are `application/problem+json`, as our server's are.
 */
import { asProblem, PROBLEMS, Problem } from '../../errors.ts'
import type { EdgeModel } from './edge-model.ts'

interface Request {
  readonly method: string
  readonly path: string
  readonly body: string
}

interface Response {
  readonly status: number
  readonly type: string
  readonly body: string
}

function answer(model: EdgeModel, { method, path, body }: Request): Response {
  try {
    if (method === 'GET') return json(200, model.about)
    if (method !== 'POST') throw new Problem('method_not_allowed', `Cannot answer ${method}: wanted POST or GET`)
    const input = parsed(body) as Parameters<EdgeModel['predict']>[0]
    return json(200, /\/explain\/?$/.test(path) ? model.explain(input) : model.predict(input))
  } catch (error) {
    const { code, message, fields } = asProblem(error)
    const { http, title } = PROBLEMS[code]
    const errors = fields.length === 0 ? {} : { errors: fields }
    return json(http, { type: 'about:blank', title, status: http, code, detail: message, ...errors }, 'problem+json')
  }
}

function json(status: number, body: unknown, kind = 'json'): Response {
  return { status, type: `application/${kind}; charset=utf-8`, body: JSON.stringify(body) }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    throw new Problem('malformed', `Cannot read the body: it is not JSON (${(error as Error).message})`)
  }
}

/** Events of API Gateway (1.0 and 2.0), function URLs and load balancers. */
interface LambdaEvent {
  readonly httpMethod?: string
  readonly path?: string
  readonly rawPath?: string
  readonly requestContext?: { readonly http?: { readonly method?: string; readonly path?: string } }
  readonly body?: string | null
  readonly isBase64Encoded?: boolean
}

interface LambdaAnswer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** For AWS Lambda. An event that is no HTTP request is taken as the input itself, and gets the answer itself. */
export function lambdaHandler(model: EdgeModel): (event: unknown) => Promise<unknown> {
  return async event => {
    const { httpMethod, path, rawPath, requestContext, body, isBase64Encoded } = (event ?? {}) as LambdaEvent
    const method = requestContext?.http?.method ?? httpMethod
    if (method === undefined) return model.predict(event as Parameters<EdgeModel['predict']>[0])
    const text = isBase64Encoded === true ? fromBase64(body ?? '') : (body ?? '')
    const answered = answer(model, { method, path: rawPath ?? path ?? '/', body: text })
    const headers = { 'content-type': answered.type }
    return { statusCode: answered.status, headers, body: answered.body } satisfies LambdaAnswer
  }
}

function fromBase64(text: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(text), character => character.charCodeAt(0)))
}

/** Azure Functions hand `(context, request)` in their older programming model, `(request, context)` in version 4. */
interface AzureRequest {
  readonly method?: string
  readonly url?: string
  readonly rawBody?: unknown
  readonly body?: unknown
  readonly text?: () => Promise<string>
}

interface AzureContext {
  res?: unknown
}

export function azureHandler(model: EdgeModel): (first: unknown, second: unknown) => Promise<unknown> {
  return async (first, second) => {
    const isNewer = typeof (first as AzureRequest)?.text === 'function'
    const request = (isNewer ? first : second) as AzureRequest
    const path = (request.url ?? '/').replace(/[?#].*$/, '')
    const body = isNewer ? await request.text!() : olderBody(request)
    const { status, type, body: text } = answer(model, { method: request.method ?? 'POST', path, body })
    const response = { status, headers: { 'content-type': type }, body: text }
    if (!isNewer) (first as AzureContext).res = response
    return response
  }
}

function olderBody({ rawBody, body }: AzureRequest): string {
  if (typeof rawBody === 'string') return rawBody
  return typeof body === 'string' ? body : JSON.stringify(body ?? null)
}
