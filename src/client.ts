/**
 * Talks to a Bellwether server; published as `bellwether/client`. How bytes travel is handed in (`Transport`), so that
 * the command line can use the same client over HTTP and against an application opened in its own process.
 */
import { type FieldProblem, PROBLEMS, Problem, type ProblemCode } from './errors.ts'

export interface ClientRequest {
  readonly method: string
  /** Path and query, e.g. `/models/churn?limit=10`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | FormData | ReadableStream<Uint8Array>
}

export type Transport = (request: ClientRequest) => Promise<Response>

export interface Client {
  /** Sends and returns the raw answer; throws a `Problem` where the server answered with one. */
  send(request: ClientRequest): Promise<Response>
  /** Sends JSON (if `body` is given) and reads JSON. */
  json<T>(method: string, path: string, body?: unknown): Promise<T>
}

/** A problem that a server answered with, and the id under which its log tells more of it. */
export class AnsweredProblem extends Problem {
  readonly requestId: string | undefined

  constructor(code: ProblemCode, message: string, detail: AnsweredDetail) {
    super(code, message, detail)
    this.requestId = detail.requestId
  }
}

interface AnsweredDetail {
  readonly fields: readonly FieldProblem[]
  readonly requestId?: string
  readonly retryAfterSeconds?: number
}

/** Over HTTP. `key` is an API key; without it the server must be one without keys. `signal` gives up what is under way. */
export function httpTransport(url: string, key?: string, signal?: AbortSignal): Transport {
  const origin = url.replace(/\/+$/, '')
  return async ({ method, path, headers, body }) => {
    const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` }
    try {
      return await fetch(origin + path, {
        method,
        headers: { ...headers, ...authorization },
        ...(body === undefined ? {} : { body }),
        ...(body instanceof ReadableStream ? { duplex: 'half' as const } : {}),
        ...(signal === undefined ? {} : { signal }),
      })
    } catch (error) {
      throw new Problem('unavailable', `Cannot reach the server at ${origin}: ${reason(error)}`, { cause: error })
    }
  }
}

export function client(transport: Transport): Client {
  const send = async (request: ClientRequest): Promise<Response> => {
    const response = await transport(request)
    if (response.ok) return response
    throw await problemOf(response)
  }
  return {
    send,
    async json<T>(method: string, path: string, body?: unknown): Promise<T> {
      const headers = {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      }
      const response = await send({
        method,
        path,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return (await response.json()) as T
    },
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text()
  try {
    const document = JSON.parse(text) as { code?: string; detail?: string; errors?: FieldProblem[]; requestId?: string }
    if (document.code !== undefined && Object.hasOwn(PROBLEMS, document.code)) {
      const { code, detail = code, errors: fields = [], requestId } = document
      const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
      return new AnsweredProblem(code as ProblemCode, detail, {
        fields,
        ...(requestId === undefined ? {} : { requestId }),
        ...(Number.isFinite(retryAfter) ? { retryAfterSeconds: retryAfter } : {}),
      })
    }
  } catch {
    // Not a problem document: whatever answered is not a Bellwether server, and its status is all there is to tell.
  }
  return new Problem('failed', `Cannot use the answer: status ${response.status} without a problem document`)
}

function reason(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  return cause instanceof Error ? cause.message : String(cause)
}

/** Speaks with the owner's key, whatever the caller would show. */
export function ownerTransport(url: string, ownerKey: string): Transport {
  const send = httpTransport(url, ownerKey)
  return ({ headers: { authorization: _, ...headers } = {}, ...request }) => send({ ...request, headers })
}
