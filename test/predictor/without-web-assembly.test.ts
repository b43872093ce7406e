/** Not beside its source, whose tests share processes: a page whose security policy forbids to compile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/math/random.ts'
import { randomForest, randomRows } from '../../src/predictor/shap/random-forests.suite.ts'
import { treeShap } from '../../src/predictor/shap/tree-shap.ts'

class Forbidden {
  constructor() {
    throw new TypeError('refused by the security policy')
  }
}

test('where WebAssembly is forbidden the float64 path explains', async () => {
  Object.assign(globalThis, { WebAssembly: { Module: Forbidden } })
  const { fastTreeShap } = await import('../../src/predictor/kernels/fast-tree-shap.ts')
  const { explainerOf } = await import('../../src/predictor/explainer.ts')
  const random = seededRandom(1)
  const forest = randomForest(random, { features: 4, trees: 3, depth: 4 })
  const rows = randomRows(random, 4, 5)
  const [wanted, got] = [new Float64Array(20), new Float64Array(20)]
  assert.equal(fastTreeShap(forest), undefined)
  treeShap(forest).explain(rows, 5, wanted)
  explainerOf(forest)!.explain(rows, 5, got)
  assert.deepEqual(got, wanted)
})
