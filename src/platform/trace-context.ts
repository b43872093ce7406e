/** W3C Trace Context (https://www.w3.org/TR/trace-context/): which trace a call belongs to, as it comes in and goes out. */

/** Where a call stands in a trace. */
export interface TraceContext {
  /** 32 hexadecimal digits, not all of them 0. */
  readonly traceId: string
  /** Of the span that asked: 16 hexadecimal digits, not all of them 0; empty where the trace begins here. */
  readonly parentId: string
  /** The trace is kept: what points to it leads somewhere. */
  readonly isSampled: boolean
  /** What other systems noted of the trace, as it came; empty where they noted nothing. */
  readonly state: string
}

type Header = string | string[] | undefined

/**
 * Version 00 ends after the flags; what a later version adds has to begin with a dash, and ff is none.
 * https://www.w3.org/TR/trace-context/#traceparent-header-field-values
 */
const TRACEPARENT =
  /^(?!ff)(?!00.{54})[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]([0-9a-f])(?:-|$)/

/** Undefined where there is no `traceparent`, or one that is none, which its standard asks to ignore, and the state with it. */
export function readTrace(headers: Readonly<Record<string, Header>>): TraceContext | undefined {
  const traceparent = headers['traceparent']
  if (typeof traceparent !== 'string') return undefined
  const found = TRACEPARENT.exec(traceparent)
  if (found === null) return undefined
  const isSampled = (Number.parseInt(found[3]!, 16) & 1) === 1
  return { traceId: found[1]!, parentId: found[2]!, isSampled, state: readState(headers['tracestate']) }
}

/** Beyond this, nobody has to hand a state on: https://www.w3.org/TR/trace-context/#tracestate-limits */
const STATE_CHARACTERS_MAX = 512
const STATE_MEMBERS_MAX = 32
/** A key of one system, or of one tenant of a system; a value without commas, equals signs, and spaces at its end. */
const STATE_MEMBER =
  /^[ \t]*(?:(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e])?[ \t]*$/

/** The state as it is handed on; empty where it is none, for a part of it says nothing sure. */
function readState(header: Header): string {
  if (header === undefined) return ''
  const text = typeof header === 'string' ? header : header.join(',')
  if (text.length > STATE_CHARACTERS_MAX) return ''
  const members = text.split(',')
  const isState = members.length <= STATE_MEMBERS_MAX && members.every(member => STATE_MEMBER.test(member))
  return isState ? text.trim() : ''
}

/** Headers by which whoever is asked next learns of the trace, and of the span that asks. */
export function traceHeaders(
  { traceId, isSampled, state }: Omit<TraceContext, 'parentId'>,
  spanId: string,
): Readonly<Record<string, string>> {
  const traceparent = `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
  return state === '' ? { traceparent } : { traceparent, tracestate: state }
}

/** Makes the ids of traces and spans: random, and never all zeros. */
export interface TraceIds {
  /** 32 hexadecimal digits; `randomness` is then that of this id. */
  traceId(): string
  /** 16 hexadecimal digits. */
  spanId(): string
  /** The id's last 56 bits of which the first 48 are read: from 0 up to, and without, 2^48. */
  readonly randomness: number
}

const POOL_BYTES = 4_096
const TRACE_BYTES = 16
const SPAN_BYTES = 8
/** Of a trace's id: the last seven bytes are the random ones, by level 2 of the standard; six of them fit a number. */
const RANDOM_AT = 9
const RANDOM_BYTES = 6
export const RANDOMNESS_END: number = 2 ** (8 * RANDOM_BYTES)

/** @param fill fills a buffer with random bytes. */
export function traceIds(fill: (bytes: Uint8Array) => void): TraceIds {
  const pool = Buffer.alloc(POOL_BYTES)
  let at = POOL_BYTES
  const room = (bytes: number): void => {
    if (at + bytes <= POOL_BYTES) return
    fill(pool)
    at = 0
  }
  let randomness = 0
  const next = (bytes: number): string => {
    const from = at
    at += bytes
    pool[at - 1]! ||= 1
    return pool.toString('hex', from, at)
  }
  return {
    traceId(): string {
      room(TRACE_BYTES)
      randomness = pool.readUIntBE(at + RANDOM_AT, RANDOM_BYTES)
      return next(TRACE_BYTES)
    },
    spanId(): string {
      room(SPAN_BYTES)
      return next(SPAN_BYTES)
    },
    get randomness() {
      return randomness
    },
  }
}

/** As `TraceIds.randomness`, of an id that somebody else made. */
export function randomnessOf(traceId: string): number {
  const from = RANDOM_AT * 2
  return Number.parseInt(traceId.slice(from, from + RANDOM_BYTES * 2), 16)
}
