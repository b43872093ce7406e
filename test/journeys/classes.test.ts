/** Models of several classes over real HTTP: an answer has each class, metrics are recomputed, live traffic is compared by class. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bellwether, temporaryFolder, withServer } from '../server.ts'

const GOLDEN = new URL('../golden/', import.meta.url)

type Cell = number | string

interface Golden {
  readonly rows: readonly (readonly Cell[])[]
  readonly prediction: readonly (readonly number[])[]
}

interface Case {
  readonly artifact: string
  readonly golden: string
  readonly tolerance: number
}

const CASES: Readonly<Record<string, Case>> = {
  lightgbm: { artifact: 'models/lgb_multiclass.txt', golden: 'model_lgb_multiclass.json', tolerance: 1e-14 },
  xgboost: { artifact: 'models/xgb_multiclass.ubj', golden: 'model_xgb_multiclass.json', tolerance: 1e-6 },
}

/** Rows that JSON and CSV can hold; what was likeliest counts as what happened. */
function prepared({ golden }: Case): { rows: (number | null)[][]; wanted: (readonly number[])[]; labels: number[] } {
  const { rows, prediction } = JSON.parse(readFileSync(new URL(golden, GOLDEN), 'utf8')) as Golden
  const finite = [...rows.keys()].filter(at => rows[at]!.every(cell => cell === 'NaN' || Number.isFinite(Number(cell))))
  const wanted = finite.map(at => prediction[at]!)
  return {
    rows: finite.map(at => rows[at]!.map(cell => (cell === 'NaN' ? null : Number(cell)))),
    wanted,
    labels: wanted.map(given => given.indexOf(Math.max(...given))),
  }
}

function csv(header: readonly string[], rows: readonly (readonly (number | null)[])[]): string {
  return `${[header, ...rows].map(row => row.map(cell => cell ?? '').join(',')).join('\n')}\n`
}

interface Answered {
  readonly outputs: Readonly<Record<string, number>>
  readonly predictions: readonly { readonly outputs: Readonly<Record<string, number>> }[]
}

interface Explained {
  readonly explanation: {
    readonly bias: Readonly<Record<string, number>>
    readonly contributions: Readonly<Record<string, Readonly<Record<string, number>>>>
  }
  readonly margin: Readonly<Record<string, number>>
}

interface Inferred {
  readonly outputs: readonly { readonly name: string; readonly data: readonly number[] }[]
}

interface Drift {
  readonly readings: readonly { readonly kind: string; readonly feature: string }[]
}

function assertAdditive({ explanation: { bias, contributions }, margin }: Explained): void {
  for (const [output, value] of Object.entries(margin)) {
    const sum = Object.values(contributions[output]!).reduce((all, part) => all + part, bias[output]!)
    assert.ok(Math.abs(sum - value) < 1e-5, `${output}: ${sum} for ${value}`)
  }
}

async function post<T>(url: string, body: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  const text = await response.text()
  assert.equal(response.status, 200, text)
  return JSON.parse(text) as T
}

for (const [name, one] of Object.entries(CASES)) {
  test(`${name}: registered with its metrics, asked in every way`, async () => {
    const { rows, wanted, labels } = prepared(one)
    const features = rows[0]!.map((_, at) => `x${at}`)
    const folder = temporaryFolder()
    writeFileSync(
      join(folder, 'data.csv'),
      csv(
        [...features, 'class'],
        rows.map((row, at) => [...row, labels[at]!]),
      ),
    )
    writeFileSync(join(folder, 'model'), readFileSync(new URL(one.artifact, GOLDEN)))
    const inputs = features.map(feature => `    - name: ${feature}`).join('\n')
    writeFileSync(
      join(folder, 'model.yaml'),
      `name: ${name}\nversion: 1.0.0\nartifact: model\nreference: data.csv\nevaluation: data.csv\ntarget: class\nmetrics:\n  accuracy: 1\n  f1_macro: 1\nsignature:\n  inputs:\n${inputs}\n`,
    )
    const object = (row: readonly (number | null)[]) => Object.fromEntries(row.map((cell, at) => [features[at]!, cell]))
    const near = (outputs: Readonly<Record<string, number>>, row: number): void => {
      assert.deepEqual(Object.keys(outputs), ['0', '1', '2'])
      for (const [index, value] of wanted[row]!.entries()) {
        assert.ok(Math.abs(outputs[index]! - value) <= one.tolerance, `row ${row}: ${outputs[index]} for ${value}`)
      }
    }
    await withServer({}, async server => {
      const registered = await bellwether(['register', join(folder, 'model.yaml'), '--server', server.url])
      assert.equal(registered.status, 0, registered.stderr)
      assert.match(registered.stdout, /accuracy 1\b.*\(measured\)/)
      near((await post<Answered>(`${server.url}/models/${name}/predict`, object(rows[0]!))).outputs, 0)
      const batch = await post<Answered>(`${server.url}/models/${name}/predict`, rows.map(object))
      for (const [row, { outputs }] of batch.predictions.entries()) near(outputs, row)
      assertAdditive(await post<Explained>(`${server.url}/models/${name}/explain`, object(rows[1]!)))
      const tensors = features.map((feature, at) => ({
        name: feature,
        datatype: 'FP64',
        shape: [1],
        data: [rows[2]![at]],
      }))
      const inferred = await post<Inferred>(`${server.url}/v2/models/${name}/infer`, { inputs: tensors })
      near(Object.fromEntries(inferred.outputs.map(({ name: output, data }) => [output, data[0]!])), 2)
      const drift = (await (await fetch(`${server.url}/models/${name}/drift`)).json()) as Drift
      const compared = new Set(drift.readings.filter(({ kind }) => kind === 'output').map(({ feature }) => feature))
      assert.deepEqual([...compared], ['0', '1', '2'])
    })
  })
}
