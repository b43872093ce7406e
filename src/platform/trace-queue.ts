/**
 * Spans on their way out: kept in a bounded queue, sent in batches beside the work, one request at a time. Nobody ever waits
 * for it: what finds no room, and what the collector will not have, is dropped and counted.
 */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Log } from './log.ts'
import type { Timers } from './timers.ts'
import { openPoster, type Poster, type Sent } from './trace-post.ts'
import type { Origin, Span, SpanFormat } from './trace-span.ts'

/** What is kept of one call: spans are only made of it when they are sent. */
export interface KeptSpans {
  readonly count: number
  spans(): readonly Span[]
}

export interface TraceQueue {
  take(kept: KeptSpans): void
  /** What became of spans so far, in the Prometheus text format. */
  render(): string
  /** Sends what waits, for a short while, and gives up the rest. */
  close(): Promise<void>
}

export interface QueueSettings {
  /** Where requests go. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly format: SpanFormat
  readonly isCompressed: boolean
  /** Of one request, milliseconds. */
  readonly timeoutMs: number
  /** Longest time that a span waits for others, milliseconds. */
  readonly delayMs: number
  /** Most spans that wait. */
  readonly spansMax: number
}

export interface QueueParts {
  readonly origin: Origin
  readonly timers: Timers
  /** From 0 up to, and without, 1. */
  readonly random: () => number
  readonly log: Pick<Log, 'info' | 'warn'>
}

/** Spans of one request: making and writing so many takes a millisecond or two. */
const BATCH_SPANS = 512
/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes: again after a while, longer each time. */
const TRIES_MAX = 5
const RETRY_FIRST_MS = 1_000
const RETRY_MOST_MS = 30_000
/** A collector may ask for a longer wait, but not for ever. */
const RETRY_AFTER_MS_MAX = 300_000
const CLOSE_MS_MAX = 3_000

const compressed = promisify(gzip)

type Loss = 'full' | 'refused' | 'unreachable' | 'failed'

export function traceQueue(settings: QueueSettings, parts: QueueParts): TraceQueue {
  return new Queue(settings, parts)
}

class Queue implements TraceQueue {
  readonly #settings: QueueSettings
  readonly #parts: QueueParts
  readonly #poster: Poster
  readonly #closing = new AbortController()
  #waiting: KeptSpans[] = []
  #waitingSpans = 0
  #cancelDue: (() => void) | undefined
  #sending: Promise<void> | undefined
  #isClosed = false
  #isFailing = false
  #exported = 0
  #failures = 0
  readonly #lost: Record<Loss, number> = { full: 0, refused: 0, unreachable: 0, failed: 0 }

  constructor(settings: QueueSettings, parts: QueueParts) {
    this.#settings = settings
    this.#parts = parts
    this.#poster = openPoster(settings, parts.timers)
  }

  take(kept: KeptSpans): void {
    if (this.#isClosed || this.#waitingSpans + kept.count > this.#settings.spansMax) {
      this.#lost.full += kept.count
      return
    }
    this.#waiting.push(kept)
    this.#waitingSpans += kept.count
    if (this.#sending !== undefined) return
    // Whoever brings the spans is on the way to an answer: they are made and written after it.
    if (this.#waitingSpans >= BATCH_SPANS) this.#due(0)
    else if (this.#cancelDue === undefined) this.#due(this.#settings.delayMs)
  }

  render(): string {
    const lost = Object.entries(this.#lost).map(
      ([reason, count]) => `trace_spans_dropped_total{reason="${reason}"} ${count}\n`,
    )
    return `# HELP trace_spans_exported_total Spans that the collector took
# TYPE trace_spans_exported_total counter
trace_spans_exported_total ${this.#exported}
# HELP trace_spans_dropped_total Spans that were not exported: no room, refused by the collector, or it could not be reached
# TYPE trace_spans_dropped_total counter
${lost.join('')}# HELP trace_export_failures_total Requests that the collector did not answer as they were wanted
# TYPE trace_export_failures_total counter
trace_export_failures_total ${this.#failures}
# HELP trace_spans_waiting Spans that wait to be exported
# TYPE trace_spans_waiting gauge
trace_spans_waiting ${this.#waitingSpans}
`
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const late = this.#parts.timers.after(CLOSE_MS_MAX, () => this.#closing.abort())
    this.#cancelDue?.()
    this.#wake?.()
    await this.#sending
    this.#begin()
    await this.#sending
    late()
    this.#poster.close()
  }

  /** Ends a wait for another try. */
  #wake: (() => void) | undefined

  #due(ms: number): void {
    this.#cancelDue?.()
    this.#cancelDue = this.#parts.timers.after(ms, () => this.#begin())
  }

  #begin(): void {
    this.#cancelDue = undefined
    if (this.#sending !== undefined || this.#waiting.length === 0) return
    this.#sending = this.#sendAll().finally(() => {
      this.#sending = undefined
      if (this.#waiting.length > 0 && !this.#isClosed) this.#due(this.#settings.delayMs)
    })
  }

  /** What waits now, and, while there are whole batches, what comes meanwhile. Never rejects. */
  async #sendAll(): Promise<void> {
    do {
      const batch = this.#next()
      const lost = await this.#send(batch).catch((error: unknown) => this.#broken(error))
      if (lost !== undefined) this.#lost[lost] += countOf(batch)
    } while (this.#waitingSpans >= BATCH_SPANS || (this.#isClosed && this.#waiting.length > 0))
  }

  #next(): readonly KeptSpans[] {
    let taken = 0
    let count = 0
    while (taken < this.#waiting.length && (taken === 0 || count + this.#waiting[taken]!.count <= BATCH_SPANS)) {
      count += this.#waiting[taken++]!.count
    }
    this.#waitingSpans -= count
    return this.#waiting.splice(0, taken)
  }

  #broken(error: unknown): Loss {
    this.#parts.log.warn({ err: error }, 'Cannot write spans: they are lost')
    return 'failed'
  }

  /** Resolves with why the spans are lost, if they are. */
  async #send(batch: readonly KeptSpans[]): Promise<Loss | undefined> {
    const { origin } = this.#parts
    const spans = batch.flatMap(kept => kept.spans())
    const written = this.#settings.format.write(origin, spans)
    const body = this.#settings.isCompressed ? await compressed(written) : written
    for (let tries = 1; ; tries++) {
      const sent = await this.#poster.post(body, this.#closing.signal)
      if (sent.isTaken) {
        this.#taken(spans.length, sent)
        return undefined
      }
      this.#failed(sent)
      if (tries === TRIES_MAX || this.#isClosed) return 'unreachable'
      if (!sent.again) return 'refused'
      await this.#wait(sent.retryAfterMs ?? this.#backoffMs(tries))
    }
  }

  #taken(count: number, { rejected }: Sent): void {
    this.#exported += count - rejected.spans
    this.#lost.refused += rejected.spans
    const { log } = this.#parts
    const { url } = this.#settings
    if (rejected.spans > 0) log.warn({ url, ...rejected }, 'The collector of traces refused spans')
    if (this.#isFailing) log.info({ url }, 'The collector of traces answers again')
    this.#isFailing = false
  }

  /** Told once, until it answers again: a collector that is gone for a night is no reason for a long log. */
  #failed({ why }: Sent): void {
    this.#failures++
    if (this.#isFailing) return
    this.#isFailing = true
    this.#parts.log.warn(
      { url: this.#settings.url, why },
      'Cannot export traces: it is tried again, and spans may be lost',
    )
  }

  #backoffMs(tries: number): number {
    return Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** (tries - 1)) * (0.5 + this.#parts.random() / 2)
  }

  #wait(ms: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    return new Promise(resolve => {
      const cancel = this.#parts.timers.after(Math.min(ms, RETRY_AFTER_MS_MAX), () => this.#wake?.())
      this.#wake = () => {
        cancel()
        this.#wake = undefined
        resolve()
      }
    })
  }
}

function countOf(batch: readonly KeptSpans[]): number {
  return batch.reduce((sum, { count }) => sum + count, 0)
}
