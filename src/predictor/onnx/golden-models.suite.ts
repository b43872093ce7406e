/** The models of test/golden/onnx, made by onnx_reference.py there, and what ONNX Runtime answers. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { isExternal, type Model, predictorOf } from '../model.ts'
import { loadOnnx } from './load-onnx.ts'

export const GOLDEN: URL = new URL('../../../test/golden/', import.meta.url)

export interface GoldenCase {
  /** Computed here; else left to ONNX Runtime. */
  readonly native: boolean
  readonly rows: readonly (readonly (number | string | null)[])[]
  readonly expected: readonly (readonly (number | string | null)[])[]
}

export const CASES: Readonly<Record<string, GoldenCase>> = JSON.parse(
  readFileSync(new URL('onnx/cases.json', GOLDEN), 'utf8'),
).cases

export function goldenBytes(name: string): Uint8Array {
  return readFileSync(new URL(`onnx/${name}.onnx`, GOLDEN))
}

/** A text by its code, −1 where it is none of the categories. */
export function rowsOf(model: Model, rows: GoldenCase['rows']): Float64Array {
  return Float64Array.from(
    rows.flatMap(row =>
      row.map((value, column) => {
        const categories = model.categories[column]
        if (value === null) return Number.NaN
        return categories === undefined ? Number(value) : categories.indexOf(String(value))
      }),
    ),
  )
}

/** The answers wanted, a class by its number. */
export function wantedOf({ classes, answers }: Model, expected: GoldenCase['expected']): Float64Array {
  return Float64Array.from(expected.flat(), value =>
    value === null ? Number.NaN : answers === 'class' ? classes!.indexOf(String(value)) : Number(value),
  )
}

/** Within 1e-6; NaN and infinities are the same. */
export function requireNear(found: Float64Array, wanted: Float64Array): void {
  assert.equal(found.length, wanted.length)
  for (const [index, value] of wanted.entries()) {
    const isNear = Object.is(found[index], value) || Math.abs(found[index]! - value) <= 1e-6
    assert.ok(isNear, `number ${index} is ${found[index]}, wanted ${value}`)
  }
}

/** Loads the model, which is computed here, and compares all its answers. */
export function requireGolden(name: string): void {
  const { rows, expected } = CASES[name]!
  const model = loadOnnx(goldenBytes(name))
  assert.ok(!isExternal(model), `${name}: ${model.facts['because']}`)
  const predictor = predictorOf(model)
  const out = new Float64Array(rows.length * predictor.outputCount)
  predictor.predict(rowsOf(model, rows), rows.length, out)
  requireNear(out, wantedOf(model, expected))
  const alone = new Float64Array(predictor.outputCount)
  predictor.predict(rowsOf(model, rows.slice(3, 4)), 1, alone)
  assert.deepEqual(alone, out.slice(3 * alone.length, 4 * alone.length), `${name}: alone as among others`)
}
