/** What docs/formats.md says of ONNX, row by row. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CASES, goldenBytes, requireGolden } from '../../src/predictor/onnx/golden-models.suite.ts'
import { loadOnnx } from '../../src/predictor/onnx/load-onnx.ts'
import { fields, floatInput, node, onnxFile, output, tensor, value } from '../../src/predictor/onnx/onnx-file.suite.ts'

/** All golden models that are computed here and called so agree with ONNX Runtime. */
function allOf(names: RegExp, least: number): void {
  const found = Object.keys(CASES).filter(name => names.test(name) && CASES[name]!.native)
  assert.ok(found.length >= least, `${found.length} models of ${names}`)
  for (const name of found) requireGolden(name)
}

describe('supported', () => {
  test('formats: onnx: TreeEnsembleClassifier, TreeEnsembleRegressor', () => {
    allOf(/^(trees_|tree_|forest_|extra_|boosting_)/, 50)
  })
  test('formats: onnx: TreeEnsemble', () => allOf(/^trees5_/, 4))
  test('formats: onnx: LinearClassifier, LinearRegressor', () => {
    allOf(/^(logistic|linear|ridge|lasso|elastic_net|huber|op_linear)/, 10)
  })
  test('formats: onnx: Poisson, gamma and Tweedie regression', () => allOf(/^(poisson|gamma|tweedie)$/, 3))
  test('formats: onnx: networks of dense layers', () => allOf(/^(mlp_|op_gemm|op_batch)/, 5))
  test('formats: onnx: Scaler, Normalizer, Imputer, Binarizer', () => {
    allOf(/^(scaled_|imputed_|op_(normalizer|scaler|imputer|binarizer))/, 20)
  })
  test('formats: onnx: OneHotEncoder, LabelEncoder, CategoryMapper', () => {
    allOf(/^(frame_|op_(label_encoder|words|category))/, 6)
  })
  test('formats: onnx: ArrayFeatureExtractor, FeatureVectorizer', () => allOf(/^op_feature/, 1))
  test('formats: onnx: arithmetic, comparisons, logic', () => {
    allOf(/^op_(add|sub|mul|div|pow|max|min|abs|exp|log|sqrt|equal|less|greater|logic|clip|wholes|round)/, 18)
  })
  test('formats: onnx: reductions, softmax, argmax', () => allOf(/^op_(reduce|softmax|logsoftmax|argmax|lp)/, 10))
  test('formats: onnx: shapes', () => allOf(/^op_(shapes|split|constants|vector)/, 4))
  test('formats: onnx: text inputs', () => {
    requireGolden('frame_logistic')
    const { categories, unseen } = loadOnnx(goldenBytes('frame_logistic'))
    assert.deepEqual(categories.slice(2, 4), [
      ['Oslo', 'Paris', 'Rome'],
      ['', 'a', 'b'],
    ])
    assert.equal(unseen, 'other')
  })
  test('formats: onnx: an input for each column', () => {
    const { features, named } = loadOnnx(goldenBytes('frame_boosting'))
    assert.deepEqual([features, named], [['age', 'balance', 'place', 'plan', 'visits'], true])
  })
  test('formats: onnx: one input of all columns', () => {
    const { features, named } = loadOnnx(goldenBytes('xgb_binary'))
    assert.deepEqual([features, named], [['f0', 'f1', 'f2', 'f3', 'f4'], false])
  })
  test('formats: onnx: ZipMap', () => {
    requireGolden('frame_zipmap')
    assert.deepEqual(loadOnnx(goldenBytes('frame_zipmap')).classes, ['no', 'yes'])
  })
  test('formats: onnx: a class as the only output', () => {
    requireGolden('op_label_only')
    const { answers, classes, task } = loadOnnx(goldenBytes('op_label_only'))
    assert.deepEqual([answers, classes, task], ['class', ['red', 'green', 'blue'], 'multiclass'])
  })
  test('formats: onnx: float64', () => allOf(/double/, 4))
  test('formats: onnx: ensembles of models', () => allOf(/^(voting|stacking|calibrated|adaboost$|logistic_ovr)/, 6))
  test('formats: onnx: XGBoost, LightGBM, CatBoost', () => allOf(/^(xgb|lgb|cat)_/, 15))
})

const SUM = node('ReduceSum', ['x'], ['y'])

function refused(parts: Parameters<typeof onnxFile>[0], message: RegExp): void {
  assert.throws(() => loadOnnx(onnxFile(parts)), { name: 'Problem', code: 'invalid', message })
}

describe('refused', () => {
  test('formats: onnx: external data', () => {
    const outside = [...tensor('w', [1], [1]), ...fields([13, fields([1, 'location'], [2, 'w.bin'])])]
    refused(
      { nodes: [SUM], inputs: [floatInput('x', [-1, 3])], outputs: [output('y')], constants: [outside] },
      /external data.*save one file/,
    )
  })
  test('formats: onnx: custom operators', () => {
    const custom = node('Magic', ['x'], ['y'], 'com.example')
    refused(
      { nodes: [custom], inputs: [floatInput('x', [-1, 3])], outputs: [output('y')] },
      /com\.example Magic is a custom one; export/,
    )
  })
  test('formats: onnx: sparse initializers', () => {
    refused(
      { nodes: [SUM], inputs: [floatInput('x', [-1, 3])], outputs: [output('y')], sparse: true },
      /sparse initializers.*save them dense/,
    )
  })
  test('formats: onnx: inputs of more than two dimensions', () => {
    refused(
      { nodes: [SUM], inputs: [floatInput('x', [-1, 3, 8, 8])], outputs: [output('y')] },
      /x has 4 dimensions; wanted a tensor/,
    )
  })
  test('formats: onnx: inputs that are maps or sequences', () => {
    refused(
      { nodes: [SUM], inputs: [value('x', fields([4, fields()]))], outputs: [output('y')] },
      /x is of another kind; wanted a tensor/,
    )
  })
  test('formats: onnx: a fixed number of rows', () => {
    refused(
      { nodes: [SUM], inputs: [floatInput('x', [32, 3])], outputs: [output('y')] },
      /exactly 32 rows; export it with an open/,
    )
  })
  test('formats: onnx: an unknown number of columns', () => {
    refused(
      { nodes: [SUM], inputs: [floatInput('x', [-1, -1])], outputs: [output('y')] },
      /how many columns it has; export it with/,
    )
  })
  test('formats: onnx: outputs that are no numbers and no classes', () => {
    const list = value('y', fields([4, fields()]))
    refused(
      { nodes: [SUM], inputs: [floatInput('x', [-1, 3])], outputs: [list] },
      /its outputs \(y\) are neither numbers nor classes/,
    )
  })
})
