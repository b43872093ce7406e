/** MLflow's scoring protocol and KServe's v1 over HTTP: every form of rows gives the same answers and the same records. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PredictionRecord, RefusalRecord } from '../../src/ledger/record.ts'
import { tinyAnswer } from '../journeys/model.ts'
import { STRICT, withApp } from './app.ts'

interface Answered {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

async function post(url: string, body: unknown, type = 'application/json'): Promise<Answered> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body: text })
  return { status: answer.status, body: (await answer.json()) as Answered['body'] }
}

const ROWS = [
  { age: 20, tenure: 1 },
  { age: 47, tenure: 2 },
]
const CELLS = [
  [20, 1],
  [47, 2],
]
const WANTED = [tinyAnswer(20, 1), tinyAnswer(47, 2)]
const FORMS: readonly unknown[] = [
  { dataframe_split: { columns: ['age', 'tenure'], data: CELLS } },
  { dataframe_split: { index: [0, 1], columns: ['tenure', 'age'], data: CELLS.map(([age, tenure]) => [tenure, age]) } },
  { dataframe_split: { data: CELLS } },
  { dataframe_records: ROWS, params: { threshold: 0.5 } },
  { instances: ROWS },
  { instances: CELLS },
  { inputs: { age: [20, 47], tenure: [1, 2] } },
  { inputs: { age: [[20], [47]], tenure: [[1], [2]] } },
  { inputs: CELLS },
]

function judge({ status, body }: Answered): void {
  assert.equal(status, 200, JSON.stringify(body))
  const values = body['predictions'] as number[]
  assert.equal(values.length, WANTED.length)
  for (const [at, value] of values.entries()) assert.ok(Math.abs(value - WANTED[at]!) < 1e-6)
  assert.equal((body['prediction_ids'] as string[]).length, WANTED.length)
}

test('POST /invocations takes every form of MLflow, and CSV', async () => {
  await withApp({}, async app => {
    await app.register('tiny', '1.0.0', STRICT)
    for (const form of FORMS) judge(await post(`${app.url}/invocations`, form))
    judge(await post(`${app.url}/models/tiny/invocations`, 'tenure,age\r\n1,20\r\n2.0,47\r\n', 'text/csv'))
    judge(
      await post(
        `${app.url}/models/tiny/versions/1.0.0/invocations`,
        'age,tenure\n20,1\n47,2',
        'text/csv; charset=utf-8',
      ),
    )
    const missing = await post(`${app.url}/invocations`, 'age,tenure\n47,\n', 'text/csv')
    assert.equal(missing.status, 200, 'an empty cell is a missing value')

    const records = (await app.records()).filter(({ kind }) => kind === 'prediction') as PredictionRecord[]
    assert.equal(records.length, 2 * (FORMS.length + 2) + 1)
    assert.ok(records.every(({ door }) => door === 'mlflow'))
    assert.deepEqual(records[1]!.features, { age: 47, tenure: 2 })
  })
})

test('POST /invocations refuses in the shape of MLflow, each time on the record', async () => {
  await withApp({}, async app => {
    await app.register('tiny', '1.0.0', STRICT)
    const wrong: readonly (readonly [body: unknown, status: number, code: string, message: RegExp])[] = [
      [{ rows: [] }, 422, 'INVALID_PARAMETER_VALUE', /has none of its forms/],
      [{ instances: [], inputs: [] }, 422, 'INVALID_PARAMETER_VALUE', /has instances and inputs/],
      [{ instances: [] }, 422, 'INVALID_PARAMETER_VALUE', /at least one row/],
      [{ dataframe_split: { columns: ['age', 'age'], data: [] } }, 422, 'INVALID_PARAMETER_VALUE', /given twice/],
      [{ instances: [[1]] }, 422, 'INVALID_PARAMETER_VALUE', /has 1 values, 2 were wanted/],
      [{ inputs: { age: [20], tenure: [1, 2] } }, 422, 'INVALID_PARAMETER_VALUE', /has 2 values, 1 were wanted/],
      [{ dataframe_records: [{ age: 3, tenure: 1 }] }, 422, 'INVALID_PARAMETER_VALUE', /at least|from 18 to 100/],
      ['{', 400, 'MALFORMED_REQUEST', /./],
    ]
    for (const [body, status, code, message] of wrong) {
      const answer = await post(`${app.url}/invocations`, body)
      assert.deepEqual([answer.status, answer.body['error_code']], [status, code], JSON.stringify(answer.body))
      assert.match(answer.body['message'] as string, message)
    }
    const type = await post(`${app.url}/invocations`, '<a/>', 'text/xml')
    assert.deepEqual([type.status, type.body['error_code']], [415, 'BAD_REQUEST'])
    assert.match(type.body['message'] as string, /application\/json or text\/csv was wanted/)
    const refusals = (await app.records()).filter(({ kind }) => kind === 'refusal') as RefusalRecord[]
    assert.equal(
      refusals.reduce((sum, { count }) => sum + count, 0),
      wrong.length + 1,
    )
  })
})

test('GET /ping, /health and /version answer as a scoring server does', async () => {
  await withApp({}, async app => {
    await app.register('tiny', '1.0.0', STRICT)
    for (const path of ['/ping', '/health']) assert.equal((await fetch(app.url + path)).status, 200)
    assert.match(await (await fetch(`${app.url}/version`)).text(), /^\d+\.\d+\.\d+/)
  })
})

test('KServe v1: models, :predict and :explain', async () => {
  await withApp({}, async app => {
    await app.register('tiny', '1.0.0', STRICT)
    const get = async (path: string): Promise<unknown> => (await fetch(app.url + path)).json()
    assert.deepEqual(await get('/v1/models'), { models: ['tiny'] })
    assert.deepEqual(await get('/v1/models/tiny'), { name: 'tiny', ready: true })
    assert.equal((await fetch(`${app.url}/v1/models/none`)).status, 404)
    judge(await post(`${app.url}/v1/models/tiny:predict`, { instances: CELLS }))
    judge(await post(`${app.url}/v1/models/tiny%3Apredict`, { instances: ROWS }))
    const explained = await post(`${app.url}/v1/models/tiny:explain`, { instances: CELLS })
    judge(explained)
    assert.equal((explained.body['explanations'] as unknown[]).length, 2)

    const unknown = await post(`${app.url}/v1/models/none:predict`, { instances: CELLS })
    assert.equal(unknown.status, 404)
    assert.match(unknown.body['error'] as string, /none/)
    assert.equal((await post(`${app.url}/v1/models/tiny`, { instances: CELLS })).status, 404)
    assert.equal((await post(`${app.url}/v1/models/tiny:train`, { instances: CELLS })).status, 404)
    const records = (await app.records()).filter(({ kind }) => kind === 'prediction') as PredictionRecord[]
    assert.equal(records.length, 6)
    assert.ok(records.every(({ door }) => door === 'kserve'))
  })
})
