import assert from 'node:assert/strict'
import { getRandomValues } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../errors.ts'
import { manualClock } from '../platform/clock.ts'
import { traceIds } from '../platform/trace-context.ts'
import type { KeptSpans } from '../platform/trace-queue.ts'
import { sampler } from '../platform/trace-sampler.ts'
import type { Span } from '../platform/trace-span.ts'
import type { Journey } from './journey.ts'
import { callTracing, headersOnward, mark, onward, STEP, type Tracing } from './trace-call.ts'

const STEPS = ['access', 'version', 'features', 'policy', 'predictor', 'explain', 'ledger'] as const
const CALLER = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=1' }
const EPOCH_MS = 1_790_000_000_000

interface World {
  readonly tracing: Tracing
  readonly timer: () => number
  readonly taken: KeptSpans[]
  /** Lets time pass, milliseconds. */
  pass(ms: number): void
}

function world(ratio = 1): World {
  let now = 1_000
  const taken: KeptSpans[] = []
  const clock = manualClock(EPOCH_MS)
  const timer = (): number => now
  const ids = traceIds(bytes => void getRandomValues(bytes))
  const traces = {
    ids,
    sampler: sampler('parentbased_traceidratio', ratio),
    take: (kept: KeptSpans) => void taken.push(kept),
  }
  const pass = (ms: number): void => {
    clock.advance(Math.floor(now + ms) - Math.floor(now))
    now += ms
  }
  return { tracing: callTracing(traces, { clock, timer }), timer, taken, pass }
}

interface Told {
  /** How long each step took, milliseconds. */
  readonly took: readonly number[]
  /** Which step refused it, if one did. */
  readonly refusedBy: number | undefined
  readonly hasDoor: boolean
  readonly isExplained: boolean
}

/** A call as `predict` marks it. */
function call({ tracing, timer, pass, taken }: World, told: Told): Span[] {
  const trace = tracing.begin(CALLER)
  const arrivedMs = told.hasDoor ? timer() : 0
  pass(told.took[0]!)
  const problem = told.refusedBy === undefined ? undefined : new Problem('failed', 'Cannot do it: a secret')
  const journey = {
    ...{ door: 'rest', route: '/models/:name/predict', requestId: 'r', trace, span: tracing.span(), problem },
    ...{ ids: [], arrivedMs, startedMs: timer(), tookMs: 0, explained: told.isExplained ? {} : undefined },
  }
  const upTo = told.refusedBy ?? STEPS.length
  for (let step = 0; step < upTo; step++) {
    pass(told.took[step + 1]!)
    mark({ timer }, journey as unknown as Journey, step)
  }
  if (problem !== undefined) mark({ timer }, journey as unknown as Journey, STEP.refusal)
  pass(told.took.at(-1)!)
  journey.tookMs = Math.round((timer() - journey.startedMs) * 1_000) / 1_000
  tracing.keep(journey as unknown as Journey)
  const kept = taken.at(-1)!
  const spans = kept.spans() as Span[]
  assert.equal(spans.length, kept.count, 'the queue counts what comes')
  return spans
}

const anyCall: fc.Arbitrary<Told> = fc.record({
  took: fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { minLength: 9, maxLength: 9 }),
  refusedBy: fc.option(fc.nat(STEPS.length - 1), { nil: undefined }),
  hasDoor: fc.boolean(),
  isExplained: fc.boolean(),
})

describe('callTracing()', () => {
  it('makes a tree of any call, each step in its turn, up to the one that refused it', () => {
    fc.assert(
      fc.property(anyCall, told => {
        const [whole, ...steps] = call(world(), told) as [Span, ...Span[]]
        const { refusedBy, hasDoor, isExplained } = told
        const reached = STEPS.filter(
          (name, at) => at <= (refusedBy ?? at) && (name !== 'explain' || isExplained || at === refusedBy),
        )
        const after = refusedBy !== undefined && refusedBy < STEP.ledger ? ['ledger'] : []
        assert.deepEqual(
          steps.map(({ name }) => name),
          [...(hasDoor ? ['door'] : []), ...reached, ...after],
        )
        assert.deepEqual(
          steps.filter(({ error }) => error !== undefined).map(({ name }) => name),
          refusedBy === undefined ? [] : [STEPS[refusedBy]],
        )
        assert.equal(whole.error, refusedBy === undefined ? undefined : 'failed')
        let fromMs = whole.startMs
        for (const { startMs, endMs, parentId, traceId } of steps) {
          assert.ok(startMs >= fromMs && endMs >= startMs && endMs <= whole.endMs)
          assert.deepEqual([parentId, traceId], [whole.spanId, whole.traceId])
          fromMs = endMs
        }
        assert.equal(new Set([whole, ...steps].map(({ spanId }) => spanId)).size, steps.length + 1)
        assert.doesNotMatch(JSON.stringify(whole), /secret/)
      }),
    )
  })

  it('tells the time of the clock, however coarse that is', () => {
    const of = world()
    const quick: Told = { took: Array(9).fill(0.125), refusedBy: undefined, hasDoor: true, isExplained: true }
    for (let at = 0; at < 50; at++) {
      const began = EPOCH_MS - 1_000 + of.timer()
      const [whole] = call(of, quick)
      assert.ok(Math.abs(whole!.startMs - began) <= 1, `${whole!.startMs} is not ${began}`)
    }
  })

  it('has a span for each request to others, also where one is under way still', () => {
    const { tracing, timer, pass, taken } = world()
    const trace = tracing.begin(CALLER)
    const span = tracing.span()
    const journey = { door: 'rest', requestId: 'r', trace, span, ids: [], arrivedMs: 0, startedMs: timer(), tookMs: 0 }
    const first = tracing.request(span, trace)
    const lost = onward({ tracing }, { trace, span })!.request!()
    const [, , id] = first.headers['traceparent']!.split('-')
    pass(5)
    first.ended({ method: 'POST', host: 'far', port: 80, resends: 0, status: 429, error: '429' })
    for (const step of STEPS.keys()) mark({ timer }, journey as unknown as Journey, step)
    pass(5)
    journey.tookMs = 10
    tracing.keep(journey as unknown as Journey)
    lost.ended({ method: 'POST', host: 'far', port: 80, resends: 0 })
    tracing.request(span, trace)
    const spans = taken.at(-1)!.spans() as Span[]
    assert.equal(spans.length, taken.at(-1)!.count)
    const tries = spans.filter(({ parentId }) => parentId === span.predictorId)
    assert.deepEqual(
      tries.map(({ spanId, error, startMs, endMs }) => [spanId === id, error, Math.round(endMs - startMs)]),
      [
        [true, '429', 5],
        [false, undefined, 10],
      ],
    )
  })

  it('hands the context on: of the predictor, of the call, or as it came', () => {
    const { tracing } = world()
    const trace = tracing.begin(CALLER)
    const span = tracing.span()
    const told = (id: string, flags: string): object => ({
      traceparent: `00-${trace.traceId}-${id}-${flags}`,
      tracestate: 'a=1',
    })
    assert.deepEqual(onward({ tracing }, { trace, span })?.headers, told(span.predictorId, '01'))
    assert.deepEqual(headersOnward({ tracing }, { trace, span }, span.id), told(span.id, '01'))
    assert.deepEqual(onward({}, { trace, span: undefined }), { headers: CALLER })
    assert.equal(onward({}, { trace: undefined, span: undefined }), undefined)
    const none = world(0).tracing
    const begun = none.begin({})
    assert.equal(begun.isSampled, false)
    const sent = headersOnward({ tracing: none }, { trace: begun, span: undefined })!
    assert.match(sent['traceparent']!, new RegExp(`^00-${begun.traceId}-(?!0{16})[0-9a-f]{16}-00$`))
  })
})
