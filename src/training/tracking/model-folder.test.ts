import assert from 'node:assert/strict'
import { test } from 'node:test'
import { servableOf } from './model-folder.ts'

const PYTHON = '\n  python_function:\n    loader_module: x\n'

test('the native file is taken where there is one, and Python where there is none', async () => {
  const of = async (flavors: string) => {
    const { flavor, file, isPython, runsCode } = await servableOf(`flavors:${PYTHON}${flavors}`)
    return [flavor, file, isPython, runsCode]
  }
  assert.deepEqual(await of('  xgboost: {data: model.ubj}'), ['xgboost', 'model.ubj', false, false])
  assert.deepEqual(await of('  lightgbm: {data: model.lgb}'), ['lightgbm', 'model.lgb', false, false])
  assert.deepEqual(await of('  lightgbm: {data: model.pkl}'), ['lightgbm', 'model.pkl', true, true])
  assert.deepEqual(await of('  lightgbm: {data: model.skops}'), ['lightgbm', 'model.skops', true, false])
  assert.deepEqual(await of('  onnx: {data: model.onnx}'), ['onnx', 'model.onnx', false, false])
  const sklearn = (more: string) => of(`  sklearn: {pickled_model: model.x, serialization_format: ${more}}`)
  assert.deepEqual(await sklearn('skops'), ['sklearn', 'model.x', true, false])
  assert.deepEqual(await sklearn('cloudpickle'), ['sklearn', 'model.x', true, true])
  assert.deepEqual(await sklearn('pickle, code: code'), ['sklearn', undefined, true, true])
  assert.deepEqual(await of(''), ['python_function', undefined, true, true])
})

test('inputs are declared where all columns have a name and a type that rows have', async () => {
  const inputs = async (columns: unknown) => {
    const signature = `signature: {inputs: ${JSON.stringify(JSON.stringify(columns))}}\n`
    return (await servableOf(`${signature}flavors:${PYTHON}`)).inputs
  }
  const columns = [
    { name: 'age', type: 'long' },
    { name: 'pay', type: 'double' },
    { name: 'is_new', type: 'boolean' },
    { name: 'way', type: 'string' },
  ]
  assert.deepEqual(
    (await inputs(columns))?.map(({ name, type }) => `${name} ${type}`),
    ['age integer', 'pay number', 'is_new boolean', 'way string'],
  )
  assert.equal(await inputs([{ name: 'at', type: 'datetime' }]), undefined)
  assert.equal(await inputs([{ type: 'tensor', 'tensor-spec': { dtype: 'float64', shape: [-1, 3] } }]), undefined)
  assert.equal(await inputs([{ type: 'double' }]), undefined)
  assert.equal(await inputs([]), undefined)
  assert.equal(await inputs('x'), undefined)
})

test('what is no MLmodel, or leads out of its folder, is refused', async () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['', /names no flavors/],
    ['- a', /names no flavors/],
    ['flavors: x', /names no flavors/],
    ['flavors: {spark: {}}', /its flavors are spark/],
    ['flavors: {xgboost: {data: ../../etc/passwd}}', /file in the model's folder/],
    ['flavors: {xgboost: {data: /etc/passwd}}', /file in the model's folder/],
    ['flavors: {sklearn: {pickled_model: "a\\\\..\\\\b"}}', /file in the model's folder/],
    ['flavors: {xgboost: {data: a//b}}', /file in the model's folder/],
    ['flavors: {', /Cannot read MLmodel/],
    [`signature: {inputs: "["}\nflavors:${PYTHON}`, /no JSON/],
    [`a: &a [x, x]\nb: &b [${'*a, '.repeat(9)}]\nc: [${'*b, '.repeat(9)}]\nflavors:${PYTHON}`, /Cannot read MLmodel/],
  ]
  for (const [text, told] of wrong) await assert.rejects(servableOf(text), told, text)
})
