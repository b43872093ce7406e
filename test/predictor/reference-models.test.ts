/** Models trained on real data, read from beside the repository where they are. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { forestPredictor } from '../../src/predictor/forest-predictor.ts'
import { loadArtifact } from '../../src/predictor/load-artifact.ts'
import { predictorOf } from '../../src/predictor/model.ts'
import type { MarginPredictor } from '../../src/predictor/predictor.ts'

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
      if (format !== 'xgboost' && format !== 'lightgbm') continue
      const files = format === 'lightgbm' ? ['txt'] : ['json', 'ubj']
      for (const [given, expected] of [
        ['holdout.csv', 'expected.csv'],
        ['edge.csv', 'edge_expected.csv'],
      ] as const) {
        for (const ending of files) {
          test(`${name}/${model}.${ending} on ${given}`, () => {
            const loaded = loadArtifact(readFileSync(new URL(`${name}/${model}.${ending}`, ROOT)))
            assert.ok(loaded.kind === 'forest' || loaded.kind === 'linear')
            assert.equal(loaded.features.length, order.length)
            const inputs = table(`${name}/${given}`)
            const rows = Float64Array.from(
              inputs.rows.flatMap(row => order.map(f => valueFor(f, row, inputs, signature))),
            )
            assertAnswers(predictorOf(loaded), rows, model, table(`${name}/${expected}`))
            if (loaded.kind === 'forest') {
              assertAnswers(forestPredictor(loaded), rows, model, table(`${name}/${expected}`))
            }
          })
        }
      }
    }
  }
})

/** Sums are the same additions, so margins are equal to the bit; e^x may differ from the C library's in the last. */
function assertAnswers(predictor: MarginPredictor, rows: Float64Array, model: string, wanted: Table): void {
  const count = wanted.rows.length
  const margin = new Float64Array(count)
  const prediction = new Float64Array(count)
  predictor.margin(rows, count, margin)
  predictor.predict(rows, count, prediction)
  const [at, rawAt] = [wanted.header.indexOf(model), wanted.header.indexOf(`${model}.raw`)]
  const near = predictor.format === 'lightgbm-text' ? 1e-15 : 6e-8
  for (const [index, row] of wanted.rows.entries()) {
    if (rawAt >= 0) assert.equal(margin[index], Number(row[rawAt]), `margin of row ${index}`)
    const off = Math.abs(prediction[index]! - Number(row[at]))
    assert.ok(off <= near * Math.max(1, Math.abs(Number(row[at]))), `prediction of row ${index}: ${prediction[index]}`)
  }
}
