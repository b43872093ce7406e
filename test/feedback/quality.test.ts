/** Live quality and reviews over HTTP, on the whole application. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JudgedWindow } from '../../src/ledger/quality-question.ts'
import type { LedgerRecord, OutcomeRecord, PredictionRecord } from '../../src/ledger/record.ts'
import { binaryMetrics } from '../../src/math/metrics/binary.ts'
import { confusion } from '../../src/math/metrics/confusion.ts'
import { ask, type RunningApp, withApp } from '../serving/app.ts'

const MET_MS_MAX = 30_000
const DAY_MS = 86_400_000

interface Quality {
  readonly windows: readonly (JudgedWindow & { readonly maturity?: number })[]
  readonly total: JudgedWindow & { readonly maturity?: number }
  readonly reliability?: unknown
}

async function quality(app: RunningApp, query = ''): Promise<Quality> {
  const answer = await fetch(`${app.url}/models/churn/metrics${query}`)
  const body = (await answer.json()) as Quality
  assert.equal(answer.status, 200, JSON.stringify(body))
  return body
}

async function predict(app: RunningApp, rows: number): Promise<string[]> {
  const batch = Array.from({ length: rows }, (_, row) => ({ age: 20 + ((row * 7) % 60), tenure: row % 11 }))
  const { body } = await ask(`${app.url}/models/churn/predict`, batch)
  return (body['predictions'] as { id: string }[]).map(({ id }) => id)
}

/** By the records alone. */
function directly(records: readonly LedgerRecord[], version: string) {
  const newest = new Map<string, OutcomeRecord>()
  for (const record of records) if (record.kind === 'outcome') newest.set(record.predictionId!, record)
  const made = records.filter((one): one is PredictionRecord => one.kind === 'prediction' && one.version === version)
  const known = made.filter(({ id }) => newest.has(id))
  const labels = known.map(({ id }) => Number(newest.get(id)!.value))
  const scores = known.map(({ outputs }) => Object.values(outputs)[0] as number)
  return { predictions: made.length, labels, scores }
}

function checkSame(window: JudgedWindow, { predictions, labels, scores }: ReturnType<typeof directly>): void {
  assert.deepEqual([window.predictions, window.outcomes], [predictions, labels.length])
  assert.deepEqual(window.confusion, confusion(labels, scores, 0.5))
  const wanted = Object.entries(binaryMetrics(labels, scores, 0.5)).filter(([, estimate]) => estimate !== undefined)
  assert.deepEqual(Object.keys(window.metrics).sort(), wanted.map(([name]) => name).sort())
  for (const [name, estimate] of wanted) {
    for (const end of ['value', 'low', 'high'] as const) {
      const found = window.metrics[name]![end]
      assert.ok(Math.abs(found - estimate![end]) < 1e-12, `${name} ${end}: ${found} for ${estimate![end]}`)
    }
  }
}

describe('live quality over HTTP', () => {
  it('is what a direct computation over the same rows says, also after corrections', () =>
    withApp({}, async app => {
      await app.register('churn')
      await app.register('churn', '2.0.0')
      const ids = await predict(app, 400)
      await ask(`${app.url}/models/churn/versions/2.0.0/predict`, { age: 42, tenure: 3 })
      const outcomes = ids.slice(0, 250).map((predictionId, index) => ({ predictionId, value: (index * 13) % 5 < 2 }))
      assert.equal((await ask(`${app.url}/outcomes`, outcomes)).status, 201)
      const first = await quality(app)
      checkSame(first.total, directly(await app.records(), '1.0.0'))
      assert.deepEqual([first.total.maturity, first.windows.length], [250 / 400, first.windows.length])
      assert.deepEqual(first.reliability, first.total.reliability)
      const corrections = outcomes.slice(0, 30).map(one => ({ ...one, value: !one.value, correction: true }))
      assert.equal((await ask(`${app.url}/outcomes`, corrections)).status, 201)
      const second = await quality(app)
      checkSame(second.total, directly(await app.records(), '1.0.0'))
      assert.notDeepEqual(second.total.confusion, first.total.confusion)
      const other = (await quality(app, '?version=2.0.0')).total
      assert.deepEqual([other.predictions, other.outcomes, other.metrics], [1, 0, {}])
    }))

  it('says nothing of windows without data, and refuses what is no range', () =>
    withApp({}, async app => {
      await app.register('churn')
      const { windows, total } = await quality(app, `?since=0&until=${3 * DAY_MS}&step=${DAY_MS}`)
      assert.equal(windows.length, 3)
      for (const window of [...windows, total]) {
        assert.deepEqual([window.predictions, window.outcomes, window.metrics], [0, 0, {}])
        assert.equal(window.maturity, undefined)
      }
      for (const [query, status] of [
        ['?since=5&until=5', 422],
        [`?since=0&until=${DAY_MS}&step=1000`, 422],
        ['?step=0', 422],
        ['?colour=red', 422],
        ['?version=9.9.9', 404],
      ] as const) {
        assert.equal((await fetch(`${app.url}/models/churn/metrics${query}`)).status, status, query)
      }
      assert.equal((await fetch(`${app.url}/models/nobody/metrics`)).status, 404)
    }))

  it('stands in /metrics and in the overview a moment after outcomes came', () =>
    withApp({}, async app => {
      await app.register('churn')
      const ids = await predict(app, 100)
      const outcomes = ids.slice(0, 60).map((predictionId, index) => ({ predictionId, value: index % 3 === 0 }))
      await ask(`${app.url}/outcomes`, outcomes)
      const { labels, scores } = directly(await app.records(), '1.0.0')
      const auc = binaryMetrics(labels, scores, 0.5).rocAuc!
      const deadline = Date.now() + MET_MS_MAX
      const line = /^live_quality\{model="churn",version="1\.0\.0",metric="rocAuc"\} (\S+)$/m
      let text = ''
      while (!line.test(text) && Date.now() < deadline) {
        await sleep(50)
        text = await (await fetch(`${app.url}/metrics`)).text()
      }
      assert.equal(Number(line.exec(text)?.[1]), auc.value)
      assert.match(text, /^outcome_maturity\{model="churn",version="1\.0\.0"\} 0\.6$/m)
      assert.match(text, /^outcomes_total\{status="recorded"\} 60$/m)
      const { models } = (await (await fetch(`${app.url}/overview`)).json()) as { models: { quality: object }[] }
      const { value, low, high } = auc
      assert.deepEqual(models[0]?.quality, { metric: 'rocAuc', value, low, high, maturity: 0.6, series: [value] })
    }))
})

describe('reviews over HTTP', () => {
  const show = async (app: RunningApp, id: string) =>
    (await (await fetch(`${app.url}/predictions/${id}`)).json()) as { reviews: Record<string, unknown>[] }

  it('stand beside the prediction, in order, with a comment that the ledger has only sealed', () =>
    withApp({}, async app => {
      await app.register('churn')
      const headers = { 'bellwether-subject': 'customer-17' }
      const { body } = await ask(`${app.url}/predict`, { age: 42, tenure: 3 }, headers)
      const predictionId = body['id'] as string
      const post = (more: object) => ask(`${app.url}/reviews`, { predictionId, ...more })
      const comment = 'She said so on the telephone: «I stay»'
      const first = await post({ verdict: 'disagree', comment })
      assert.deepEqual([first.status, first.body['reviewer'], first.body['comment']], [201, 'local', comment])
      assert.equal((await post({ verdict: 'value', value: 0 })).status, 201)
      const { reviews } = await show(app, predictionId)
      const [one, two] = reviews
      assert.deepEqual(one, first.body)
      assert.deepEqual([two?.['verdict'], two?.['value'], two?.['comment']], ['value', false, undefined])
      const records = await app.records()
      const reviewed = records.filter(record => record.kind === 'change' && record.action === 'prediction:reviewed')
      assert.equal(reviewed.length, 2)
      assert.ok(!JSON.stringify(records).includes('telephone'))
      assert.equal((await quality(app)).total.outcomes, 0, 'an opinion is no outcome')
    }))

  it('are refused where they say nothing that can be meant', () =>
    withApp({}, async app => {
      await app.register('churn')
      const { body } = await ask(`${app.url}/predict`, { age: 42, tenure: 3 })
      const predictionId = body['id'] as string
      for (const [given, status] of [
        [{ predictionId, verdict: 'value' }, 422],
        [{ predictionId, verdict: 'agree', value: 1 }, 422],
        [{ predictionId, verdict: 'value', value: 'yes' }, 422],
        [{ predictionId, verdict: 'perhaps' }, 422],
        [{ predictionId, verdict: 'agree', comment: '' }, 422],
        [{ predictionId: '019aaaac-7601-70f2-8d7e-919e8cdb1208', verdict: 'agree' }, 404],
      ] as const) {
        assert.equal((await ask(`${app.url}/reviews`, given)).status, status, JSON.stringify(given))
      }
      assert.deepEqual((await show(app, predictionId)).reviews, [])
    }))
})
