/** Models trained on real data, read from beside the repository where they are, with the contributions of their libraries. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { explainerOf } from '../../src/predictor/explainer.ts'
import { loadArtifact } from '../../src/predictor/load-artifact.ts'

const ROOT = new URL('../../../shared/models/', import.meta.url)
const skip = existsSync(ROOT) ? false : 'the reference models are not beside this repository'
const CASES = ['churn', 'credit', 'pricing', 'promotion', 'promotion_shoppers'] as const

interface Signature {
  readonly inputs: readonly { readonly name: string; readonly categories?: readonly string[] }[]
  readonly models: Readonly<Record<string, { readonly feature_order: readonly string[] }>>
}

function lines(path: string): string[][] {
  const text = readFileSync(new URL(path, ROOT), 'utf8').trimEnd()
  return text.split(/\r?\n/).map(line => line.split(','))
}

/** A feature `column=value` is an indicator; a category is its number, missing where it was never seen. */
function valueFor(feature: string, cells: ReadonlyMap<string, string>, { inputs }: Signature): number {
  const [column, wanted] = feature.split('=') as [string, string | undefined]
  const text = cells.get(column)!
  if (wanted !== undefined) return text === wanted ? 1 : 0
  const categories = inputs.find(input => input.name === column)?.categories
  if (categories !== undefined) return categories.includes(text) ? categories.indexOf(text) : Number.NaN
  return text === '' ? Number.NaN : Number(text)
}

describe('reference models', { skip }, () => {
  for (const name of skip === false ? CASES : []) {
    const signature = JSON.parse(readFileSync(new URL(`${name}/signature.json`, ROOT), 'utf8')) as Signature
    for (const file of readdirSync(new URL(name, ROOT)).filter(path => path.startsWith('shap_'))) {
      const model = file.slice('shap_'.length, -'.csv'.length)
      test(`${name}/${model}`, () => {
        const ending = model.startsWith('xgb') ? 'json' : 'txt'
        const explainer = explainerOf(loadArtifact(readFileSync(new URL(`${name}/${model}.${ending}`, ROOT))))!
        const wanted = lines(`${name}/${file}`).map(line => line.map(Number))
        const [header, ...inputs] = lines(`${name}/holdout.csv`)
        const { feature_order: order } = signature.models[model]!
        const rows = inputs.slice(0, wanted.length).flatMap(line => {
          const cells = new Map(header!.map((column, at) => [column, line[at]!]))
          return order.map(feature => valueFor(feature, cells, signature))
        })
        const out = new Float64Array(rows.length)
        explainer.explain(Float64Array.from(rows), wanted.length, out)
        for (const [at, parts] of wanted.entries()) {
          assert.equal(parts.length, order.length + 1)
          const got = [...out.subarray(at * order.length, (at + 1) * order.length), explainer.bias[0]!]
          for (const [column, part] of parts.entries()) {
            assert.ok(
              Math.abs(got[column]! - part) <= 1e-5,
              `row ${at}: ${order[column]}: ${got[column]}, wanted ${part}`,
            )
          }
        }
      })
    }
  }
})
