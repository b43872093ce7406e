/** Against what XGBoost answers: multi-class, several targets, vector leaves, gblinear; from JSON and from UBJSON. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { forestPredictor } from './forest-predictor.ts'
import { loadArtifact } from './load-artifact.ts'
import { loadXgboost } from './load-xgboost.ts'
import { predictorOf } from './model.ts'
import type { MarginPredictor } from './predictor.ts'

type Rows = readonly (readonly (number | string | null)[])[]

interface Made {
  readonly objective: string
  readonly params: Readonly<Record<string, unknown>>
  readonly model: string
  readonly ubj: string
  readonly rows: Rows
  readonly prediction: Rows
  readonly margin: Rows
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../test/golden/${name}`, import.meta.url), 'utf8')) as T
}

function flat(rows: Rows): Float64Array {
  return Float64Array.from(rows.flat(), cell =>
    cell === null ? Number.NaN : Number(String(cell).replace('inf', 'Infinity')),
  )
}

/** e^x of the C library may differ in the last bit of float32. */
function assertAnswers(
  predictor: MarginPredictor,
  { rows, prediction, margin }: Omit<Made, 'objective' | 'params' | 'model' | 'ubj'>,
): void {
  const got = new Float64Array(rows.length * predictor.marginCount)
  predictor.margin(flat(rows), rows.length, got)
  assert.deepEqual([...got], [...flat(margin)])
  const answers = new Float64Array(rows.length * predictor.outputCount)
  predictor.predict(flat(rows), rows.length, answers)
  for (const [index, wanted] of flat(prediction).entries()) {
    const off = Math.abs(answers[index]! - wanted)
    assert.ok(off <= 2 ** -22 * Math.max(0.5, Math.abs(wanted)), `answer ${index}: ${answers[index]} for ${wanted}`)
  }
}

describe('XGBoost: kinds of models', () => {
  for (const version of ['2.1', '3.2']) {
    const made = read<{ models: readonly Made[] }>(`models-made/xgboost_${version}.json`)
    for (const one of made.models) {
      test(`XGBoost ${version}: ${one.objective} ${JSON.stringify(one.params)}`, () => {
        const fromJson = loadXgboost(Buffer.from(one.model))
        const fromUbj = loadArtifact(Buffer.from(one.ubj, 'hex'))
        assert.deepEqual({ ...fromUbj, format: 'xgboost-json' }, fromJson)
        assertAnswers(predictorOf(fromJson), one)
        if (fromJson.kind === 'forest') assertAnswers(forestPredictor(fromJson), one)
      })
    }
  }

  test('golden multi-class', () => {
    const golden = read<Omit<Made, 'objective' | 'params' | 'model' | 'ubj'>>('model_xgb_multiclass.json')
    const model = loadArtifact(readFileSync(new URL('../../test/golden/models/xgb_multiclass.json', import.meta.url)))
    assert.ok(model.kind === 'forest')
    assert.equal(model.task, 'multiclass')
    assertAnswers(predictorOf(model), golden)
  })
})
