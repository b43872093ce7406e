import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type ClientRequest, client, type Transport } from '../client.ts'
import { predictRows, type Sender } from './predict-file.ts'

/** A server of one model that takes ages from 0; it answers a batch with a fault as ours does. */
function serving(sent: ClientRequest[] = [], namesRows = true): Transport {
  return async request => {
    sent.push(request)
    const rows = JSON.parse(String(request.body)) as { age: number | null }[]
    const errors = rows.flatMap(({ age }, i) =>
      age !== null && age < 0 ? [{ field: namesRows ? `[${i}].age` : 'age', problem: 'is below 0' }] : [],
    )
    if (errors.length > 0)
      return Response.json({ code: 'invalid', detail: 'Cannot read the features', errors }, { status: 422 })
    return Response.json({
      predictions: rows.map(({ age }) => ({ id: `id-${age}`, model: 'm', version: '1.0.0', outputs: { risk: age } })),
    })
  }
}

const senderOf = (transport: Transport, waited: number[] = []): Sender => ({
  client: client(transport),
  path: '/models/m/predict',
  wait: async ms => waited.push(ms),
})

describe('predictRows()', () => {
  test('answers every good row in order and sets every bad one aside, whether or not the server names rows', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -3, max: 9 }), { maxLength: 20 }),
        fc.boolean(),
        async (ages, namesRows) => {
          const results = await predictRows(
            senderOf(serving([], namesRows)),
            ages.map(age => JSON.stringify({ age })),
          )
          assert.deepEqual(
            results.map(result => ('prediction' in result ? result.prediction.outputs['risk'] : 'refused')),
            ages.map(age => (age < 0 ? 'refused' : age)),
          )
        },
      ),
    )
  })

  test('asks a busy server again, a few times, each after a longer wait, and gives up on what is not the fault of rows', async () => {
    const waited: number[] = []
    const good = serving()
    const busy: Transport = async request =>
      waited.length < 3
        ? Response.json({ code: 'overloaded', detail: 'x' }, { status: 503, headers: { 'retry-after': '1' } })
        : good(request)
    assert.equal((await predictRows(senderOf(busy, waited), ['{"age":1}'])).length, 1)
    assert.deepEqual(waited, [1000, 1000, 1000])
    const never: Transport = async () => Response.json({ code: 'rate_limited', detail: 'x' }, { status: 429 })
    const patience: number[] = []
    await assert.rejects(predictRows(senderOf(never, patience), ['{"age":1}']), { code: 'rate_limited' })
    assert.deepEqual(patience, [250, 500, 1000, 2000, 4000])
    const gone: Transport = async () => Response.json({ code: 'forbidden', detail: 'x' }, { status: 403 })
    await assert.rejects(predictRows(senderOf(gone), ['{"age":1}']), { code: 'forbidden' })
  })
})
