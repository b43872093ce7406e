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

/** Undefined where there is no `traceparent`, or one that is none, which its standard asks to ignore, and the state with it. */
export function readTrace(headers: Readonly<Record<string, Header>>): TraceContext | undefined {
  const traceparent = headers['traceparent']
  if (typeof traceparent !== 'string' || !isTraceparent(traceparent)) return undefined
  return {
    traceId: traceparent.slice(TRACE_AT, TRACE_END),
    parentId: traceparent.slice(PARENT_AT, PARENT_END),
    isSampled: (Number.parseInt(traceparent.charAt(FLAGS_END - 1), 16) & 1) === 1,
    state: readState(headers['tracestate']),
  }
}

const [TRACE_AT, TRACE_END] = [3, 35]
const [PARENT_AT, PARENT_END] = [36, 52]
const [FLAGS_AT, FLAGS_END] = [53, 55]
const DASH = 45

/**
 * Version 00 ends after the flags; what a later version adds has to begin with a dash, and ff is none.
 * https://www.w3.org/TR/trace-context/#traceparent-header-field-values
 */
function isTraceparent(text: string): boolean {
  if (text.length < FLAGS_END || !isHex(text, 0, 2) || text.startsWith('ff')) return false
  if (text.length > FLAGS_END && (text.startsWith('00') || text.charCodeAt(FLAGS_END) !== DASH)) return false
  if (text.charCodeAt(TRACE_AT - 1) !== DASH || text.charCodeAt(TRACE_END) !== DASH) return false
  if (text.charCodeAt(PARENT_END) !== DASH || !isHex(text, FLAGS_AT, FLAGS_END)) return false
  return isId(text, TRACE_AT, TRACE_END) && isId(text, PARENT_AT, PARENT_END)
}

function isId(text: string, from: number, to: number): boolean {
  if (!isHex(text, from, to)) return false
  for (let at = from; at < to; at++) if (text.charCodeAt(at) !== 0x30) return true
  return false
}

/** Lower case only, as the standard has it. */
function isHex(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at)
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return false
  }
  return true
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
