/** Real models over real HTTP: what is served is what XGBoost predicted, for every row of the reference hold-outs. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { bellwether, withServer } from '../server.ts'
import { skipUnless } from '../services.ts'

const MODELS = new URL('../../../shared/models/', import.meta.url)
const CHURN_FEATURES = [
  'age',
  'tenure',
  'balance',
  'num_products',
  'has_cr_card',
  'is_active_member',
  'estimated_salary',
]
const TOLERANCE = 1e-6

type Row = Readonly<Record<string, number | null>>

function columns(path: string, names: readonly string[]): Row[] {
  const [header, ...lines] = readFileSync(new URL(path, MODELS), 'utf8').trimEnd().split('\n')
  const positions = names.map(name => header!.split(',').indexOf(name))
  assert.ok(!positions.includes(-1), `${path} has all of ${names}`)
  return lines.map(line => {
    const cells = line.split(',')
    return Object.fromEntries(names.map((name, i) => [name, number(cells[positions[i]!]!)]))
  })
}

const number = (cell: string): number | null => (cell === '' ? null : Number(cell))

async function post(url: string, body: unknown): Promise<{ status: number; body: Answered }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Answered }
}

interface Answered {
  readonly outputs: Readonly<Record<string, number>>
  readonly predictions: readonly { readonly outputs: Readonly<Record<string, number>> }[]
}

test('churn: 2,000 rows one by one, in a batch, and the edge rows with missing values', {
  skip: skipUnless('shared'),
}, async () => {
  const rows = columns('churn/holdout.csv', CHURN_FEATURES)
  const expected = columns('churn/expected.csv', ['xgb_core']).map(row => row['xgb_core']!)
  const edges = columns('churn/edge.csv', CHURN_FEATURES)
  const edgeExpected = columns('churn/edge_expected.csv', ['xgb_core']).map(row => row['xgb_core']!)
  assert.equal(rows.length, 2_000)

  await withServer({}, async server => {
    const artifact = new URL('churn/xgb_core.json', MODELS).pathname
    const registered = await bellwether([
      'register',
      artifact,
      '--name',
      'churn',
      '--version',
      '1.0.0',
      '--server',
      server.url,
    ])
    assert.equal(registered.status, 0, registered.stderr)

    let worst = 0
    for (const [i, row] of rows.entries()) {
      const { status, body } = await post(`${server.url}/predict`, row)
      assert.equal(status, 200)
      worst = Math.max(worst, Math.abs(body.outputs['churn_probability']! - expected[i]!))
    }
    assert.ok(worst <= TOLERANCE, `largest difference over single rows: ${worst}`)

    const batch = await post(`${server.url}/models/churn/predict`, rows)
    assert.equal(batch.status, 200)
    for (const [i, prediction] of batch.body.predictions.entries()) {
      assert.ok(Math.abs(prediction.outputs['churn_probability']! - expected[i]!) <= TOLERANCE, `row ${i} of the batch`)
    }

    for (const [i, row] of edges.entries()) {
      const { status, body } = await post(`${server.url}/models/churn/versions/1.0.0/predict`, row)
      assert.equal(status, 200, `edge row ${i}: ${JSON.stringify(body)}`)
      assert.ok(Math.abs(body.outputs['churn_probability']! - edgeExpected[i]!) <= TOLERANCE, `edge row ${i}`)
    }
  })
})
