/** What docs/formats.md says of LightGBM, row by row. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadArtifact } from '../../src/predictor/load-artifact.ts'
import { assertLightgbm, type LightgbmMade, lightgbmMade } from '../../src/predictor/made-models.suite.ts'

const MADE = lightgbmMade()

/** Each that the filter lets through, of which there must be some. */
function made(wanted: (params: LightgbmMade['params']) => boolean): void {
  const found = MADE.filter(({ params }) => wanted(params))
  assert.ok(found.length > 0)
  for (const one of found) assertLightgbm(one)
}

function objectives(...names: readonly string[]): void {
  for (const name of names) made(({ objective }) => objective === name)
}

function edited(edit: (text: string) => string): Uint8Array {
  return Buffer.from(edit(MADE.find(({ params }) => params['objective'] === 'binary')!.text))
}

function refused(bytes: Uint8Array, message: RegExp): void {
  assert.throws(() => loadArtifact(bytes), { code: 'invalid', message })
}

const CASES: Readonly<Record<string, () => void>> = {
  'formats: lightgbm: text': () => {
    for (const { text } of MADE) assert.equal(loadArtifact(Buffer.from(text)).format, 'lightgbm-text')
  },
  'formats: lightgbm: JSON': () => {
    for (const { json } of MADE) assert.equal(loadArtifact(Buffer.from(json)).format, 'lightgbm-json')
  },
  'formats: lightgbm: gbdt and GOSS': () => made(({ data_sample_strategy: strategy }) => strategy === 'goss'),
  'formats: lightgbm: dart': () => made(({ boosting }) => boosting === 'dart'),
  'formats: lightgbm: random forests': () => made(({ boosting }) => boosting === 'rf'),
  'formats: lightgbm: two classes': () => objectives('binary'),
  'formats: lightgbm: several classes': () => objectives('multiclass', 'multiclassova'),
  'formats: lightgbm: regression': () => {
    objectives('regression', 'regression_l1', 'huber', 'fair', 'quantile', 'mape')
    made(params => params['reg_sqrt'] === true)
  },
  'formats: lightgbm: counts and amounts': () => objectives('poisson', 'gamma', 'tweedie'),
  'formats: lightgbm: cross entropy': () => objectives('cross_entropy', 'cross_entropy_lambda'),
  'formats: lightgbm: ranking': () => objectives('lambdarank', 'rank_xendcg'),
  'formats: lightgbm: objectives of the user': () => {
    made(params => !('objective' in params) || params['objective'] === 'none')
  },
  'formats: lightgbm: categorical splits': () => made(params => 'categorical_feature' in params),
  'formats: lightgbm: missing values as NaN, as zero, or not at all': () => {
    made(params => params['zero_as_missing'] === true || params['use_missing'] === false)
  },
  'formats: lightgbm: linear trees': () => made(params => params['linear_tree'] === true),
  'formats: lightgbm: trees of one leaf': () => made(params => Number(params['min_data_in_leaf']) > 100),
  'formats: lightgbm: names of categories': () => {
    const { text, json } = MADE.find(({ params }) => String(params['categorical_feature']) === '2')!
    const named = text.replace(/pandas_categorical:null|$/, '\npandas_categorical:[["b", "a", 3, true]]\n')
    assert.deepEqual(loadArtifact(Buffer.from(named)).categories[2], ['b', 'a', '3', 'true'])
    // a second list of pandas: of ordered categories, which are numbers to LightGBM, or of a column with one category
    const ordered = named
      .replace('true]]', 'true], ["S", "M"]]')
      .replace(/feature_infos=.*/, 'feature_infos=[-1:2.5] [0:7] 0:1 [0:1]')
    assert.deepEqual(loadArtifact(Buffer.from(ordered)).categories.slice(1), [
      undefined,
      ['b', 'a', '3', 'true'],
      ['S', 'M'],
    ])
    const unclear = ordered
      .replace('[0:7] 0:1 [0:1]', '[0:1] 0:1 [0:1]')
      .replace(/categorical_feature: 2/, 'categorical_feature: ')
    assert.deepEqual(loadArtifact(Buffer.from(unclear)).categories.slice(1), [undefined, undefined, undefined])
    const withNames = JSON.stringify({ ...JSON.parse(json), pandas_categorical: [['x', 'y']] })
    assert.deepEqual(loadArtifact(Buffer.from(withNames)).categories[2], ['x', 'y'])
  },
  'formats: lightgbm: objectives that LightGBM does not know': () => {
    refused(
      edited(text => text.replace('objective=binary sigmoid:1', 'objective=mine')),
      /"mine" is not supported; supported are/,
    )
  },
  'formats: lightgbm: formats before v2': () => {
    refused(
      edited(text => text.replace('version=v4\n', '')),
      /its format is null, wanted v2, v3 or v4/,
    )
  },
  'formats: lightgbm: models without trees': () => {
    refused(
      edited(text => text.replace(/\nTree=0[\s\S]*end of trees/, '\nend of trees')),
      /0 trees: train it for at least one/,
    )
  },
  'formats: lightgbm: files that are cut off': () =>
    refused(
      edited(text => text.slice(0, text.indexOf('Tree=2'))),
      /it is cut off/,
    ),
}

for (const [title, check] of Object.entries(CASES)) test(title, check)
