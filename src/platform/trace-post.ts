/** One request with spans to a collector, and what it says to it: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
import type { Agent, IncomingMessage, RequestOptions } from 'node:http'
import type * as Https from 'node:https'
import { http } from './node-http.ts'
import { PROGRAM_VERSION } from './program.ts'
import type { Timers } from './timers.ts'
import type { Rejected, SpanFormat } from './trace-span.ts'

export interface PostSettings {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly format: SpanFormat
  readonly isCompressed: boolean
  readonly timeoutMs: number
}

export interface Sent {
  readonly isTaken: boolean
  /** Of what was taken. */
  readonly rejected: Rejected
  /** Of what was not: it may be another time. */
  readonly again: boolean
  /** When, if the collector says so. */
  readonly retryAfterMs: number | undefined
  readonly why: string
}

/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504])
const ANSWER_BYTES_MAX = 1 << 16
const REASON_CHARACTERS_MAX = 200
const NONE: Rejected = { spans: 0, reason: '' }

/** A connection to a collector, kept between requests. By Node's own client: `fetch` would take 14 MB of each process. */
export interface Poster {
  /** Never rejects. */
  post(body: Uint8Array, closing: AbortSignal): Promise<Sent>
  close(): void
}

export function openPoster(settings: PostSettings, timers: Timers): Poster {
  const { url, headers, format, isCompressed, timeoutMs } = settings
  const client = url.startsWith('https:') ? (process.getBuiltinModule('node:https') as typeof Https) : http
  const agent: Agent = new client.Agent({ keepAlive: true, maxSockets: 1 })
  const own = {
    'user-agent': `bellwether/${PROGRAM_VERSION}`,
    ...headers,
    'content-type': format.type,
    ...(isCompressed ? { 'content-encoding': 'gzip' } : {}),
  }
  return {
    close: () => agent.destroy(),
    async post(body, closing) {
      const late = new AbortController()
      const cancel = timers.after(timeoutMs, () => late.abort())
      const signal = AbortSignal.any([late.signal, closing])
      const options = { method: 'POST', agent, signal, headers: { ...own, 'content-length': body.length } }
      try {
        return await exchanged(client, settings, options, body)
      } catch (error) {
        const why = late.signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error as NodeJS.ErrnoException)
        return { isTaken: false, rejected: NONE, again: !closing.aborted, retryAfterMs: undefined, why }
      } finally {
        cancel()
      }
    },
  }
}

/** Redirections are not followed: they could lead anywhere, and the headers with their secrets with them. */
function exchanged(
  client: Pick<typeof Https, 'request'>,
  settings: PostSettings,
  options: RequestOptions,
  body: Uint8Array,
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const call = client.request(settings.url, options, response => {
      bounded(response).then(answer => resolve(judged(settings.format, response, answer)), reject)
    })
    call.on('error', (error: NodeJS.ErrnoException) => {
      // The collector ended the connection while nothing was on it: that says nothing about the collector.
      if (call.reusedSocket && error.code === 'ECONNRESET') resolve(exchanged(client, settings, options, body))
      else reject(error)
    })
    call.end(body)
  })
}

function judged(format: SpanFormat, { statusCode: status = 0, headers }: IncomingMessage, answer: Buffer): Sent {
  if (status >= 200 && status < 300) {
    return { isTaken: true, rejected: rejectedOf(format, answer), again: false, retryAfterMs: undefined, why: '' }
  }
  const again = RETRYABLE.has(status)
  const retryAfterMs = again ? retryAfter(headers) : undefined
  return { isTaken: false, rejected: NONE, again, retryAfterMs, why: `it answers ${status}` }
}

/** An answer in a form of its own is still one to a request that was taken. */
function rejectedOf(format: SpanFormat, answer: Buffer): Rejected {
  try {
    const { spans, reason } = format.readRejected(answer)
    return spans > 0 ? { spans, reason: reason.slice(0, REASON_CHARACTERS_MAX) } : NONE
  } catch {
    return NONE
  }
}

/** RFC 9110 §10.2.3: seconds, or a date, which is taken from the collector's own clock. */
function retryAfter(headers: IncomingMessage['headers']): number | undefined {
  const text = headers['retry-after']
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000
  const wait = Date.parse(text) - Date.parse(headers.date ?? '')
  return wait >= 0 ? wait : undefined
}

async function bounded(response: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > ANSWER_BYTES_MAX) break
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** A name with several addresses fails with an error for each, and without a message of its own. */
function reasonOf({ message, code, name }: NodeJS.ErrnoException): string {
  return message || code || name
}
