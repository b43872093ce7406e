import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { latencyBucket } from './latency-bins.ts'
import { judgeService, latencyMs, type ServiceCounts, serviceFigures, serviceTargets } from './service-levels.ts'
import { LATENCY_LOWERS } from './window-counts.ts'

function counted(latencies: readonly number[], refusals: Readonly<Record<string, number>> = {}): ServiceCounts {
  const latency = new Float64Array(LATENCY_LOWERS.length)
  for (const ms of latencies) latency[latencyBucket(ms)]!++
  return { rows: latencies.length, invocations: latencies.length, refusals, latency }
}

const many = (rows: number, ms: number): number[] => new Array<number>(rows).fill(ms)

describe('latencyMs()', () => {
  it('is off by 2 % at most', () => {
    const latency = fc.double({ min: 0.01, max: 500_000, noNaN: true })
    fc.assert(
      fc.property(
        fc.array(latency, { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.95, 0.99),
        (all, share) => {
          const exact = all.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(all.length * share)) - 1]!
          const found = latencyMs(counted(all).latency, share)
          assert.ok(Math.abs(found / exact - 1) <= 0.02, `${found} for ${exact}`)
        },
      ),
    )
  })
})

describe('serviceFigures()', () => {
  it('measures what was counted, and says nothing of what was not', () => {
    assert.deepEqual(serviceFigures(counted([]), 60), { perSecond: 0 })
    const { errorRate, perSecond } = serviceFigures(
      counted(many(98, 1), { failed: 1, overloaded: 1, invalid: 900 }),
      10,
    )
    assert.deepEqual([errorRate, perSecond], [0.02, 9.8])
    assert.deepEqual(serviceFigures(counted([], { unavailable: 3 }), 1), { perSecond: 0, errorRate: 1 })
  })
})

describe('judgeService()', () => {
  const cases: readonly [string, ServiceCounts, string, RegExp][] = [
    ['nobody asks', counted([], { invalid: 4 }), 'idle', /Nobody asked/],
    ['all is well', counted([...many(990, 1), ...many(9, 300)]), 'ok', /All targets are met/],
    [
      'one of twenty is slow',
      counted([...many(19, 1), 900]),
      'warning',
      /99 % of 20 predictions took up to 8\d\d|9\d\d ms/,
    ],
    ['many are slow', counted([...many(900, 1), ...many(100, 300)]), 'warning', /wanted 200 ms/],
    ['many are far too slow', counted([...many(900, 1), ...many(100, 600)]), 'alarm', /wanted 500 ms/],
    ['one of ten failed', counted(many(9, 1), { failed: 1 }), 'warning', /10 % of 10 calls failed, at most 1 % may/],
    ['many failed', counted(many(900, 1), { failed: 50, rate_limited: 50 }), 'alarm', /10 % of 1000 calls failed/],
    ['callers are wrong', counted(many(9, 1), { invalid: 1000, unauthenticated: 9, timeout: 3 }), 'ok', /met/],
  ]
  for (const [what, counts, state, sentence] of cases) {
    it(`is ${state} where ${what}`, () => {
      const judged = judgeService(counts, serviceTargets())
      assert.equal(judged.state, state)
      assert.match(judged.sentence, sentence)
    })
  }

  it('measures against what model.yaml says', () => {
    const counts = counted(many(1000, 30))
    assert.equal(judgeService(counts, serviceTargets({ p99LatencyMs: 20 })).state, 'warning')
    assert.equal(judgeService(counts, serviceTargets({ p99LatencyMs: 10, alertP99LatencyMs: 20 })).state, 'alarm')
    assert.equal(serviceTargets({ p99LatencyMs: 900 }).alertP99LatencyMs, 900)
  })
})
