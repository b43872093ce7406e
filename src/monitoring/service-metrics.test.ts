import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import type { RefusalRecord } from '../ledger/record.ts'
import { manualClock } from '../platform/clock.ts'
import { openMetrics } from '../platform/metrics.ts'
import type { Journey } from '../serving/journey.ts'
import { type ServiceWatch, serviceWatch } from './recent-calls.ts'
import { serviceTargets } from './service-levels.ts'
import { serviceMetrics } from './service-metrics.ts'

const START_AT = 1_790_000_100_000
const MINUTE_MS = 60_000

function bench() {
  const clock = manualClock(START_AT)
  const service = serviceWatch({ clock })
  const answer = (latencyMs: number, rows = 1, version = '1.0.0'): void => {
    const lane = { number: version === '1.0.0' ? 0 : 1, model: { version: { model: 'churn', version } } }
    service.observe({ lane, rows: { count: rows }, at: clock.now(), latencyMs } as unknown as Journey)
  }
  const refuse = (code: string, count: number, version?: string): void => {
    const name = version === undefined ? {} : { version }
    service.refused({ model: 'churn', ...name, at: clock.now(), code, count } as RefusalRecord)
  }
  return { clock, service, answer, refuse }
}

const recent = (service: ServiceWatch, version?: string) => service.recent('churn', version, serviceTargets())

describe('serviceWatch()', () => {
  it('tells of the last minutes where they say enough, else of the hour', () => {
    const { clock, service, answer } = bench()
    assert.equal(recent(service), undefined)
    for (let call = 0; call < 200; call++) answer(800)
    assert.equal(recent(service)!.state, 'alarm')
    clock.advance(15 * MINUTE_MS)
    for (let call = 0; call < 99; call++) answer(1)
    assert.equal(recent(service)!.state, 'alarm', 'the hour is judged')
    answer(1)
    const now = recent(service, '1.0.0')!
    assert.equal(now.state, 'ok')
    assert.ok(Math.abs(now.p99Ms! - 1) < 0.02)
    assert.equal(now.predictions, 300)
    assert.deepEqual(
      now.series.filter(rows => rows > 0),
      [200, 100],
    )
    clock.advance(70 * MINUTE_MS)
    assert.deepEqual([recent(service)!.state, recent(service)!.predictions], ['idle', 0])
  })

  it('adds the versions of a model up, and what was refused before one was chosen', () => {
    const { clock, service, answer, refuse } = bench()
    answer(1, 10)
    answer(1, 5, '1.1.0')
    refuse('overloaded', 2)
    refuse('invalid', 7, '1.0.0')
    clock.advance(10_000)
    assert.deepEqual([recent(service)!.predictions, recent(service)!.errorRate], [15, 0.5])
    assert.deepEqual([recent(service, '1.0.0')!.predictions, recent(service, '1.0.0')!.errorRate], [10, 0])
    assert.equal(recent(service)!.perSecond, 1.5)
  })
})

describe('serviceMetrics()', () => {
  it('is what promtool takes, in a whole exposition', {
    skip: spawnSync('promtool', ['--version']).error ? 'there is no promtool' : false,
  }, async () => {
    const { service, answer, refuse } = bench()
    const metrics = openMetrics()
    metrics.family(serviceMetrics({ service, targetsOf: () => serviceTargets() }))
    for (const isUsed of [false, true]) {
      if (isUsed) {
        answer(1)
        refuse('failed', 1, '1.0.0')
        refuse('failed', 1)
      }
      const { text } = await metrics.expose()
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
      assert.equal(status, 0, stdout + stderr)
      if (!isUsed) continue
      assert.ok(text.includes('service_level_state{model="churn",version="1.0.0",state="warning"} 1\n'), text)
      assert.ok(text.includes('service_level_error_ratio{model="churn",version="1.0.0"} 0.5\n'))
      assert.ok(
        text.includes('service_level_target{model="churn",version="1.0.0",objective="p99_latency_seconds"} 0.2\n'),
      )
      assert.ok(!text.includes('version=""'))
    }
  })
})
