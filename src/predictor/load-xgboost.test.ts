import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { loadArtifact } from './load-artifact.ts'
import { loadXgboost } from './load-xgboost.ts'
import { predictorOf } from './model.ts'
import type { MarginPredictor } from './predictor.ts'

type Cell = number | string | null
interface Golden {
  readonly rows: readonly (readonly Cell[])[]
  readonly margin: readonly Cell[]
  readonly prediction: readonly Cell[]
}

function golden(name: string): Buffer {
  return readFileSync(new URL(`../../test/golden/${name}`, import.meta.url))
}

function parsed<T>(name: string): T {
  return JSON.parse(golden(name).toString()) as T
}

/** The golden files write what JSON cannot as texts. */
function cell(value: Cell): number {
  if (value === null) return Number.NaN
  return typeof value === 'number' ? value : Number(value.replace(/^(-?)inf$/, '$1Infinity'))
}

function answers(
  predictor: MarginPredictor,
  rows: readonly (readonly Cell[])[],
): { margin: Float64Array; prediction: Float64Array } {
  const flat = Float64Array.from(rows.flat(), cell)
  const margin = new Float64Array(rows.length)
  const prediction = new Float64Array(rows.length)
  predictor.margin(flat, rows.length, margin)
  predictor.predict(flat, rows.length, prediction)
  return { margin, prediction }
}

/** Sums are the same float32 additions, so margins are equal to the bit; e^x may differ from the C library's in the last. */
function assertAnswers(
  predictor: MarginPredictor,
  { rows, margin, prediction }: Golden,
  sums: 'equal' | 'near' = 'equal',
): void {
  const got = answers(predictor, rows)
  if (sums === 'equal') assert.deepEqual([...got.margin], margin.map(cell))
  else assertNear(got.margin, margin, 2 ** -19)
  assertNear(got.prediction, prediction, sums === 'equal' ? 2 ** -22 : 2 ** -19)
}

function assertNear(got: Float64Array, wanted: readonly Cell[], relative: number): void {
  for (const [row, value] of wanted.entries()) {
    const off = Math.abs(got[row]! - cell(value))
    assert.ok(off <= relative * Math.max(0.5, Math.abs(cell(value))), `row ${row}: ${got[row]} for ${value}`)
  }
}

function xgboost(bytes: Uint8Array): MarginPredictor {
  return predictorOf(loadXgboost(bytes))
}

describe('loadXgboost: answers of XGBoost', () => {
  for (const name of ['binary', 'regression', 'poisson', 'dart', 'categorical']) {
    test(`golden ${name}`, () => {
      assertAnswers(xgboost(golden(`models/xgb_${name}.json`)), parsed<Golden>(`model_xgb_${name}.json`))
    })
  }

  for (const version of ['1.2', '1.7', '3.2']) {
    interface Case extends Golden {
      readonly objective: string
      readonly params: Readonly<Record<string, unknown>>
      readonly model: string
    }
    const file = parsed<{ rows: Golden['rows']; models: readonly Case[] }>(`xgboost_objectives_${version}.json`)
    for (const { objective, params, model, margin, prediction } of file.models) {
      // XGBoost before 1.3 took the logit of this objective's base score; newer ones, reading its file, do not, nor do we.
      if (version === '1.2' && objective === 'binary:logitraw') continue
      test(`XGBoost ${version}: ${objective} ${JSON.stringify(params)}`, () => {
        const predictor = xgboost(Buffer.from(model))
        assert.equal(predictor.objective, objective)
        // XGBoost 1.2 added the base score last, which rounds differently; newer versions, reading its file, add it first.
        assertAnswers(predictor, { rows: file.rows, margin, prediction }, version === '1.2' ? 'near' : 'equal')
      })
    }
  }

  test('says what the artifact says of itself', () => {
    const forest = loadXgboost(golden('models/xgb_categorical.json'))
    assert.deepEqual(forest.features, ['a', 'b', 'c', 'd'])
    assert.deepEqual(forest.featureTypes, ['float', 'float', 'c', 'c'])
    assert.equal(forest.named, true)
    assert.equal(forest.task, 'binary')
    assert.equal(forest.facts['trees'], 15)
    assert.equal(forest.facts['xgboost'], '3.2.0')
  })

  test('reads the categories of a data frame', () => {
    const model = edited((learner, whole) => {
      whole.version = [3, 3, 0]
      learner.gradient_booster.model.cats.enc = [
        { offsets: [0, 7, 12], values: [70, 114, -61, -94, 110, 99, 101, 83, 112, 97, 105, 110] },
        { type: 15, values: [3, 7] },
        ...Array.from({ length: 5 }, () => ({ offsets: [], values: [] })),
      ]
    })
    assert.deepEqual(loadXgboost(model).categories.slice(0, 3), [['Frânce', 'Spain'], ['3', '7'], undefined])
    const cut = Buffer.from(Buffer.from(model).toString().replace('[3,3,0]', '[3,2,0]'))
    assert.deepEqual(loadXgboost(cut).categories.slice(0, 3), [undefined, ['3', '7'], undefined])
  })
})

// biome-ignore lint/suspicious/noExplicitAny: a test breaks the model in ways that its type would forbid
type Loose = any

function edited(edit: (learner: Loose, model: Loose) => void): Uint8Array {
  const model = parsed<Loose>('models/xgb_binary.json')
  edit(model.learner, model)
  return Buffer.from(JSON.stringify(model))
}

function treeOf(learner: Loose, index = 0): Loose {
  return learner.gradient_booster.model.trees[index]
}

const REFUSED: readonly (readonly [string, (learner: Loose, model: Loose) => void, RegExp])[] = [
  [
    'more classes than trees',
    l => (l.learner_model_param.num_class = '30000000'),
    /states 30000000 outputs, and has trees or weights for fewer/,
  ],
  [
    'classes and targets',
    l => Object.assign(l.learner_model_param, { num_class: '3', num_target: '2' }),
    /3 classes and 2 targets/,
  ],
  [
    'gblinear with weights missing',
    l => (l.gradient_booster = { name: 'gblinear', model: { weights: [1] } }),
    /it has 1 weights, wanted 8/,
  ],
  [
    'gblinear with a weight that is no number',
    l => (l.gradient_booster = { name: 'gblinear', model: { weights: [1, 2, 3, 4, 5, 6, 7, 1e300] } }),
    /not a finite number/,
  ],
  ['an unknown booster', l => (l.gradient_booster.name = 'gbforest'), /booster "gbforest" is not known/],
  [
    'an unknown objective',
    l => (l.objective.name = 'my:loss'),
    /objective "my:loss" is not supported; supported are binary:logistic/,
  ],
  ['an objective named as a property', l => (l.objective.name = 'toString'), /objective "toString" is not supported/],
  ['vectors that do not fit', l => (treeOf(l).tree_param.size_leaf_vector = '3'), /weights of 3 numbers/],
  [
    'a tree of vectors among others',
    l => (treeOf(l, 4).tree_param.size_leaf_vector = '3'),
    /tree 4: its leaves are not as/,
  ],
  ['no learner', (_, m) => delete m.learner, /no member "learner"/],
  ['no trees', l => (l.gradient_booster.model.trees = []), /0 trees: train it/],
  ['fewer trees than stated', l => l.gradient_booster.model.trees.pop(), /states 20 trees and has 19/],
  ['a short tree_info', l => l.gradient_booster.model.tree_info.pop(), /tree_info has 19 entries/],
  ['trees of a second output', l => (l.gradient_booster.model.tree_info[3] = 1), /names the output 1 of 1/],
  ['no base_score', l => delete l.learner_model_param.base_score, /no base_score/],
  [
    'a wrong base_score',
    l => (l.learner_model_param.base_score = '[1,2]'),
    /base_score is "\[1,2\]", wanted one number/,
  ],
  [
    'a negative base_score of a log link',
    l =>
      Object.assign(l, {
        objective: { name: 'reg:gamma' },
        learner_model_param: { ...l.learner_model_param, base_score: '-1' },
      }),
    /base_score -1 is not possible with reg:gamma/,
  ],
  ['too few feature names', l => (l.feature_names = ['a', 'b', 'c', 'd', 'e', 'f']), /6 feature names for 7 features/],
  ['a feature name twice', l => (l.feature_names = ['a', 'b', 'c', 'a', 'e', 'f', 'g']), /two features named/],
  ['no feature count', l => delete l.learner_model_param.num_feature, /num_feature is undefined/],
  ['a feature that is not there', l => (treeOf(l).split_indices[0] = 7), /uses feature 7 of 7/],
  ['a negative feature', l => (treeOf(l).split_indices[0] = -1), /tree 0: node 0 splits on feature -1/],
  ['a child out of range', l => (treeOf(l, 2).left_children[0] = 999), /tree 2: node 0 has the child 999/],
  ['a fractional child', l => (treeOf(l).left_children[0] = 1.5), /has the child 1.5/],
  ['a cycle', l => (treeOf(l).right_children[1] = 1), /reached twice/],
  ['a way back to the root', l => (treeOf(l).right_children[1] = 0), /has the child 0/],
  [
    'a node with two parents',
    l => (treeOf(l).right_children[0] = treeOf(l).left_children[0]),
    /node 1 is reached twice/,
  ],
  ['columns of other lengths', l => treeOf(l).split_conditions.pop(), /columns have \d+ and \d+ entries/],
  ['a column missing', l => delete treeOf(l).default_left, /has no missingLeft/],
  ['fewer nodes than stated', l => (treeOf(l).tree_param.num_nodes = '5'), /states 5 nodes and has/],
  ['a leaf without a number', l => treeOf(l).split_conditions.fill(null), /wanted a value|found 'n'/],
  ['a huge leaf', l => treeOf(l).split_conditions.fill(1e300), /leaf \d+ has the value Infinity/],
  [
    'categories of a node that has none',
    l =>
      Object.assign(treeOf(l), {
        categories_nodes: [0],
        categories_segments: [0],
        categories_sizes: [1],
        categories: [1],
      }),
    /node 0 has categories, but is no categorical split/,
  ],
  [
    'a categorical node without categories',
    l => (treeOf(l).split_type[0] = 1),
    /node 0 splits by category, but has no categories/,
  ],
]

describe('loadXgboost: refusals', () => {
  for (const [what, edit, message] of REFUSED) {
    test(`refuses ${what}`, () => {
      assert.throws(() => loadXgboost(edited(edit)), { code: 'invalid', message })
    })
  }

  test('refuses dart weights that do not fit', () => {
    const model = parsed<Loose>('models/xgb_dart.json')
    model.learner.gradient_booster.weight_drop.push(1)
    assert.throws(() => loadXgboost(Buffer.from(JSON.stringify(model))), {
      code: 'invalid',
      message: /21 weights for 20 trees/,
    })
  })

  test('refuses a chain of a million nodes without walking into it', () => {
    const count = 200_001
    const tree = {
      left_children: Array.from({ length: count }, (_, n) => (n % 2 === 0 && n < count - 1 ? n + 1 : -1)),
      right_children: Array.from({ length: count }, (_, n) => (n % 2 === 0 && n < count - 1 ? n + 2 : -1)),
      split_indices: new Array(count).fill(0),
      split_conditions: new Array(count).fill(0),
      default_left: new Array(count).fill(0),
      tree_param: { num_nodes: String(count), size_leaf_vector: '1' },
    }
    const model = edited(l =>
      Object.assign(l.gradient_booster.model, { trees: [tree], tree_info: [0], gbtree_model_param: {} }),
    )
    assert.throws(() => loadXgboost(model), { code: 'invalid', message: /deeper than 1024/ })
  })

  test('refuses category sets that would fill the memory', () => {
    const nodes = 63
    const inner = Array.from({ length: 31 }, (_, n) => n)
    const tree = {
      left_children: Array.from({ length: nodes }, (_, n) => (n < 31 ? 2 * n + 1 : -1)),
      right_children: Array.from({ length: nodes }, (_, n) => (n < 31 ? 2 * n + 2 : -1)),
      split_indices: new Array(nodes).fill(0),
      split_conditions: new Array(nodes).fill(0),
      default_left: new Array(nodes).fill(0),
      split_type: Array.from({ length: nodes }, (_, n) => (n < 31 ? 1 : 0)),
      categories_nodes: inner,
      categories_segments: inner.map(n => 2 * n),
      categories_sizes: inner.map(() => 2),
      categories: inner.flatMap(() => [0, 2 ** 24 - 1]),
      tree_param: { num_nodes: String(nodes), size_leaf_vector: '1' },
    }
    const trees = Array.from({ length: 3 }, () => tree)
    const model = edited(l =>
      Object.assign(l.gradient_booster.model, { trees, tree_info: [0, 0, 0], gbtree_model_param: {} }),
    )
    assert.throws(() => loadXgboost(model), { code: 'invalid', message: /category sets need more than/ })
  })
})

describe('loadArtifact', () => {
  const foreign: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['nothing', new Uint8Array(0), /it is empty/],
    ['a pickle', Uint8Array.of(0x80, 0x04, 0x95, 1, 2, 3), /a Python pickle/],
    ['a ZIP archive', Buffer.from('PK\x03\x04….'), /a ZIP archive/],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8, 0), /compressed with gzip/],
    ['legacy XGBoost', legacy(), /binary format that XGBoost 3.1 removed; convert it/],
    ['a dump', Buffer.from('[\n  { "nodeid": 0, "depth": 0 }]'), /an XGBoost dump/],
    ['a text', Buffer.from('hello world'), /of no format known here \(it starts with 68 65/],
    ['other JSON', Buffer.from('{"hello": "world"}'), /no member "learner"/],
  ]
  for (const [what, bytes, message] of foreign) {
    test(`says what it is: ${what}`, () => {
      assert.throws(() => loadArtifact(bytes), { code: 'invalid', message })
    })
  }
})

/** The start of a file by XGBoost's old `save_model('model.bin')`: LearnerModelParamLegacy, then name_obj. */
function legacy(): Uint8Array {
  const bytes = Buffer.alloc(200)
  bytes.writeFloatLE(0.5, 0)
  bytes.writeUInt32LE(7, 4)
  bytes.writeUInt32LE(1, 20)
  bytes.writeBigUInt64LE(15n, 136)
  bytes.write('binary:logistic', 144)
  return bytes
}
