/** Against what XGBoost answers: multi-class, several targets, vector leaves, gblinear; from JSON and from UBJSON. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Forest } from '../../src/predictor/forest.ts'
import { loadArtifact } from '../../src/predictor/load-artifact.ts'
import {
  type Answers,
  assertFile,
  assertLeaves,
  assertXgboost,
  golden,
  parsed,
  xgboostMade,
} from '../../src/predictor/made-models.suite.ts'

describe('XGBoost: kinds of models', () => {
  for (const version of ['2.1', '3.2'] as const) {
    for (const made of xgboostMade(version)) {
      test(`XGBoost ${version}: ${made.objective} ${JSON.stringify(made.params)}`, () => assertXgboost(made))
    }
  }

  for (const ending of ['json', 'ubj']) {
    test(`golden multi-class, ${ending}`, () => {
      const bytes = golden(`models/xgb_multiclass.${ending}`)
      assert.equal(loadArtifact(bytes).task, 'multiclass')
      assertFile(bytes, parsed<Answers>('model_xgb_multiclass.json'))
    })
  }

  for (const name of ['binary', 'regression', 'poisson', 'dart', 'multiclass']) {
    test(`golden ${name}: each row ends in XGBoost's leaf`, () => {
      const { rows, leaf } = parsed<Answers & { leaf: number[][] }>(`model_xgb_${name}.json`)
      assertLeaves(loadArtifact(golden(`models/xgb_${name}.ubj`)) as Forest, rows, leaf)
    })
  }

  for (const name of ['binary', 'regression', 'poisson', 'dart', 'categorical']) {
    test(`golden ${name}, ubj`, () =>
      assertFile(golden(`models/xgb_${name}.ubj`), parsed<Answers>(`model_xgb_${name}.json`)))
  }
})
