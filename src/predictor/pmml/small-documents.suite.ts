/** Documents of a few lines, and what they answer: as they are written, and compiled, which must be the same. */
import assert from 'node:assert/strict'
import { Problem } from '../../errors.ts'
import { predictorOf } from '../model.ts'
import type { Predictor } from '../predictor.ts'
import { loadPmml, readPmml } from './load-pmml.ts'
import { pmmlPredictor } from './pmml-predictor.ts'

/** By field; a text or a number, `null` where it is missing. */
export type Inputs = Readonly<Record<string, number | string | null>>

export interface Parts {
  /** `x` and `z` are numbers and `c` is a text of a, b, c, where nothing else is said. */
  readonly fields?: string
  /** What stands between the dictionary and the model. */
  readonly before?: string
  readonly version?: string
}

const FIELDS = `<DataField name="x" optype="continuous" dataType="double"/>
  <DataField name="z" optype="continuous" dataType="double"/>
  <DataField name="c" optype="categorical" dataType="string"><Value value="a"/><Value value="b"/><Value value="c"/></DataField>
  <DataField name="y" optype="continuous" dataType="double"/>
  <DataField name="k" optype="categorical" dataType="string"><Value value="no"/><Value value="yes"/></DataField>`

/** The fields of `FIELDS` as inputs, and a target. */
export function schema(target: 'y' | 'k' = 'y', more = ''): string {
  return `<MiningSchema><MiningField name="${target}" usageType="target"/><MiningField name="x"/><MiningField name="z"/>
    <MiningField name="c" invalidValueTreatment="asIs"/>${more}</MiningSchema>`
}

export function document(model: string, { fields = FIELDS, before = '', version = '4_4' }: Parts = {}): Uint8Array {
  return new TextEncoder().encode(`<?xml version="1.0" encoding="UTF-8"?>
<PMML xmlns="http://www.dmg.org/PMML-${version}" version="${version.replace('_', '.')}"><Header/>
<DataDictionary>${fields}</DataDictionary>${before}${model}</PMML>`)
}

/** A regression whose answer is a derived field. */
export function derived(
  expression: string,
  parts: Parts & { readonly type?: string; readonly schema?: string } = {},
): Uint8Array {
  const { type = 'double', schema: own = schema() } = parts
  return document(
    `<RegressionModel functionName="regression">${own}<LocalTransformations>
    <DerivedField name="d" optype="continuous" dataType="${type}">${expression}</DerivedField></LocalTransformations>
    <RegressionTable intercept="0"><NumericPredictor name="d" coefficient="1"/></RegressionTable></RegressionModel>`,
    parts,
  )
}

function rowOf({ features, categories }: Predictor, inputs: Inputs): Float64Array {
  return Float64Array.from(features, (feature, column) => {
    const value = inputs[feature]
    if (value === null || value === undefined) return Number.NaN
    return typeof value === 'string' ? categories[column]!.indexOf(value) : value
  })
}

/** NaN where there is no answer. */
export function answers(bytes: Uint8Array, inputs: Inputs): number[] {
  const written = pmmlPredictor(readPmml(bytes))
  const compiled = predictorOf(loadPmml(bytes))
  const row = rowOf(written, inputs)
  const found = [written, compiled].map(predictor => {
    const out = new Float64Array(predictor.outputCount)
    predictor.predict(row, 1, out)
    return [...out]
  })
  for (const [k, value] of found[0]!.entries()) near(found[1]![k]!, value, 1e-12)
  return found[0]!
}

export function answer(bytes: Uint8Array, inputs: Inputs): number {
  return answers(bytes, inputs)[0]!
}

export function near(found: number, wanted: number, tolerance = 1e-12): void {
  if (Number.isNaN(wanted)) assert.ok(Number.isNaN(found), `${found}, wanted NaN`)
  else assert.ok(Math.abs(found - wanted) <= tolerance * Math.max(1, Math.abs(wanted)), `${found}, wanted ${wanted}`)
}

export function refused(bytes: Uint8Array, pattern: RegExp): void {
  assert.throws(
    () => loadPmml(bytes),
    error => error instanceof Problem && error.code === 'invalid' && pattern.test(error.message),
  )
}
