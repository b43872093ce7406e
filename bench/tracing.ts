/**
 * What tracing adds to a call, beside making an id, as every call does anyway: `npm run bench:tracing -- [--rounds 200]`.
 *
 * The fastest of many short rounds. A call that is kept pays a part on the way to its answer, and the rest behind it, when its
 * spans are made and written. What a whole request costs is told by `npm run bench:serving`, also with `OTEL_…` set.
 */
import { getRandomValues } from 'node:crypto'
import { parseArgs } from 'node:util'
import { systemClock } from '../src/platform/clock.ts'
import { uuid7 } from '../src/platform/ids.ts'
import { readTrace, traceIds } from '../src/platform/trace-context.ts'
import type { KeptSpans } from '../src/platform/trace-queue.ts'
import { sampler } from '../src/platform/trace-sampler.ts'
import { JSON_SPANS, PROTOBUF_SPANS } from '../src/platform/trace-span.ts'
import type { InvocationRequest } from '../src/route.ts'
import type { Journey } from '../src/serving/journey.ts'
import { callTracing, mark, STEP, type Tracing } from '../src/serving/trace-call.ts'
import { machine } from './processes.ts'

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '200' } } })
const rounds = Number(options.rounds)
const CALLS = 1_000
const timer = (): number => performance.now()
const ids = uuid7(systemClock)
const traces = traceIds(bytes => void getRandomValues(bytes))

let kept: KeptSpans | undefined
/** What has been made so far, so that no work is seen to be of no use. */
let made = 0

function tracing(ratio: number): Tracing {
  const take = (call: KeptSpans): void => {
    kept = call
  }
  const share = sampler('parentbased_traceidratio', ratio)
  return callTracing({ ids: traces, sampler: share, take }, { clock: systemClock, timer })
}

const NO_HEADERS: InvocationRequest['headers'] = { host: 'localhost', 'content-type': 'application/json' }
const traceparent = (flags: string): InvocationRequest['headers'] => ({
  ...NO_HEADERS,
  traceparent: `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}`,
})
const [unsampled, sampled] = [traceparent('00'), traceparent('01')]
const [none, all] = [tracing(0), tracing(1)]

const known = {
  door: 'rest',
  route: '/models/:name/predict',
  requestId: ids.next(),
  lane: { release: 'all', arm: 'champion', model: { version: { format: 'xgboost-json' } } },
  model: 'churn',
  version: '1.0.0',
  actor: { id: 'local' },
  rows: { count: 1 },
  ids: [ids.next()],
  arrivedMs: 1,
  tookMs: 0.35,
}

/** As `predict` does it: all that the journey of a call does for its trace. */
function call(by: Tracing | undefined, headers: InvocationRequest['headers']): void {
  const trace = by === undefined ? readTrace(headers) : by.begin(headers)
  const span = by !== undefined && trace!.isSampled ? by.span() : undefined
  const journey = { ...known, trace, span, startedMs: 2 } as unknown as Journey
  for (let step = STEP.access; step <= STEP.ledger; step++) mark({ timer }, journey, step)
  if (span !== undefined) by!.keep(journey)
  made += trace === undefined ? 1 : trace.traceId.length
}

const ORIGIN = { resource: { 'service.name': 'bellwether' }, scope: { name: 'bellwether', version: '1' } }

const PRICES: Readonly<Record<string, () => void>> = {
  'nothing is traced': () => call(undefined, NO_HEADERS),
  'nothing is traced, the caller has a trace': () => call(undefined, unsampled),
  'traced, not kept': () => call(none, NO_HEADERS),
  'traced, not kept by the caller': () => call(none, unsampled),
  'kept, on the way to the answer': () => call(all, sampled),
  'its spans made and written in Protocol Buffers, behind the answer': () => {
    made += PROTOBUF_SPANS.write(ORIGIN, kept!.spans()).length
  },
  'its spans made and written in JSON, behind the answer': () => {
    made += JSON_SPANS.write(ORIGIN, kept!.spans()).length
  },
}

/** Microseconds, in the fastest of the rounds. */
function price(act: () => void): number {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now()
    for (let at = 0; at < CALLS; at++) act()
    least = Math.min(least, ((performance.now() - startedAt) * 1000) / CALLS)
  }
  return least
}

call(all, sampled)
for (const act of Object.values(PRICES)) price(act) // the compilers see all of it before anything is told
const nothing = price(PRICES['nothing is traced']!)
for (const [name, act] of Object.entries(PRICES)) {
  const paid = name.includes('behind') ? price(act) : price(act) - nothing
  process.stdout.write(`| ${name} | ${Math.max(0, paid).toFixed(2)} µs |\n`)
}
process.stdout.write(`${machine()}; ${rounds} rounds of ${CALLS} calls, ${made > 0 ? 'the fastest' : ''}\n`)
