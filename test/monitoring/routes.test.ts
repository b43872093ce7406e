/** The routes that tell how a service is and was: what they say, and what they refuse. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask, type RunningApp, withApp } from '../serving/app.ts'

const SERVICE = 'service: {p99LatencyMs: 60000, alertP99LatencyMs: 90000, availability: 0.9}'

async function get({ transport }: RunningApp, path: string): Promise<{ status: number; body: Record<string, never> }> {
  const answer = await transport({ method: 'GET', path })
  return { status: answer.status, body: (await answer.json()) as Record<string, never> }
}

describe('GET /models/:name/service', () => {
  it('tells of a model, of one of its versions, and of nothing where nothing was asked', async () => {
    await withApp({}, async app => {
      await app.register('tiny', '1.0.0')
      await app.register('tiny', '1.1.0', SERVICE)
      const idle = (await get(app, '/models/tiny/service')).body
      assert.deepEqual([idle['state'], idle['windows'], 'recent' in idle], ['idle', [], false])

      const row = { age: 47, tenure: 2 }
      await ask(`${app.url}/models/tiny/predict`, [row, row, row])
      await ask(`${app.url}/models/tiny/versions/1.1.0/predict`, row)
      await ask(`${app.url}/models/tiny/versions/1.1.0/predict`, { age: 'old' })
      await ask(`${app.url}/models/tiny/versions/7.0.0/predict`, row)

      const all = (await get(app, '/models/tiny/service')).body as unknown as Told
      assert.deepEqual([all.total.rows, all.total.invocations, all.total.errorRate], [4, 2, 0])
      assert.deepEqual(all.total.refusals, { invalid: 1, not_found: 1 })
      assert.deepEqual([all.state, all.targets.p99LatencyMs, all.recent.predictions], ['ok', 200, 4])
      assert.ok(all.windows.length >= 1)
      assert.ok(all.windows[0]!.p50Ms > 0 && all.windows[0]!.perSecond > 0)

      const one = (await get(app, '/models/tiny/service?version=1.1.0')).body as unknown as Told
      assert.deepEqual([one.total.rows, one.total.refusals], [1, { invalid: 1 }])
      assert.deepEqual([one.targets.p99LatencyMs, one.targets.errorRate], [60_000, 0.01])
      const champion = (await get(app, '/models/tiny/service?version=champion')).body as unknown as Told
      assert.equal(champion.total.rows, 3)
      const empty = (await get(app, '/models/tiny/service?since=5&until=3600005')).body as unknown as Told
      assert.deepEqual([empty.windows, empty.total.rows], [[], 0])
    })
  })

  it('refuses what it cannot answer', async () => {
    await withApp({}, async app => {
      await app.register('tiny')
      const cases: readonly [string, number, RegExp][] = [
        ['/models/none/service', 404, /none/],
        ['/models/tiny/service?version=2.0.0', 404, /2\.0\.0/],
        ['/models/tiny/service?since=10&until=10', 422, /since is 10, wanted a time before until/],
        ['/models/tiny/service?since=0&step=1', 422, /more than 10000 windows/],
        ['/models/tiny/service?since=-1', 422, /since/],
        ['/models/tiny/service?step=0', 422, /step/],
        ['/models/tiny/service?steps=3', 422, /steps/],
        ['/models/none/distribution', 404, /none/],
        ['/models/tiny/distribution', 404, /without reference data/],
      ]
      for (const [path, status, detail] of cases) {
        const answer = await get(app, path)
        assert.deepEqual([path, answer.status], [path, status])
        assert.match(JSON.stringify(answer.body), detail)
      }
    })
  })
})

interface Told {
  readonly state: string
  readonly targets: { readonly p99LatencyMs: number; readonly errorRate: number }
  readonly recent: { readonly predictions: number }
  readonly total: {
    readonly rows: number
    readonly invocations: number
    readonly errorRate: number
    readonly refusals: Readonly<Record<string, number>>
  }
  readonly windows: readonly { readonly p50Ms: number; readonly perSecond: number }[]
}
