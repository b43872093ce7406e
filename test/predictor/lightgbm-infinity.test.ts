/** Splits that only part what is missing from the rest: LightGBM writes their threshold as inf. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forestPredictor } from '../../src/predictor/forest-predictor.ts'
import { loadArtifact } from '../../src/predictor/load-artifact.ts'
import { predictorOf } from '../../src/predictor/model.ts'

function stump(threshold: string, decision: number): Uint8Array {
  const text = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=0
objective=regression
feature_names=a
feature_infos=[-1:1]
tree_sizes=0

Tree=0
num_leaves=2
num_cat=0
split_feature=0
split_gain=inf
threshold=${threshold}
decision_type=${decision}
left_child=-1
right_child=-2
leaf_value=1 2
leaf_weight=5 3
leaf_count=5 3
internal_value=0
internal_weight=8
internal_count=8
is_linear=0
shrinkage=1


end of trees
`
  return new TextEncoder().encode(text)
}

test('infinite thresholds of LightGBM', () => {
  const rows = Float64Array.of(Number.NEGATIVE_INFINITY, -1, 0, Number.MAX_VALUE, Number.POSITIVE_INFINITY, Number.NaN)
  for (const [threshold, decision, wanted] of [
    ['inf', 8, [1, 1, 1, 1, 1, 2]],
    ['inf', 10, [1, 1, 1, 1, 1, 1]],
    ['inf', 4, [1, 1, 2, 1, 1, 2]],
    ['inf', 0, [1, 1, 1, 1, 1, 1]],
    ['-inf', 8, [1, 2, 2, 2, 2, 2]],
    ['-inf', 10, [1, 2, 2, 2, 2, 1]],
  ] as const) {
    const model = loadArtifact(stump(threshold, decision))
    assert.equal(model.kind, 'forest')
    for (const predictor of model.kind === 'forest' ? [forestPredictor(model), predictorOf(model)] : []) {
      const out = new Float64Array(rows.length)
      predictor.predict(rows, rows.length, out)
      assert.deepEqual([...out], [...wanted], `${threshold}, ${decision}`)
    }
  }
  assert.throws(() => loadArtifact(stump('nan', 8)), /threshold NaN/)
})

test('in JSON an infinite threshold is written 1e300', () => {
  const leaf = (value: number) => ({ leaf_value: value, leaf_count: 4 })
  const split = { split_feature: 0, decision_type: '<=', default_left: false, missing_type: 'NaN', internal_count: 8 }
  const tree = { ...split, threshold: 1e300, left_child: leaf(1), right_child: leaf(2) }
  const model = loadArtifact(
    new TextEncoder().encode(
      JSON.stringify({
        version: 'v4',
        num_tree_per_iteration: 1,
        max_feature_idx: 0,
        feature_names: ['a'],
        tree_info: [{ tree_structure: tree }],
      }),
    ),
  )
  assert.ok(model.kind === 'forest')
  const out = new Float64Array(3)
  predictorOf(model).predict(Float64Array.of(Number.MAX_VALUE, Number.POSITIVE_INFINITY, Number.NaN), 3, out)
  assert.deepEqual([...out], [1, 1, 2])
})
