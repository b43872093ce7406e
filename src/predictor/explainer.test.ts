import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom } from '../math/random.ts'
import { explainerOf } from './explainer.ts'
import type { Linear } from './linear.ts'
import { randomForest } from './shap/random-forests.suite.ts'

const forest = randomForest(seededRandom(1), { features: 3, trees: 4, depth: 4 })
const background = { rows: Float64Array.of(1, 2, 3, 3, 4, Number.NaN), count: 2 }

describe('explainerOf', () => {
  test('chooses by what a forest knows of itself', () => {
    const { cover: _, ...blind } = forest
    assert.equal(explainerOf(forest)?.method, 'tree-shap')
    assert.equal(explainerOf(forest, { background })?.method, 'tree-shap')
    assert.equal(explainerOf(forest, { background, isInterventional: true })?.method, 'interventional-tree-shap')
    assert.equal(explainerOf(blind), undefined)
    assert.equal(explainerOf(blind, { background })?.method, 'interventional-tree-shap')
    assert.equal(explainerOf({ ...forest, cover: forest.cover!.map(() => Number.NaN) }), undefined)
  })

  test('says nothing of lines in leaves', () => {
    const lines = {
      line: new Int32Array(forest.feature.length).fill(-1),
      starts: Int32Array.of(0),
      constants: new Float64Array(0),
      features: new Int32Array(0),
      coefficients: new Float64Array(0),
    }
    assert.equal(explainerOf({ ...forest, lines }, { background }), undefined)
  })

  test('compares the values of a linear model with those of a background', () => {
    const { kind: _, ...head } = forest
    const linear: Linear = {
      ...head,
      kind: 'linear',
      coefficients: Float64Array.of(1, 10, 100),
      intercepts: Float64Array.of(5),
      missingIsZero: true,
    }
    const out = new Float64Array(3)
    const alone = explainerOf(linear)!
    alone.explain(Float64Array.of(2, 2, Number.NaN), 1, out)
    assert.deepEqual([...out, ...alone.bias], [2, 20, 0, 5])
    const compared = explainerOf(linear, { background })!
    compared.explain(Float64Array.of(2, 2, Number.NaN), 1, out)
    assert.deepEqual([...out, ...compared.bias], [0, -10, -150, 5 + 2 + 30 + 150])
  })
})
