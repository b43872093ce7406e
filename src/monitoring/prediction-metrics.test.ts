import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { Problem } from '../errors.ts'
import { openMetrics } from '../platform/metrics.ts'
import type { Journey } from '../serving/journey.ts'
import type { Lane, LoadedModel } from '../serving/lane.ts'
import { distributionBounds } from './distribution-bounds.ts'
import { predictionMetrics } from './prediction-metrics.ts'

function laneOf(number: number, more: object = {}): Lane {
  const signature = { inputs: [], outputs: [{ name: 'p', type: 'number' }] }
  const version = { model: 'churn', version: '1.0.0', task: 'binary', signature, ...more }
  return { number, release: 'all', arm: 'champion', model: { version } } as unknown as Lane
}

function answered(lane: Lane, outputs: readonly number[], tookMs: number): Journey {
  return { lane, rows: { outputs: Float64Array.from(outputs), count: outputs.length }, tookMs } as unknown as Journey
}

function refused(more: Partial<Journey>): Journey {
  return { problem: new Problem('invalid', 'x'), ...more } as Journey
}

describe('predictionMetrics()', () => {
  it('counts answers by lane and refusals by code', () => {
    const { observe, render } = predictionMetrics()
    const lane = laneOf(2)
    observe(answered(lane, [0.12, 0.99], 0.2))
    observe(answered(lane, [0.12], 700))
    observe(refused({ model: 'churn', version: '1.0.0', lane }))
    observe(refused({ model: 'churn', version: '1.0.0', lane }))
    observe(refused({}))
    const text = render('openmetrics')
    const labels = 'model="churn",version="1.0.0",release="all",arm="champion"'
    for (const line of [
      `predictions_total{${labels}} 3`,
      `prediction_latency_seconds_bucket{${labels},le="0.0001"} 0`,
      `prediction_latency_seconds_bucket{${labels},le="0.00025"} 1`,
      `prediction_latency_seconds_bucket{${labels},le="0.5"} 1`,
      `prediction_latency_seconds_bucket{${labels},le="1"} 2`,
      `prediction_latency_seconds_count{${labels}} 2`,
      `prediction_distribution_bucket{${labels},output="p",le="0.15"} 2`,
      `prediction_distribution_count{${labels},output="p"} 3`,
      `prediction_errors_total{${labels},code="invalid"} 2`,
      'prediction_errors_total{model="",version="",release="",arm="",code="invalid"} 1',
    ]) {
      assert.ok(text.includes(`${line}\n`), `${line}\nin\n${text}`)
    }
  })

  it('points from latencies to traces that are kept, where the format can', async () => {
    const metrics = openMetrics()
    const { observe, render } = predictionMetrics()
    metrics.family(render)
    const traced = (traceId: string, isSampled: boolean, tookMs: number): Journey =>
      ({ ...answered(laneOf(0), [0.5], tookMs), at: 1790000000123, context: { traceId, isSampled } }) as Journey
    const kept = '0af7651916cd43dd8448eb211c80319c'
    for (const tookMs of [0.2, 20_000]) observe(traced(kept, true, tookMs))
    observe(traced('b'.repeat(32), false, 0.2))
    observe(answered(laneOf(0), [0.5], 0.2))
    const { text } = await metrics.expose('application/openmetrics-text')
    const exemplars = [...text.matchAll(/le="([^"]+)"} \d+ (# .*)$/gm)].map(([, le, exemplar]) => [le, exemplar])
    assert.deepEqual(exemplars, [
      ['0.00025', `# {trace_id="${kept}"} 0.0002 1790000000.123`],
      ['+Inf', `# {trace_id="${kept}"} 20 1790000000.123`],
    ])
    assert.doesNotMatch((await metrics.expose()).text, /trace_id/)
  })

  it('is what promtool takes, in a whole exposition', {
    skip: spawnSync('promtool', ['--version']).error ? 'there is no promtool' : false,
  }, async () => {
    const metrics = openMetrics()
    const { observe, render } = predictionMetrics()
    metrics.family(render)
    for (const isUsed of [false, true]) {
      if (isUsed) {
        observe(answered(laneOf(0), [0.5], 1))
        observe(refused({ model: 'churn' }))
      }
      const { text } = await metrics.expose()
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
      assert.equal(status, 0, stdout + stderr)
    }
  })
})

describe('distributionBounds()', () => {
  const bounds = (more: object, profile?: object): number[] => {
    const lane = laneOf(0, more)
    return distributionBounds({ ...lane.model, ...(profile && { profile }) } as LoadedModel, 0)
  }
  const outputs = (more: object) => ({ signature: { inputs: [], outputs: [{ name: 'p', type: 'number', ...more }] } })

  it('cuts probabilities and declared ranges into equal parts', () => {
    assert.deepEqual(bounds({}).slice(0, 3), [0.05, 0.1, 0.15])
    assert.equal(bounds({}).at(-1), 1)
    assert.deepEqual(bounds({ task: 'regression', ...outputs({ minimum: -10, maximum: 10 }) }).slice(0, 2), [-9, -8])
  })

  it('takes the bins of the training data, and decades where there is nothing else', () => {
    const profile = { outputs: [{ name: 'p', kind: 'numeric', lowers: [1, 2, 5], maximum: 9 }] }
    assert.deepEqual(bounds({ task: 'regression' }, profile), [1, 2, 5, 9])
    const decades = bounds({ task: 'regression' })
    assert.deepEqual(
      decades,
      decades.toSorted((a, b) => a - b),
    )
    assert.deepEqual([decades[0], decades.at(-1)], [-1e6, 1e6])
  })
})
