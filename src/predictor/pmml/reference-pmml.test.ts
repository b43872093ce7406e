/** Documents that sklearn2pmml wrote of models trained on real data, read from beside the repository where they are. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { predictorOf } from '../model.ts'
import type { Predictor } from '../predictor.ts'
import { loadPmml, readPmml } from './load-pmml.ts'
import { pmmlPredictor } from './pmml-predictor.ts'

const ROOT = new URL('../../../../shared/models/', import.meta.url)
const skip = existsSync(ROOT) ? false : 'the reference models are not beside this repository'

function table(path: string): { header: readonly string[]; rows: readonly (readonly string[])[] } {
  const lines = readFileSync(new URL(path, ROOT), 'utf8').trimEnd().split(/\r?\n/)
  const [header, ...rows] = lines.map(line => line.split(','))
  return { header: header!, rows }
}

function rowsFor({ features, categories }: Predictor, { header, rows }: ReturnType<typeof table>): Float64Array {
  const columns = features.map(feature => header.indexOf(feature))
  assert.ok(columns.every(column => column >= 0))
  return Float64Array.from(
    rows.flatMap(row =>
      columns.map((column, k) =>
        categories[k] === undefined ? Number(row[column]) : categories[k].indexOf(row[column]!),
      ),
    ),
  )
}

describe('reference PMML', { skip }, () => {
  for (const name of skip === false ? ['churn', 'credit', 'pricing'] : []) {
    const models = readdirSync(new URL(`${name}/`, ROOT)).filter(file => file.endsWith('.pmml'))
    for (const file of models) {
      test(`${name}/${file} answers what scikit-learn answers, compiled and as it is written`, () => {
        const bytes = readFileSync(new URL(`${name}/${file}`, ROOT))
        const inputs = table(`${name}/pmml_holdout.csv`)
        const expected = table(`${name}/pmml_expected.csv`)
        const column = expected.header.indexOf(file.replace('.pmml', ''))
        for (const predictor of [pmmlPredictor(readPmml(bytes)), predictorOf(loadPmml(bytes))]) {
          const out = new Float64Array(inputs.rows.length)
          predictor.predict(rowsFor(predictor, inputs), inputs.rows.length, out)
          for (const [index, row] of expected.rows.entries()) {
            assert.ok(
              Math.abs(out[index]! - Number(row[column])) <= 1e-9,
              `row ${index}: ${out[index]}, wanted ${row[column]}`,
            )
          }
        }
      })
    }
  }
})
