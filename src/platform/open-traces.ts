/** What tracing needs of the machine, as the configuration says: ids, which traces are kept, and where their spans go. */
import { getRandomValues } from 'node:crypto'
import { Problem } from '../errors.ts'
import type { Clock } from './clock.ts'
import type { TracingConfig } from './config-tracing.ts'
import type { Ids } from './ids.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { PROGRAM_VERSION } from './program.ts'
import { systemTimers } from './timers.ts'
import { type TraceIds, traceIds } from './trace-context.ts'
import { type KeptSpans, traceQueue } from './trace-queue.ts'
import { type Sampler, sampler } from './trace-sampler.ts'
import { type Attributes, JSON_SPANS, PROTOBUF_SPANS } from './trace-span.ts'

export interface Traces {
  readonly ids: TraceIds
  readonly sampler: Sampler
  readonly take: (kept: KeptSpans) => void
}

export interface TracesWorld {
  readonly config: { readonly tracing: TracingConfig }
  readonly clock: Clock
  /** Milliseconds of a timer that never goes back, with fractions. */
  readonly timer: () => number
  readonly ids: Ids
  readonly log: Log
  readonly metrics: Metrics
}

const SERVICE = 'bellwether'
const SCOPE = { name: SERVICE, version: PROGRAM_VERSION }

/** @param closing takes how to send what waits at the end. Returns undefined where nothing is to be traced. */
export function openTraces(world: TracesWorld, closing: (() => Promise<void>)[]): Traces | undefined {
  const { config, log, metrics } = world
  const { tracing } = config
  if (tracing.endpoint === '' || tracing.disabled === 'true') return undefined
  const queue = traceQueue(
    {
      url: addressOf(tracing.endpoint),
      headers: headersOf(tracing.headers),
      format: tracing.protocol === 'http/json' ? JSON_SPANS : PROTOBUF_SPANS,
      isCompressed: tracing.compression === 'gzip',
      timeoutMs: tracing.timeoutMs,
      delayMs: tracing.delayMs,
      spansMax: tracing.queueMax,
    },
    {
      origin: { resource: resourceOf(tracing, world.ids), scope: SCOPE },
      timers: systemTimers,
      random: Math.random,
      log,
    },
  )
  metrics.family(() => queue.render())
  closing.push(() => queue.close())
  return {
    ids: traceIds(bytes => void getRandomValues(bytes)),
    sampler: sampler(tracing.sampler, tracing.ratio),
    take: kept => queue.take(kept),
  }
}

/** Without a path, the one that collectors have for traces. Throws `misconfigured`. */
function addressOf(endpoint: string): string {
  const text = /^https?:\/\/[^/]+$/i.test(endpoint) ? `${endpoint}/v1/traces` : endpoint
  if (!URL.canParse(text)) throw new Problem('misconfigured', `Cannot export traces: ${text} is no address`)
  const url = new URL(text)
  if (url.username === '' && url.password === '') return url.href
  throw new Problem('misconfigured', 'Cannot export traces: the address has a password, wanted it in tracing.headers')
}

/** As RFC 9110 has header fields: a name without spaces, a value of visible characters and spaces. */
const HEADER = /^[!#$%&'*+.^_`|~\w-]+$/
const HEADER_VALUE = /^[\x20-\x7e]*$/

function headersOf(text: string): Readonly<Record<string, string>> {
  const headers = pairsOf(text).map(([name, value]) => [name.toLowerCase(), value] as const)
  const wrong = headers.find(([name, value]) => !HEADER.test(name) || !HEADER_VALUE.test(value))
  if (wrong === undefined) return Object.fromEntries(headers)
  throw new Problem('misconfigured', 'Cannot export traces: a pair of tracing.headers is no header')
}

/** https://opentelemetry.io/docs/specs/semconv/resource/#service */
function resourceOf({ serviceName, resource }: TracingConfig, ids: Ids): Attributes {
  const given = Object.fromEntries(pairsOf(resource))
  return {
    'service.version': PROGRAM_VERSION,
    'service.instance.id': ids.next(),
    'process.runtime.name': 'nodejs',
    ...given,
    'service.name': serviceName || given['service.name'] || SERVICE,
  }
}

/** `name=value` pairs with commas between them, as baggage is written: https://www.w3.org/TR/baggage/#header-content */
function pairsOf(text: string): (readonly [name: string, value: string])[] {
  const pairs = text.split(',').filter(pair => pair.trim() !== '')
  return pairs.map(pair => {
    const at = pair.indexOf('=')
    return [decoded(pair.slice(0, at)), decoded(pair.slice(at + 1))]
  })
}

/** What is not encoded as it should be is taken as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.trim())
  } catch {
    return text.trim()
  }
}
