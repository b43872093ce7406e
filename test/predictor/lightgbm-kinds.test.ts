/** Against what LightGBM answers, to the bit of the margins: every objective, booster and kind of split; from text and JSON. */
import { describe, test } from 'node:test'
import type { Forest } from '../../src/predictor/forest.ts'
import { loadArtifact } from '../../src/predictor/load-artifact.ts'
import {
  type Answers,
  assertFile,
  assertLeaves,
  assertLightgbm,
  golden,
  lightgbmMade,
  parsed,
  type Rows,
} from '../../src/predictor/made-models.suite.ts'

interface Golden extends Omit<Answers, 'margin'> {
  readonly raw_score: Rows
  readonly leaf: readonly (readonly number[])[]
}

describe('LightGBM: kinds of models', () => {
  for (const made of lightgbmMade()) test(JSON.stringify(made.params), () => assertLightgbm(made))

  for (const name of ['binary', 'categorical', 'multiclass', 'regression', 'zero_as_missing']) {
    test(`golden ${name}`, () => {
      const { raw_score: margin, ...reference } = parsed<Golden>(`model_lgb_${name}.json`)
      const bytes = golden(`models/lgb_${name}.txt`)
      assertFile(bytes, { ...reference, margin })
      assertLeaves(loadArtifact(bytes) as Forest, reference.rows, reference.leaf)
    })
  }
})
