/** Outcomes over HTTP, on the whole application: what is taken, what is refused, and what the ledger has afterwards. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { OutcomeRecord } from '../../src/ledger/record.ts'
import { ask, type RunningApp, withApp } from '../serving/app.ts'

const ROW = { age: 42, tenure: 3 }
const MINUTE_MS = 60_000

interface Fields {
  readonly code: string
  readonly errors: readonly { readonly field: string; readonly problem: string }[]
}

async function predicted(app: RunningApp, subject?: string): Promise<string> {
  const headers = subject === undefined ? {} : { 'bellwether-subject': subject }
  const { status, body } = await ask(`${app.url}/models/churn/predict`, ROW, headers)
  assert.equal(status, 200)
  return body['id'] as string
}

async function outcomesIn(app: RunningApp): Promise<OutcomeRecord[]> {
  return (await app.records()).filter(record => record.kind === 'outcome')
}

const onChurn = (run: (app: RunningApp) => Promise<void>): Promise<void> =>
  withApp({}, async app => {
    await app.register('churn')
    await run(app)
  })

describe('outcomes over HTTP', () => {
  it('records the first, repeats the same, refuses another, takes a correction', () =>
    onChurn(async app => {
      const predictionId = await predicted(app, 'customer-17')
      const post = (more: object) => ask(`${app.url}/outcomes`, { predictionId, ...more })
      const first = await post({ value: 1, amount: { amount: -300, currency: 'EUR' } })
      assert.deepEqual([first.status, first.body['status']], [201, 'recorded'])
      const again = await post({ value: true })
      assert.deepEqual([again.status, again.body], [200, { ...first.body, status: 'repeated' }])
      const other = await post({ value: false })
      assert.equal(other.status, 409)
      const { errors } = other.body as unknown as Fields
      const problem = `contradicts the outcome ${first.body['id']}; with "correction": true it takes its place`
      assert.deepEqual(errors, [{ field: 'value', problem }])
      const corrected = await post({ value: false, correction: true })
      assert.deepEqual([corrected.status, corrected.body['status']], [201, 'corrected'])
      assert.equal((await post({ value: false, correction: true })).body['status'], 'repeated')

      const [one, two, ...more] = await outcomesIn(app)
      assert.deepEqual(more, [])
      const { id, at, subject, ...rest } = one!
      const members = { actor: 'local', kind: 'outcome', model: 'churn', predictionId, source: '127.0.0.1' }
      assert.deepEqual(rest, { ...members, value: true, amount: { amount: -300, currency: 'EUR' } })
      assert.equal(id, first.body['id'])
      assert.ok(at > 0 && subject !== undefined && subject !== 'customer-17')
      assert.deepEqual([two?.value, two?.corrects, two?.id], [false, id, corrected.body['id']])
    }))

  it('finds the newest prediction of a subject before it happened', () =>
    onChurn(async app => {
      const predictionId = await predicted(app, 'customer-17')
      await predicted(app, 'customer-18')
      const of = (more: object) =>
        ask(`${app.url}/outcomes`, { subject: 'customer-17', model: 'churn', value: 0, ...more })
      const early = await of({ happenedAt: Date.now() - MINUTE_MS })
      assert.equal(early.status, 404)
      assert.match(JSON.stringify(early.body), /has no prediction of churn from before this happened/)
      assert.ok(!JSON.stringify(early.body).includes('customer-17'))
      const told = await of({})
      assert.deepEqual([told.status, told.body['predictionId']], [201, predictionId])
      const prediction = (await app.records()).find(({ id }) => id === predictionId) as { subject?: string }
      assert.equal((await outcomesIn(app))[0]?.subject, prediction.subject)
      assert.equal((await of({ model: 'nobody' })).status, 404)
    }))

  it('takes a batch whole or not at all, and names each fault', () =>
    onChurn(async app => {
      const ids = [await predicted(app), await predicted(app), await predicted(app)]
      const now = Date.now()
      const good = ids.map((predictionId, index) => ({ predictionId, value: index === 1 }))
      const wrong = [
        ...good,
        { predictionId: ids[0]!, value: 'yes' },
        { predictionId: ids[0]!, value: 1, happenedAt: now + 6 * MINUTE_MS },
        { predictionId: ids[0]!, value: 0, happenedAt: new Date(now - 6 * MINUTE_MS).toISOString() },
        { predictionId: ids[0]!, value: 1 },
        { predictionId: '019aaaac-7601-70f2-8d7e-919e8cdb1208', value: 1 },
        { predictionId: ids[2]!, value: 0, model: 'other' },
      ]
      const refused = await ask(`${app.url}/outcomes`, wrong)
      assert.equal(refused.status, 422)
      const { errors } = refused.body as unknown as Fields
      assert.deepEqual(
        errors.map(({ field }) => field),
        ['[3].value', '[4].happenedAt', '[5].happenedAt', '[6].value', '[7].predictionId', '[8].model'],
      )
      assert.deepEqual(await outcomesIn(app), [])
      const taken = await ask(`${app.url}/outcomes`, [...good, good[0]])
      assert.equal(taken.status, 201)
      const { outcomes } = taken.body as unknown as { outcomes: { status: string }[] }
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['recorded', 'recorded', 'recorded', 'repeated'],
      )
      assert.equal((await outcomesIn(app)).length, 3)
    }))

  it('refuses what has not the form of an outcome', () =>
    onChurn(async app => {
      const predictionId = await predicted(app)
      const table: readonly (readonly [body: unknown, field: string])[] = [
        [{}, 'value'],
        [{ value: 1 }, 'predictionId'],
        [{ predictionId, subject: 'x', value: 1 }, 'subject'],
        [{ subject: 'x', value: 1 }, 'model'],
        [{ predictionId, value: null }, 'value'],
        [{ predictionId, value: 1, happenedAt: 'yesterday' }, 'happenedAt'],
        [{ predictionId, value: 1, amount: { amount: 1, currency: 'euro' } }, 'amount.currency'],
        [{ predictionId, value: 1, colour: 'red' }, 'colour'],
        [
          [
            { predictionId, value: 1 },
            { predictionId, value: {} },
          ],
          '[1].value',
        ],
        [[], 'body'],
        [5, 'body'],
      ]
      for (const [body, field] of table) {
        const { status, body: answer } = await ask(`${app.url}/outcomes`, JSON.stringify(body))
        assert.equal(status, 422, JSON.stringify(body))
        const fields = (answer as unknown as Fields).errors.map(error => error.field)
        assert.deepEqual(fields, [field], JSON.stringify(body))
      }
      assert.deepEqual(await outcomesIn(app), [])
    }))

  it('lets nobody contradict what another writes at the same time', () =>
    onChurn(async app => {
      const predictionId = await predicted(app)
      const values = Array.from({ length: 20 }, (_, index) => index % 2)
      const answers = await Promise.all(values.map(value => ask(`${app.url}/outcomes`, { predictionId, value })))
      const [first] = await outcomesIn(app)
      const wanted = values.map(value => (Boolean(value) === first?.value ? 'told' : 'refused'))
      assert.deepEqual(
        answers.map(({ status }) => (status === 409 ? 'refused' : 'told')),
        wanted,
      )
      assert.equal((await outcomesIn(app)).length, 1)
    }))
})
