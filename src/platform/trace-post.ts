/** One request with spans to a collector, and what it says to it: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
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

/** Never rejects. */
export async function post(
  { url, headers, format, isCompressed, timeoutMs }: PostSettings,
  body: Uint8Array,
  closing: AbortSignal,
  timers: Timers,
): Promise<Sent> {
  const late = new AbortController()
  const cancel = timers.after(timeoutMs, () => late.abort())
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'user-agent': `bellwether/${PROGRAM_VERSION}`,
        ...headers,
        'content-type': format.type,
        ...(isCompressed ? { 'content-encoding': 'gzip' } : {}),
      },
      body: body as Uint8Array<ArrayBuffer>,
      // A redirection could lead anywhere, and the headers with their secrets with it.
      redirect: 'manual',
      signal: AbortSignal.any([late.signal, closing]),
    })
    return judged(format, response, await bounded(response))
  } catch (error) {
    const why = late.signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error)
    return { isTaken: false, rejected: NONE, again: !closing.aborted, retryAfterMs: undefined, why }
  } finally {
    cancel()
  }
}

function judged(format: SpanFormat, { status, headers }: Response, answer: Buffer): Sent {
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
function retryAfter(headers: Headers): number | undefined {
  const text = headers.get('retry-after')
  if (text === null) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000
  const wait = Date.parse(text) - Date.parse(headers.get('date') ?? '')
  return wait >= 0 ? wait : undefined
}

async function bounded({ body }: Response): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body ?? []) {
    bytes += piece.length
    if (bytes > ANSWER_BYTES_MAX) break
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** What the system says, which `fetch` hides in the cause. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown }
  const inner = cause instanceof Error ? cause : error
  return inner instanceof Error ? inner.message || inner.name : String(inner)
}
