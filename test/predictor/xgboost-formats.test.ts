/** What docs/formats.md says of XGBoost, row by row. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadArtifact } from '../../src/predictor/load-artifact.ts'
import {
  type Answers,
  assertFile,
  assertXgboost,
  golden,
  parsed,
  type XgboostMade,
  xgboostMade,
} from '../../src/predictor/made-models.suite.ts'

const MADE = xgboostMade('3.2')

/** Each that the filter lets through, of which there must be some. */
function made(wanted: (one: XgboostMade) => boolean): void {
  const found = MADE.filter(wanted)
  assert.ok(found.length > 0)
  for (const one of found) assertXgboost(one)
}

interface Objectives {
  readonly rows: Answers['rows']
  readonly models: readonly {
    objective: string
    params: object
    model: string
    margin: Answers['margin']
    prediction: Answers['prediction']
  }[]
}

function objectives(...names: readonly string[]): void {
  const { rows, models } = parsed<Objectives>('xgboost_objectives_3.2.json')
  for (const name of names) {
    const found = models.filter(({ objective }) => objective === name)
    assert.ok(found.length > 0, name)
    for (const { model, margin, prediction } of found) assertFile(Buffer.from(model), { rows, margin, prediction })
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a test changes the model in ways that its type would forbid
type Loose = any

function edited(edit: (learner: Loose) => void): Uint8Array {
  const model = parsed<Loose>('models/xgb_binary.json')
  edit(model.learner)
  return Buffer.from(JSON.stringify(model))
}

function refused(bytes: Uint8Array, message: RegExp): void {
  assert.throws(() => loadArtifact(bytes), { code: 'invalid', message })
}

const CASES: Readonly<Record<string, () => void>> = {
  'formats: xgboost: JSON': () => assert.equal(loadArtifact(golden('models/xgb_binary.json')).format, 'xgboost-json'),
  'formats: xgboost: UBJSON': () => assert.equal(loadArtifact(golden('models/xgb_binary.ubj')).format, 'xgboost-ubj'),
  'formats: xgboost: files of XGBoost 1.2 to 3.2': () => {
    for (const version of ['1.2', '1.7', '3.2']) {
      for (const { model } of parsed<Objectives>(`xgboost_objectives_${version}.json`).models) {
        assert.ok(String(loadArtifact(Buffer.from(model)).facts['xgboost']).startsWith(version))
      }
    }
  },
  'formats: xgboost: gbtree': () => made(({ params }) => params['booster'] === undefined),
  'formats: xgboost: dart': () => made(({ params }) => params['booster'] === 'dart'),
  'formats: xgboost: gblinear': () => made(({ params }) => params['booster'] === 'gblinear'),
  'formats: xgboost: several trees in each round': () => made(({ params }) => params['num_parallel_tree'] === 2),
  'formats: xgboost: two classes': () => objectives('binary:logistic', 'binary:logitraw', 'binary:hinge'),
  'formats: xgboost: several classes: probabilities': () => made(({ objective }) => objective === 'multi:softprob'),
  'formats: xgboost: several classes: the number of the likeliest': () =>
    made(({ objective }) => objective === 'multi:softmax'),
  'formats: xgboost: regression': () => {
    objectives('reg:squarederror', 'reg:squaredlogerror', 'reg:logistic', 'reg:pseudohubererror', 'reg:absoluteerror')
  },
  'formats: xgboost: counts and amounts': () => objectives('count:poisson', 'reg:gamma', 'reg:tweedie'),
  'formats: xgboost: quantiles, one or several': () => {
    objectives('reg:quantileerror')
    made(({ objective }) => objective === 'reg:quantileerror')
  },
  'formats: xgboost: expectiles': () => {
    const model = loadArtifact(edited(l => Object.assign(l, { objective: { name: 'reg:expectileerror' } })))
    assert.equal(model.task, 'regression')
  },
  'formats: xgboost: ranking': () => objectives('rank:pairwise', 'rank:ndcg', 'rank:map'),
  'formats: xgboost: survival': () => objectives('survival:cox', 'survival:aft'),
  'formats: xgboost: several targets': () => {
    made(({ params, margin }) => params['num_class'] === undefined && (margin[0] as readonly number[]).length > 1)
  },
  'formats: xgboost: vector leaves': () => made(({ params }) => params['multi_strategy'] === 'multi_output_tree'),
  'formats: xgboost: a base score for each output': () => made(({ model }) => /"base_score":"\[[^"]*,/.test(model)),
  'formats: xgboost: categorical splits': () =>
    made(({ params }) => params['categorical'] === true || params['max_cat_to_onehot'] === 2),
  'formats: xgboost: names of categories': () => {
    const none = Array.from({ length: 6 }, () => ({ offsets: [], values: [] }))
    const model = edited(
      l => (l.gradient_booster.model.cats.enc = [{ offsets: [0, 1, 3], values: [97, 98, 99] }, ...none]),
    )
    assert.deepEqual(loadArtifact(model).categories[0], ['a', 'bc'])
  },
  'formats: xgboost: missing values': () => objectives('binary:logistic'),
  'formats: xgboost: best_iteration': () => {
    const model = loadArtifact(edited(l => (l.attributes = { best_iteration: '3' })))
    assert.deepEqual([model.facts['bestIteration'], model.facts['trees']], [3, 20])
  },
  'formats: xgboost: the binary format of before': () => {
    const bytes = Buffer.alloc(200)
    bytes.writeUInt32LE(7, 4)
    refused(
      bytes,
      /binary format that XGBoost 3.1 removed; convert it with XGBoost 3.0 or earlier: .*save_model\('model.json'\)/,
    )
  },
  'formats: xgboost: dump_model': () =>
    refused(Buffer.from('[{ "nodeid": 0, "depth": 0 }]'), /an XGBoost dump .* save the model with/),
  'formats: xgboost: objectives that XGBoost does not know': () => {
    refused(
      edited(l => (l.objective.name = 'my:loss')),
      /"my:loss" is not supported; supported are .* set one of these before/,
    )
  },
  'formats: xgboost: models without trees': () => {
    refused(
      edited(l => (l.gradient_booster.model.trees = [])),
      /0 trees: train it for at least one round/,
    )
  },
}

for (const [title, check] of Object.entries(CASES)) test(title, check)
