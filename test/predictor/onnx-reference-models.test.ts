/** Models trained on real data, and what ONNX Runtime answers for them, read from beside the repository where they are. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { isExternal, predictorOf } from '../../src/predictor/model.ts'
import { loadOnnx } from '../../src/predictor/onnx/load-onnx.ts'
import type { Predictor } from '../../src/predictor/predictor.ts'

const ROOT = new URL('../../../shared/models/', import.meta.url)
const skip = existsSync(ROOT) ? false : 'the reference models are not beside this repository'
const CASES = ['churn', 'credit', 'pricing', 'promotion', 'promotion_shoppers'] as const

interface Stated {
  readonly format: string
  readonly feature_order?: readonly string[]
  readonly inputs?: readonly {
    readonly name: string
    readonly type: string
    readonly shape: readonly (number | null)[]
  }[]
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

/** Pipelines of scikit-learn were given 0 for a missing number (but for pricing), trees NaN. */
function valuesOf(
  predictor: Predictor,
  order: readonly string[] | undefined,
  given: Table,
  zero: boolean,
): Float64Array {
  const { features, categories, named } = predictor
  const names = named ? features : (order ?? features)
  assert.equal(names.length, features.length)
  const missing = zero && named ? 0 : Number.NaN
  return Float64Array.from(
    given.rows.flatMap(row =>
      names.map((name, index) => {
        const [column, wanted] = name.split('=') as [string, string | undefined]
        const text = row[given.header.indexOf(column)]!
        if (wanted !== undefined) return text === wanted ? 1 : 0
        if (categories[index] !== undefined) return categories[index].indexOf(text)
        return text === '' ? missing : Number(text)
      }),
    ),
  )
}

describe('reference models in ONNX', { skip }, () => {
  for (const name of skip === false ? CASES : []) {
    const stated = JSON.parse(readFileSync(new URL(`${name}/signature.json`, ROOT), 'utf8')) as {
      readonly models: Readonly<Record<string, Stated>>
    }
    for (const [model, facts] of Object.entries(stated.models)) {
      if (facts.format !== 'onnx') continue
      // The trees without names take the columns of their like.
      const order = Object.values(stated.models).find(one => one.feature_order?.length === facts.inputs?.[0]?.shape[1])
      for (const [given, expected] of [
        ['holdout.csv', 'expected.csv'],
        ['edge.csv', 'edge_expected.csv'],
      ] as const) {
        test(`${name}/${model} on ${given}`, () => {
          const loaded = loadOnnx(readFileSync(new URL(`${name}/${model}.onnx`, ROOT)))
          assert.ok(!isExternal(loaded), 'computed here')
          const predictor = predictorOf(loaded)
          const inputs = table(`${name}/${given}`)
          const wanted = table(`${name}/${expected}`)
          const rows = valuesOf(predictor, order?.feature_order, inputs, name !== 'pricing')
          const out = new Float64Array(inputs.rows.length)
          predictor.predict(rows, inputs.rows.length, out)
          const at = wanted.header.indexOf(model)
          for (const [index, row] of wanted.rows.entries()) {
            const one = Number(row[at])
            const difference = Math.abs(out[index]! - one)
            assert.ok(
              Number.isNaN(one) ? Number.isNaN(out[index]) : difference <= 1e-6,
              `row ${index}: ${out[index]} for ${one}`,
            )
          }
        })
      }
    }
  }
})
