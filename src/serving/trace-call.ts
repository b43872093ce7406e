/**
 * What a call leaves in its trace. On the way only the timer is read, where steps end; spans are made of that when they are
 * sent. A call that is not kept costs its trace's id, and one that nobody traces nothing.
 */
import { PROBLEMS } from '../errors.ts'
import { openTraces, type Traces, type TracesWorld } from '../platform/open-traces.ts'
import { readTrace, type TraceContext, traceHeaders } from '../platform/trace-context.ts'
import type { KeptSpans } from '../platform/trace-queue.ts'
import { type Attributes, type AttributeValue, SPAN_KIND, type Span } from '../platform/trace-span.ts'
import type { CallTrace, RequestEnd, TracedRequest } from '../predictor/call-trace.ts'
import type { InvocationRequest } from '../route.ts'
import type { Journey } from './journey.ts'

/** Steps of the journey, in its order: what a mark ends. */
const STEPS = ['access', 'version', 'features', 'policy', 'predictor', 'explain', 'ledger'] as const

export const STEP = {
  access: 0,
  version: 1,
  features: 2,
  policy: 3,
  predictor: 4,
  explain: 5,
  ledger: 6,
  /** Not one of them: where the journey ended early. */
  refusal: 7,
} as const

const MARKS = STEPS.length + 1

/** What is noted of a call that is kept. */
export interface CallSpan {
  /** Of the whole call. */
  readonly id: string
  /** Of the step whose predictor may ask others. */
  readonly predictorId: string
  /** Readings of the timer by `STEP`; 0: not come so far. */
  readonly marks: Float64Array
  /** Requests to whoever computes the answer, where there are any: each try. */
  tries: Try[] | undefined
}

/** A request to another server, by readings of the timer. */
interface Try {
  readonly id: string
  readonly beganMs: number
  /** Absent while it is under way. */
  end?: RequestEnd & { readonly atMs: number }
}

export interface Tracing {
  /** The trace that a call belongs to: its caller's, or one that begins with it. */
  begin(headers: InvocationRequest['headers']): TraceContext
  /** For a call whose trace is kept. */
  span(): CallSpan
  spanId(): string
  /** Begins a request to another server, which belongs to the call. */
  request(span: CallSpan, trace: TraceContext): TracedRequest
  /** Takes a call that has ended. */
  keep(journey: Journey): void
}

export function mark({ timer }: { readonly timer: () => number }, { span }: Journey, step: number): void {
  if (span !== undefined) span.marks[step] = timer()
}

/** What whoever is asked to compute the answer learns of the trace, and tells it. */
export function onward(
  traced: { readonly tracing?: Tracing | undefined },
  journey: Pick<Journey, 'trace' | 'span'>,
): CallTrace | undefined {
  const { trace, span } = journey
  const headers = headersOnward(traced, journey)
  if (headers === undefined) return undefined
  const { tracing } = traced
  return span === undefined || tracing === undefined
    ? { headers }
    : { headers, request: () => tracing.request(span, trace!) }
}

/**
 * Headers by which whoever comes next learns of the trace: who is asked to compute the answer, or, with the id of the call's
 * own span, who reads it. What is not traced here is handed on as it came.
 */
export function headersOnward(
  { tracing }: { readonly tracing?: Tracing | undefined },
  { trace, span }: Pick<Journey, 'trace' | 'span'>,
  spanId: string | undefined = span?.predictorId,
): Readonly<Record<string, string>> | undefined {
  if (trace === undefined) return undefined
  return traceHeaders(trace, spanId ?? (trace.parentId === '' ? tracing!.spanId() : trace.parentId))
}

/** @param closing takes how to send what waits at the end. Returns undefined where nothing is to be traced. */
export function openTracing(world: TracesWorld, closing: (() => Promise<void>)[]): Tracing | undefined {
  const traces = openTraces(world, closing)
  return traces && callTracing(traces, world)
}

export function callTracing(
  { ids, sampler, take }: Traces,
  { clock, timer }: Pick<TracesWorld, 'clock' | 'timer'>,
): Tracing {
  let epochMs = clock.now() - timer()
  return {
    begin(headers) {
      const parent = readTrace(headers)
      if (parent === undefined) {
        const traceId = ids.traceId()
        return { traceId, parentId: '', isSampled: sampler.begins(ids.randomness), state: '' }
      }
      const { traceId, parentId, state } = parent
      return { traceId, parentId, isSampled: sampler.joins(parent), state }
    },
    span: () => ({ id: ids.spanId(), predictorId: ids.spanId(), marks: new Float64Array(MARKS), tries: undefined }),
    spanId: () => ids.spanId(),
    request(span, trace) {
      const one: Try = { id: ids.spanId(), beganMs: timer() }
      span.tries ??= []
      span.tries.push(one)
      return {
        headers: traceHeaders(trace, one.id),
        ended: told => {
          one.end = { ...told, atMs: timer() }
        },
      }
    },
    keep(journey) {
      // The clock tells whole milliseconds, the timer their fractions: where they are furthest apart, one of the clock's began.
      const apart = clock.now() - timer()
      if (apart > epochMs || apart < epochMs - 1) epochMs = apart
      take(new KeptCall(journey, epochMs, ids.spanId))
    },
  }
}

/** What is known of a call once it has ended, without its features and answers. */
class KeptCall implements KeptSpans {
  readonly count: number
  readonly #trace: TraceContext
  readonly #span: CallSpan
  readonly #facts: CallFacts
  readonly #spanId: () => string
  readonly #arrivedMs: number
  readonly #startedMs: number
  readonly #endedMs: number
  readonly #epochMs: number
  readonly #isExplained: boolean
  /** Those that the call began before it ended: one more may come of it later. */
  readonly #tries: readonly Try[]

  constructor(journey: Journey, epochMs: number, spanId: () => string) {
    this.#trace = journey.trace!
    this.#span = journey.span!
    this.#facts = factsOf(journey)
    this.#spanId = spanId
    this.#arrivedMs = journey.arrivedMs
    this.#startedMs = journey.startedMs
    const { marks } = this.#span
    // What a call took is told in whole microseconds: its last step may have ended a part of one later.
    this.#endedMs = Math.max(journey.startedMs + journey.tookMs, marks[STEP.ledger]!, marks[STEP.refusal]!)
    this.#epochMs = epochMs
    this.#isExplained = journey.explained !== undefined
    this.#tries = [...(this.#span.tries ?? [])]
    this.count = this.#steps(() => {}) + (this.#arrivedMs === 0 ? 1 : 2) + this.#tries.length
  }

  spans(): Span[] {
    const { kind, name, attributes, error } = this.#facts
    const { traceId, parentId, state } = this.#trace
    const whole = this.#between(this.#arrivedMs || this.#startedMs, this.#endedMs)
    const call = {
      traceId,
      spanId: this.#span.id,
      parentId,
      isParentRemote: true,
      state,
      kind,
      name,
      attributes,
      error,
    }
    const spans: Span[] = [{ ...call, ...whole }]
    const within = { traceId, parentId: this.#span.id, isParentRemote: false, state }
    if (this.#arrivedMs > 0) {
      const waited = this.#between(this.#arrivedMs, this.#startedMs)
      spans.push({
        ...within,
        ...waited,
        spanId: this.#spanId(),
        kind: SPAN_KIND.internal,
        name: 'door',
        attributes: {},
      })
    }
    this.#steps((step, fromMs, toMs, isFailed) => {
      const isPredictor = step === STEP.predictor
      spans.push({
        ...within,
        spanId: isPredictor ? this.#span.predictorId : this.#spanId(),
        kind: SPAN_KIND.internal,
        name: STEPS[step]!,
        ...this.#between(fromMs, toMs),
        attributes: isFailed ? { 'error.type': error! } : isPredictor ? this.#facts.predictor : {},
        error: isFailed ? error : undefined,
      })
    })
    for (const one of this.#tries) {
      const { atMs, ...facts } = endOf(one, this.#endedMs)
      const of = { ...within, parentId: this.#span.predictorId, spanId: one.id, kind: SPAN_KIND.client }
      spans.push({ ...of, ...this.#between(one.beganMs, atMs), ...facts })
    }
    return spans
  }

  #between(fromMs: number, toMs: number): Pick<Span, 'startMs' | 'endMs'> {
    // An end that was rounded may lie before its beginning.
    return { startMs: this.#epochMs + fromMs, endMs: this.#epochMs + Math.max(fromMs, toMs) }
  }

  /** Tells each step with its times, and the one that failed, after which only the ledger comes; returns how many there are. */
  #steps(tell: (step: number, fromMs: number, toMs: number, isFailed: boolean) => void): number {
    const { marks } = this.#span
    const refusedMs = marks[STEP.refusal]!
    let count = 0
    let fromMs = this.#startedMs
    for (let step = 0; step < STEPS.length; step++) {
      const toMs = marks[step]!
      if (toMs === 0) {
        tell(step, fromMs, refusedMs, true)
        if (step === STEP.ledger) return count + 1
        tell(STEP.ledger, refusedMs, this.#endedMs, false)
        return count + 2
      }
      if (step !== STEP.explain || this.#isExplained) {
        tell(step, fromMs, toMs, false)
        count++
      }
      fromMs = toMs
    }
    return count
  }
}

/** https://opentelemetry.io/docs/specs/semconv/http/http-spans/: of clients, a span for each try. */
function endOf({ end }: Try, endedMs: number): Pick<Span, 'name' | 'attributes' | 'error'> & { readonly atMs: number } {
  // Nobody waits for it any more, because another part of the call has failed.
  if (end === undefined)
    return { name: 'request', atMs: endedMs, attributes: { 'error.type': 'given_up' }, error: 'given_up' }
  const { method, host, port, resends, status, error, atMs } = end
  const attributes = {
    'http.request.method': method,
    'server.address': host,
    'server.port': port,
    'http.request.resend_count': resends === 0 ? undefined : resends,
    'http.response.status_code': status,
    'error.type': error,
  }
  return { name: method, attributes, atMs, error }
}

interface CallFacts {
  readonly name: string
  readonly kind: number
  readonly attributes: Attributes
  readonly error: string | undefined
  /** What is said of the predictor. */
  readonly predictor: Attributes
}

/** Names, numbers and codes; nothing of what was asked or answered, and nobody's address. */
function factsOf(journey: Journey): CallFacts {
  const { door, requestId, lane, rows, problem, ids, context, actor } = journey
  const format = lane?.model.version.format
  return {
    ...(door === 'stream' ? CONSUMED : CALLED),
    ...nameOf(journey),
    attributes: {
      ...placeOf(journey),
      'bellwether.door': door,
      'bellwether.request.id': requestId,
      'bellwether.model.name': journey.model,
      'bellwether.model.version': journey.version,
      'bellwether.release': lane?.release ?? undefined,
      'bellwether.arm': lane?.arm ?? undefined,
      'bellwether.actor.id': actor?.id,
      'bellwether.purpose': context?.purpose,
      'bellwether.rows': rows?.count,
      'bellwether.prediction.id': ids[0],
      'error.type': problem?.code,
    },
    error: problem?.code,
    predictor: { 'bellwether.model.format': format },
  }
}

const CALLED = { kind: SPAN_KIND.server }
const CONSUMED = { kind: SPAN_KIND.consumer }
const RPC_DOORS: ReadonlySet<string> = new Set(['grpc', 'oip-grpc'])

/** As OpenTelemetry's conventions name calls of each kind: by where they went, without what varies from call to call. */
function nameOf({ door, route }: Journey): { readonly name: string } {
  if (route === undefined) return { name: door === 'stream' ? 'process' : 'predict' }
  if (door === 'stream') return { name: `process ${route}` }
  return { name: RPC_DOORS.has(door) ? route.slice(1) : `POST ${route.replaceAll(/:(\w+)/g, '{$1}')}` }
}

/** https://opentelemetry.io/docs/specs/semconv/: http, rpc, messaging. */
function placeOf({ door, route, problem }: Journey): Record<string, AttributeValue | undefined> {
  if (door === 'stream') {
    return {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'process',
      'messaging.destination.name': route,
    }
  }
  if (RPC_DOORS.has(door)) {
    const at = route?.lastIndexOf('/') ?? -1
    return {
      'rpc.system': 'grpc',
      'rpc.service': route?.slice(1, at),
      'rpc.method': route?.slice(at + 1),
      'rpc.grpc.status_code': problem === undefined ? 0 : PROBLEMS[problem.code].grpc,
    }
  }
  return {
    'http.request.method': 'POST',
    'http.route': route?.replaceAll(/:(\w+)/g, '{$1}'),
    'http.response.status_code': problem === undefined ? 200 : problem.status,
  }
}
