/** Requests to another server: within a time, again where that is harmless, and not at all while it is down. */
import { Problem } from '../errors.ts'
import type { Surroundings } from '../platform/surroundings.ts'
import type { CallTrace, RequestEnd } from '../predictor/call-trace.ts'
import type { RemoteSettings } from '../predictor/external.ts'
import { backoffMs } from './backoff.ts'
import { type Circuit, circuit } from './circuit.ts'

export interface RemoteRequest {
  readonly path: string
  readonly body?: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  readonly trace?: CallTrace
  /** More is not read. */
  readonly bytesMax: number
}

export interface RemoteAnswer {
  readonly bytes: Uint8Array
  readonly headers: Headers
}

export interface RemoteCalls {
  /** Rejects with `unavailable`, `overloaded`, or, where the other server refused, `failed`. */
  send(request: RemoteRequest): Promise<RemoteAnswer>
  /** Ends what is under way. */
  close(): void
  readonly circuit: Circuit
  counts(): { readonly requests: number; readonly retries: number; readonly failures: number; readonly busyMs: number }
}

const CIRCUIT = { failuresMax: 5, firstMs: 1_000, mostMs: 30_000 }
const RETRY = { firstMs: 50, mostMs: 2_000 }
/** Refusals that pass: too many requests, and what proxies say of servers that are not there. */
const PASSING: ReadonlySet<number> = new Set([408, 429, 502, 503, 504])
const IN_FLIGHT_MAX = 256
const REASON_CHARACTERS_MAX = 300

/** What one attempt came to. */
type Attempt =
  | { readonly answer: RemoteAnswer; readonly status: number }
  | { readonly problem: Problem; readonly again: boolean; readonly status?: number }

export function remoteCalls(settings: RemoteSettings, surroundings: Surroundings): RemoteCalls {
  const { timer, timers, random } = surroundings
  const headers = secretHeaders(settings, surroundings.environment)
  const breaker = circuit({ ...CIRCUIT, timer })
  const closing = new AbortController()
  const counts = { requests: 0, retries: 0, failures: 0, busyMs: 0 }
  let inFlight = 0

  const attempt = async (request: RemoteRequest, untilMs: number, trace: CallTrace['headers']): Promise<Attempt> => {
    const abort = new AbortController()
    const cancel = timers.after(Math.max(1, untilMs - timer()), () => abort.abort())
    const began = timer()
    counts.requests++
    try {
      const signal = AbortSignal.any([abort.signal, closing.signal])
      return await fetched(settings, request, { ...trace, ...request.headers, ...headers }, signal)
    } catch (error) {
      if (error instanceof Problem) return { problem: error, again: false }
      const why = abort.signal.aborted ? `it did not answer within ${settings.timeoutMs} ms` : reasonOf(error)
      return { problem: unavailable(settings, why, error), again: !abort.signal.aborted }
    } finally {
      counts.busyMs += timer() - began
      cancel()
    }
  }

  return {
    circuit: breaker,
    counts: () => ({ ...counts }),
    close: () => closing.abort(),
    async send(request) {
      if (inFlight >= IN_FLIGHT_MAX) throw overloaded(settings, inFlight)
      const untilMs = timer() + settings.timeoutMs
      inFlight++
      try {
        for (let tries = 0; ; tries++) {
          if (!breaker.admit())
            throw unavailable(settings, 'it failed several times in a row and is left alone for a while')
          const found = await traced(request, settings, tries, trace => attempt(request, untilMs, trace))
          if ('answer' in found) {
            breaker.succeeded()
            return found.answer
          }
          if (closing.signal.aborted || found.problem.code === 'failed') breaker.undecided()
          else breaker.failed()
          counts.failures++
          const wait = backoffMs(tries + 1, { ...RETRY, random })
          if (!found.again || tries >= settings.retries || timer() + wait >= untilMs || closing.signal.aborted)
            throw found.problem
          counts.retries++
          await new Promise<void>(resolve => timers.after(wait, resolve))
        }
      } finally {
        inFlight--
      }
    },
  }
}

/** One try, which is told to the trace of the call where that is kept. */
async function traced(
  request: RemoteRequest,
  { url }: RemoteSettings,
  resends: number,
  run: (trace: CallTrace['headers']) => Promise<Attempt>,
): Promise<Attempt> {
  const { trace } = request
  const told = trace?.request?.()
  if (told === undefined) return await run(trace?.headers ?? {})
  const found = await run(told.headers)
  told.ended({ ...placeOf(url), method: methodOf(request), resends, ...endOf(found) })
  return found
}

async function fetched(
  { url }: RemoteSettings,
  request: RemoteRequest,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Attempt> {
  const { path, body, bytesMax } = request
  const response = await fetch(url.replace(/\/+$/, '') + path, {
    method: methodOf(request),
    headers: { accept: 'application/json', ...headers },
    // A redirection could lead anywhere, and our secrets with it.
    redirect: 'manual',
    signal,
    ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
  })
  const bytes = await bounded(response, response.ok ? bytesMax : 1 << 16, url)
  const { status } = response
  if (response.ok) return { answer: { bytes, headers: response.headers }, status }
  const problem = refusal(url, status, new TextDecoder().decode(bytes))
  return { problem, again: PASSING.has(status), status }
}

function methodOf({ body }: RemoteRequest): string {
  return body === undefined ? 'GET' : 'POST'
}

function placeOf(url: string): Pick<RequestEnd, 'host' | 'port'> {
  const { hostname, port, protocol } = new URL(url)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'https:' ? 443 : 80)) }
}

/** Nothing of what was said: that could be anything. */
function endOf(found: Attempt): Pick<RequestEnd, 'status' | 'error'> {
  const status = found.status === undefined ? {} : { status: found.status }
  if ('answer' in found) return status
  return { ...status, error: found.status === undefined ? found.problem.code : String(found.status) }
}

function refusal(url: string, status: number, text: string): Problem {
  const said = text.replaceAll(/\s+/g, ' ').trim().slice(0, REASON_CHARACTERS_MAX)
  const message = `Cannot ask ${url}: it answers ${status}${said === '' ? '' : `: ${said}`}`
  return new Problem(status >= 500 || PASSING.has(status) ? 'unavailable' : 'failed', message)
}

async function bounded({ body }: Response, bytesMax: number, url: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body ?? []) {
    bytes += piece.length
    if (bytes > bytesMax)
      throw new Problem('failed', `Cannot read the answer of ${url}: it has more than ${bytesMax} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** Throws `misconfigured` where a variable is not set. */
function secretHeaders({ headers }: RemoteSettings, environment: Surroundings['environment']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, variable]) => {
      const value = environment[variable]
      if (value !== undefined && value !== '') return [name, value]
      throw new Problem(
        'misconfigured',
        `Cannot ask the remote model: its header ${name} is taken from ${variable}, which is not set`,
      )
    }),
  )
}

function overloaded({ url }: RemoteSettings, inFlight: number): Problem {
  return new Problem('overloaded', `Cannot ask ${url}: ${inFlight} requests are under way`, { retryAfterSeconds: 1 })
}

function unavailable({ url }: RemoteSettings, why: string, cause?: unknown): Problem {
  return new Problem('unavailable', `Cannot ask ${url}: ${why}`, { cause })
}

/** What the system says, which `fetch` hides in the cause. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown }
  const inner = cause instanceof Error ? cause : error
  return inner instanceof Error
    ? inner.message || String((inner as { code?: unknown }).code ?? inner.name)
    : String(inner)
}
