/** Models trained on real data, read from beside the repository where they are. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { Forest } from './forest.ts'
import { forestPredictor } from './forest-predictor.ts'
import { loadArtifact } from './load-artifact.ts'

const ROOT = new URL('../../../shared/models/', import.meta.url)
const skip = existsSync(ROOT) ? false : 'the reference models are not beside this repository'
const CASES = ['churn', 'credit', 'pricing', 'promotion', 'promotion_shoppers'] as const

interface Signature {
  readonly inputs: readonly { readonly name: string; readonly categories?: readonly string[] }[]
  readonly models: Readonly<Record<string, { readonly format: string; readonly feature_order: readonly string[] }>>
}

interface Table {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

function table(path: string): Table {
  const lines = readFileSync(new URL(path, ROOT), 'utf8').trimEnd().split(/\r?\n/)
  const [header, ...rows] = lines.map(line => line.split(','))
  return { header: header!, rows }
}

/** A feature `column=value` is an indicator; a category is its number, missing where it was never seen. */
function valueFor(feature: string, row: readonly string[], { header }: Table, { inputs }: Signature): number {
  const [column, wanted] = feature.split('=') as [string, string | undefined]
  const text = row[header.indexOf(column)]!
  if (wanted !== undefined) return text === wanted ? 1 : 0
  const categories = inputs.find(input => input.name === column)?.categories
  if (categories !== undefined) return categories.includes(text) ? categories.indexOf(text) : Number.NaN
  return text === '' ? Number.NaN : Number(text)
}

describe('reference models', { skip }, () => {
  for (const name of skip === false ? CASES : []) {
    const signature = JSON.parse(readFileSync(new URL(`${name}/signature.json`, ROOT), 'utf8')) as Signature
    for (const [model, { format, feature_order: order }] of Object.entries(signature.models)) {
      if (format !== 'xgboost') continue
      if (model === 'xgb_gblinear') {
        test(`${name}/${model} is refused`, () => {
          assert.throws(
            () => loadArtifact(readFileSync(new URL(`${name}/${model}.json`, ROOT))),
            /gblinear is not supported/,
          )
        })
        continue
      }
      for (const [given, expected] of [
        ['holdout.csv', 'expected.csv'],
        ['edge.csv', 'edge_expected.csv'],
      ] as const) {
        test(`${name}/${model} on ${given}`, () => {
          const predictor = forestPredictor(
            loadArtifact(readFileSync(new URL(`${name}/${model}.json`, ROOT))) as Forest,
          )
          assert.equal(predictor.features.length, order.length)
          const inputs = table(`${name}/${given}`)
          const wanted = table(`${name}/${expected}`)
          const rows = Float64Array.from(
            inputs.rows.flatMap(row => order.map(f => valueFor(f, row, inputs, signature))),
          )
          const margin = new Float64Array(inputs.rows.length)
          const prediction = new Float64Array(inputs.rows.length)
          predictor.margin(rows, inputs.rows.length, margin)
          predictor.predict(rows, inputs.rows.length, prediction)
          const [at, rawAt] = [wanted.header.indexOf(model), wanted.header.indexOf(`${model}.raw`)]
          for (const [index, row] of wanted.rows.entries()) {
            assert.equal(margin[index], Number(row[rawAt]), `margin of row ${index}`)
            assert.ok(Math.abs(prediction[index]! - Number(row[at])) <= 6e-8, `prediction of row ${index}`)
          }
        })
      }
    }
  }
})
