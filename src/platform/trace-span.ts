/** A span as it is exported, and the request that carries spans: OTLP 1.x, in Protocol Buffers and in JSON. */
import { DELIMITED, FIXED32, FIXED64, ProtoReader, ProtoWriter, VARINT } from './protobuf.ts'

export type AttributeValue = string | number | boolean
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>

/** `Span.SpanKind` */
export const SPAN_KIND = { internal: 1, server: 2, client: 3, consumer: 5 } as const

export interface Span {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
  /** Empty: it is the first of its trace. */
  readonly parentId: string
  /** Whether the parent is a span of another system. */
  readonly isParentRemote: boolean
  /** `tracestate`; empty where there is none. */
  readonly state: string
  readonly name: string
  readonly kind: number
  /** Milliseconds since the epoch, with fractions. */
  readonly startMs: number
  readonly endMs: number
  /** Undefined ones are left out. Numbers that are whole are told as such. */
  readonly attributes: Attributes
  /** What failed, in a few words, where it did. */
  readonly error?: string | undefined
}

/** Whose spans these are: what they have in common. */
export interface Origin {
  /** Of the process, as OpenTelemetry's resources: `service.name`… */
  readonly resource: Attributes
  /** Who made the spans. */
  readonly scope: { readonly name: string; readonly version: string }
}

/** How spans are written for the wire. */
export interface SpanFormat {
  readonly type: string
  write(origin: Origin, spans: readonly Span[]): Buffer
  /** What the answer to a request that was taken says of spans that were not. */
  readRejected(answer: Buffer): Rejected
}

export interface Rejected {
  readonly spans: number
  readonly reason: string
}

/** Of a kept span: https://opentelemetry.io/docs/specs/otel/protocol/exporter/ and `SpanFlags` of `trace.proto`. */
const SAMPLED = 0x001
const PARENT_KNOWN = 0x100
const PARENT_REMOTE = 0x200
const STATUS_ERROR = 2

function flagsOf({ parentId, isParentRemote }: Span): number {
  if (parentId === '') return SAMPLED
  return SAMPLED | PARENT_KNOWN | (isParentRemote ? PARENT_REMOTE : 0)
}

const NS = 1_000_000
const TWO_32 = 4_294_967_296

/** Whole nanoseconds since the epoch, which no double holds. */
function nanoseconds(ms: number): bigint {
  const whole = Math.floor(ms)
  return BigInt(whole) * BigInt(NS) + BigInt(Math.round((ms - whole) * NS))
}

const writer = new ProtoWriter()

/** `ExportTraceServiceRequest` of `opentelemetry/proto/collector/trace/v1/trace_service.proto`. */
export const PROTOBUF_SPANS: SpanFormat = {
  type: 'application/x-protobuf',
  write({ resource, scope }, spans) {
    writer.clear()
    const resourceSpans = begin(1)
    const of = begin(1)
    putAttributes(1, resource)
    writer.end(of)
    const scopeSpans = begin(2)
    const by = begin(1)
    putText(1, scope.name)
    putText(2, scope.version)
    writer.end(by)
    for (const span of spans) putSpan(2, span)
    writer.end(scopeSpans)
    writer.end(resourceSpans)
    return writer.take()
  },
  readRejected(answer) {
    let spans = 0
    let reason = ''
    const response = new ProtoReader(answer)
    while (!response.isDone) {
      const tag = response.tag()
      if (tag !== 8 + DELIMITED) {
        response.skip(tag)
        continue
      }
      const partial = response.within()
      while (!partial.isDone) {
        const inner = partial.tag()
        if (inner === 8 + VARINT) spans = partial.signed()
        else if (inner === 16 + DELIMITED) reason = partial.text()
        else partial.skip(inner)
      }
    }
    return { spans, reason }
  },
}

function begin(field: number): number {
  writer.tag(field, DELIMITED)
  return writer.begin()
}

function putText(field: number, text: string): void {
  if (text === '') return
  writer.tag(field, DELIMITED)
  writer.text(text)
}

function putId(field: number, hex: string): void {
  if (hex === '') return
  writer.tag(field, DELIMITED)
  writer.hex(hex)
}

/** `nanoseconds`, in halves: numbers of any size cost more than all the rest of a span. */
function putTime(field: number, ms: number): void {
  const whole = Math.floor(ms)
  const above = Math.floor(whole / TWO_32)
  const below = (whole - above * TWO_32) * NS + Math.round((ms - whole) * NS)
  writer.tag(field, FIXED64)
  writer.fixed64Of(above * NS + Math.floor(below / TWO_32), below % TWO_32)
}

function putSpan(field: number, span: Span): void {
  const start = begin(field)
  putId(1, span.traceId)
  putId(2, span.spanId)
  putText(3, span.state)
  putId(4, span.parentId)
  putText(5, span.name)
  writer.tag(6, VARINT)
  writer.varint(span.kind)
  putTime(7, span.startMs)
  putTime(8, span.endMs)
  putAttributes(9, span.attributes)
  if (span.error !== undefined) {
    const status = begin(15)
    putText(2, span.error)
    writer.tag(3, VARINT)
    writer.varint(STATUS_ERROR)
    writer.end(status)
  }
  writer.tag(16, FIXED32)
  writer.fixed32(flagsOf(span))
  writer.end(start)
}

/** `KeyValue`s with `AnyValue`s of `common.proto`. */
function putAttributes(field: number, attributes: Attributes): void {
  for (const key in attributes) {
    const value = attributes[key]
    if (value === undefined) continue
    const pair = begin(field)
    putText(1, key)
    const any = begin(2)
    putValue(value)
    writer.end(any)
    writer.end(pair)
  }
}

function putValue(value: AttributeValue): void {
  if (typeof value === 'string') {
    writer.tag(1, DELIMITED)
    writer.text(value)
  } else if (typeof value === 'boolean') {
    writer.tag(2, VARINT)
    writer.varint(value ? 1 : 0)
  } else if (Number.isSafeInteger(value)) {
    writer.tag(3, VARINT)
    writer.varint(value)
  } else {
    writer.tag(4, FIXED64)
    writer.double(value)
  }
}

/** The same in JSON: ids are hexadecimal, whole numbers of 64 bits are texts (OTLP 1.x, JSON Protobuf encoding). */
export const JSON_SPANS: SpanFormat = {
  type: 'application/json',
  write({ resource, scope }, spans) {
    const scopeSpans = [{ scope, spans: spans.map(spanJson) }]
    return Buffer.from(
      JSON.stringify({ resourceSpans: [{ resource: { attributes: attributesJson(resource) }, scopeSpans }] }),
    )
  },
  readRejected(answer) {
    if (answer.length === 0) return { spans: 0, reason: '' }
    const { partialSuccess } = (JSON.parse(answer.toString()) ?? {}) as {
      partialSuccess?: { rejectedSpans?: unknown; errorMessage?: unknown }
    }
    return { spans: Number(partialSuccess?.rejectedSpans ?? 0), reason: String(partialSuccess?.errorMessage ?? '') }
  },
}

function spanJson(span: Span): unknown {
  const { traceId, spanId, parentId, state, name, kind, startMs, endMs, attributes, error } = span
  return {
    traceId,
    spanId,
    ...(state === '' ? {} : { traceState: state }),
    ...(parentId === '' ? {} : { parentSpanId: parentId }),
    flags: flagsOf(span),
    name,
    kind,
    startTimeUnixNano: String(nanoseconds(startMs)),
    endTimeUnixNano: String(nanoseconds(endMs)),
    attributes: attributesJson(attributes),
    ...(error === undefined ? {} : { status: { message: error, code: STATUS_ERROR } }),
  }
}

function attributesJson(attributes: Attributes): unknown[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: valueJson(value) }],
  )
}

function valueJson(value: AttributeValue): unknown {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}
