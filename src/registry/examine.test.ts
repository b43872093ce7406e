import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { QUIET, systemSurroundings } from '../platform/surroundings.ts'
import { openRuntimes } from '../runtimes/runtimes.ts'
import { type Examination, examine } from './examine.ts'
import type { Manifest } from './manifest.ts'
import { binning } from './profile.ts'
import { bytesOf, type StumpModel, streamed, stumpModel, TWO_FEATURES, TWO_FEATURES_CSV } from './stumps.suite.ts'

const RUNTIMES = openRuntimes(systemSurroundings(QUIET))

interface Given {
  readonly model?: StumpModel
  readonly manifest?: Partial<Manifest>
  readonly reference?: string
  readonly evaluation?: string
}

function examined({ model = TWO_FEATURES, manifest = {}, reference, evaluation }: Given): Promise<Examination> {
  return examine(
    { name: 'churn', version: '1.0.0', explain: 'on-request', ...manifest },
    {
      artifact: () => streamed(stumpModel(model)),
      ...(reference === undefined ? {} : { reference: () => streamed(bytesOf(reference)) }),
      ...(evaluation === undefined ? {} : { evaluation: () => streamed(bytesOf(evaluation)) }),
    },
    { runtimes: RUNTIMES },
  )
}

const plain = { sensitive: false, protected: false }

describe('what is inferred', () => {
  test('without reference data: names of the artifact, numbers or booleans that may be missing', async () => {
    const { signature, profile, notes } = await examined({})
    assert.deepEqual(signature, {
      inputs: [
        { ...plain, name: 'age', type: 'numeric', nullable: true },
        { ...plain, name: 'balance', type: 'numeric', nullable: true },
      ],
      outputs: [{ name: 'churn_probability', type: 'number', minimum: 0, maximum: 1 }],
    })
    assert.equal(profile, undefined)
    assert.deepEqual(notes, [])
  })

  test('from reference data: types, gaps, what was observed', async () => {
    const { signature, reference, notes } = await examined({ reference: TWO_FEATURES_CSV })
    assert.deepEqual(signature.inputs, [
      {
        ...plain,
        name: 'age',
        type: 'integer',
        nullable: false,
        observed: { minimum: 20, maximum: 60, missing: 0, distinct: 4 },
      },
      {
        ...plain,
        name: 'balance',
        type: 'number',
        nullable: true,
        observed: { minimum: 0, maximum: 150.5, missing: 1, distinct: 3 },
      },
    ])
    assert.deepEqual(reference, { rows: 4, columns: ['age', 'balance', 'left'] })
    assert.deepEqual(notes, ['columns of the reference data that the model does not use: left'])
  })

  for (const [cells, type] of [
    ['0 1 0', 'boolean'],
    ['true False TRUE', 'boolean'],
    ['0 2 1', 'integer'],
    ['0.5 1 1', 'number'],
    ['1e3 2 3', 'integer'],
    ['NA NA NA', 'numeric'],
  ] as const) {
    test(`a column of ${cells} is ${type}`, async () => {
      const reference = `age,balance\n${cells
        .split(' ')
        .map(cell => `${cell},1.5`)
        .join('\n')}\n`
      assert.equal((await examined({ reference })).signature.inputs[0]?.type, type)
    })
  }

  test('declared facts win, and are kept', async () => {
    const inputs = [
      { name: 'balance', unit: 'EUR', minimum: 10, sensitive: true },
      { name: 'age', type: 'number', nullable: true, maximum: 50, protected: true, description: 'in years' },
    ] as const
    const manifest = { signature: { inputs, output: { name: 'p', unit: 'share' } } }
    const { signature, notes } = await examined({ manifest, reference: TWO_FEATURES_CSV })
    const [age, balance] = signature.inputs
    assert.deepEqual(
      [age?.name, age?.type, age?.nullable, age?.maximum, age?.protected],
      ['age', 'number', true, 50, true],
    )
    assert.deepEqual([balance?.name, balance?.unit, balance?.minimum, balance?.sensitive], ['balance', 'EUR', 10, true])
    assert.deepEqual(signature.outputs, [{ name: 'p', type: 'number', unit: 'share', minimum: 0, maximum: 1 }])
    assert.deepEqual(notes.slice(0, 2), [
      'age: the reference data has 60, above the declared maximum 50',
      'balance: the reference data has 0, below the declared minimum 10',
    ])
  })

  test('the name of the output', async () => {
    const regression = { ...TWO_FEATURES, objective: 'reg:squarederror' }
    const outputs = async (given: Given) => (await examined(given)).signature.outputs[0]?.name
    assert.equal(await outputs({ manifest: { name: 'bank-churn.v2' } }), 'bank_churn_v2_probability')
    assert.equal(await outputs({ model: regression }), 'prediction')
    assert.equal(await outputs({ model: { ...TWO_FEATURES, objective: 'binary:logitraw' } }), 'prediction')
  })

  test('names for an artifact without them: from the signature, else from the columns', async () => {
    const model = { ...TWO_FEATURES, features: 2 }
    const names = async (given: Given) => (await examined({ model, ...given })).signature.inputs.map(({ name }) => name)
    assert.deepEqual(await names({}), ['f0', 'f1'])
    assert.deepEqual(await names({ manifest: { signature: { inputs: [{ name: 'a' }, { name: 'b' }] } } }), ['a', 'b'])
    assert.deepEqual(await names({ manifest: { target: 'left' }, reference: TWO_FEATURES_CSV }), ['age', 'balance'])
    await assert.rejects(names({ reference: TWO_FEATURES_CSV }), {
      code: 'invalid',
      message: /2 features without names, and the reference data has 3 columns; name them/,
    })
    await assert.rejects(names({ manifest: { signature: { inputs: [{ name: 'a' }] } } }), {
      code: 'invalid',
      message: /declares 1/,
    })
  })
})

const PLACES: StumpModel = {
  features: ['place'],
  types: ['c'],
  stumps: [{ feature: 0, split: [1], left: -2, right: 2 }],
}

describe('categories', () => {
  test('are those of the reference data, sorted, where the artifact takes codes', async () => {
    const { signature, profile, notes } = await examined({
      model: PLACES,
      reference: 'place\nParis\nBerlin\nParis\nNA\n',
    })
    assert.deepEqual(signature.inputs[0], {
      ...plain,
      name: 'place',
      type: 'string',
      categories: ['Berlin', 'Paris'],
      nullable: true,
      observed: { missing: 1, distinct: 2 },
    })
    assert.deepEqual(profile?.features[0], {
      name: 'place',
      kind: 'categorical',
      categories: ['Berlin', 'Paris'],
      counts: [1, 2],
      other: 0,
      missing: 1,
    })
    assert.match(
      notes[0] ?? '',
      /place: the categories of the reference data, sorted \(Berlin, Paris\), are taken as codes 0 to 1/,
    )
    // Code 1, Paris, goes right: e²/(1 + e²).
    const output = profile?.outputs[0]
    assert.ok(output?.kind === 'numeric' && Math.abs(output.maximum - 0.8808) < 1e-4)
    assert.equal(output.counts[binning(output).slotOf(output.maximum)], 2)
  })

  test('are those of the artifact where it names them', async () => {
    const model = { ...PLACES, categories: [['Paris', 'Berlin']] }
    const { signature, profile, notes } = await examined({ model, reference: 'place\nBerlin\nRome\n' })
    assert.deepEqual(signature.inputs[0]?.categories, ['Paris', 'Berlin'])
    assert.deepEqual(profile?.features[0], {
      name: 'place',
      kind: 'categorical',
      categories: ['Paris', 'Berlin'],
      counts: [0, 1],
      other: 1,
      missing: 0,
    })
    assert.deepEqual(notes, [])
    assert.deepEqual((await examined({ model })).signature.inputs[0]?.categories, ['Paris', 'Berlin'])
  })

  test('may be declared, but not against the artifact', async () => {
    const manifest = { signature: { inputs: [{ name: 'place', categories: ['Paris', 'Berlin'] }] } }
    assert.deepEqual((await examined({ model: PLACES, manifest })).signature.inputs[0]?.categories, ['Paris', 'Berlin'])
    const model = { ...PLACES, categories: [['Berlin', 'Paris']] }
    await assert.rejects(examined({ model, manifest }), {
      code: 'invalid',
      message: /place: its declared categories are not those of the artifact, Berlin, Paris/,
    })
  })

  test('that look like numbers stay texts', async () => {
    const model = { ...PLACES, categories: [['3', '7']] }
    const { profile } = await examined({ model, reference: 'place\n7\n7\n3\n' })
    assert.deepEqual(profile?.features[0]?.counts, [1, 2])
  })
})

const evaluation = 'age,balance,left\n20,0,0\n50,150,1\n60,20,0\n30,170,1\n'
// Margins −1.5, 1.5, 0.5, −0.5: called positive are rows 2 and 3, of which one is.
const stated = { accuracy: 0.5, precision: 0.5, recall: 0.5, f1: 0.5, auc: 0.75 }

describe('stated metrics', () => {
  test('are recomputed', async () => {
    const {
      measuredMetrics,
      evaluation: shape,
      notes,
    } = await examined({ manifest: { target: 'left', metrics: stated }, evaluation })
    assert.equal(measuredMetrics?.['accuracy'], 0.5)
    assert.equal(measuredMetrics?.['auc_roc'], 0.75)
    assert.deepEqual(Object.keys(measuredMetrics ?? {}), [
      'accuracy',
      'precision',
      'recall',
      'f1_score',
      'auc_roc',
      'average_precision',
      'log_loss',
      'brier',
    ])
    assert.deepEqual(shape, { rows: 4, columns: ['age', 'balance', 'left'] })
    assert.deepEqual(notes, [])
  })

  test('within the tolerance are taken, beyond it refused by name', async () => {
    const at = (metrics: Record<string, number>, more: Partial<Manifest> = {}) =>
      examined({ manifest: { target: 'left', metrics, ...more }, evaluation })
    await at({ accuracy: 0.505 })
    await assert.rejects(at({ accuracy: 0.506, auc_roc: 0.9, recall: 0.5 }), {
      code: 'invalid',
      message:
        'Cannot register: stated metrics are not reproduced within 0.005: accuracy is stated as 0.506, measured 0.5; auc_roc is stated as 0.9, measured 0.75',
    })
    await at({ accuracy: 0.6 }, { metrics_tolerance: 0.1 })
    await assert.rejects(at({ accuracy: 0.5001 }, { metrics_tolerance: 0 }), { code: 'invalid' })
  })

  test('follow the threshold', async () => {
    const { measuredMetrics } = await examined({ manifest: { target: 'left', threshold: 0.7 }, evaluation })
    assert.equal(measuredMetrics?.['precision'], 1)
  })

  test('that nobody knows are told', async () => {
    const { notes } = await examined({ manifest: { target: 'left', metrics: { gini: 0.5 } }, evaluation })
    assert.match(notes[0] ?? '', /^not recomputed: gini; known here are accuracy, /)
    const unchecked = await examined({ manifest: { metrics: { auc: 0.99 } } })
    assert.deepEqual(unchecked.notes, ['the stated metrics were not checked: there is no evaluation data'])
  })

  test('of a regression', async () => {
    const model: StumpModel = { ...TWO_FEATURES, objective: 'reg:squarederror', baseScore: 0 }
    const { measuredMetrics } = await examined({
      model,
      manifest: { target: 'left', metrics: { rmse: Math.sqrt(1.5), mae: 1.0 }, metrics_tolerance: 0.3 },
      evaluation,
    })
    assert.deepEqual(Object.keys(measuredMetrics ?? {}), ['mae', 'mse', 'rmse', 'r2'])
    assert.equal(measuredMetrics?.['mse'], (1.5 ** 2 + 0.5 ** 2 + 0.5 ** 2 + 1.5 ** 2) / 4)
  })

  test('of a ranking are not recomputed', async () => {
    const model: StumpModel = { ...TWO_FEATURES, objective: 'rank:ndcg' }
    const { measuredMetrics, notes } = await examined({
      model,
      manifest: { target: 'left', metrics: { ndcg: 0.8 } },
      evaluation,
    })
    assert.deepEqual(measuredMetrics, {})
    assert.deepEqual(notes, ['not recomputed: ndcg; no metric of ranking models is known here'])
  })

  test('of log-odds are judged as the probabilities they mean', async () => {
    const of = async (objective: string) =>
      (
        await examined({
          model: { ...TWO_FEATURES, objective, baseScore: objective.endsWith('raw') ? 0 : 0.5 },
          manifest: { target: 'left' },
          evaluation,
        })
      ).measuredMetrics!
    const [raw, logistic] = [await of('binary:logitraw'), await of('binary:logistic')]
    for (const [metric, value] of Object.entries(logistic)) assert.ok(Math.abs(raw[metric]! - value) < 1e-6, metric)
  })
})

const REFUSED: readonly (readonly [string, Given, RegExp])[] = [
  [
    'a signature with other names',
    { manifest: { signature: { inputs: [{ name: 'age' }, { name: 'salary' }] } } },
    /Cannot take the signature: it lacks balance, and it has salary, which the artifact does not/,
  ],
  ['a signature with fewer names', { manifest: { signature: { inputs: [{ name: 'age' }] } } }, /it lacks balance$/],
  [
    'reference data without a feature',
    { reference: 'age,income\n1,2\n' },
    /Cannot use the reference data: it lacks balance; it has age, income/,
  ],
  [
    'texts for an artifact that takes numbers',
    { reference: 'age,balance\nold,1\n' },
    /age: its reference column has texts, such as "old" in line 2, and the artifact takes numbers only; encode it/,
  ],
  [
    'texts in a column declared a number',
    {
      manifest: { signature: { inputs: [{ name: 'age', type: 'integer' }, { name: 'balance' }] } },
      reference: 'age,balance\n1,1\nold,1\n',
    },
    /age: it is declared integer, and its reference column has texts, such as "old" in line 3/,
  ],
  [
    'fractions in a column declared whole',
    {
      manifest: { signature: { inputs: [{ name: 'age', type: 'integer' }, { name: 'balance' }] } },
      reference: 'age,balance\n1.5,1\n',
    },
    /age: it is declared integer, and its reference column is number/,
  ],
  [
    'a string without categories',
    { manifest: { signature: { inputs: [{ name: 'age', type: 'string' }, { name: 'balance' }] } } },
    /age: its type is string, and nothing says its categories/,
  ],
  ['a ragged reference', { reference: 'age,balance\n1,2\n3\n' }, /line 3 has 1 cells, wanted 2/],
  ['evaluation data without a target', { evaluation }, /model\.yaml names no target/],
  [
    'a target that is not there',
    { manifest: { target: 'gone' }, evaluation },
    /Cannot use the evaluation data: it lacks gone/,
  ],
  [
    'a target with other labels',
    { manifest: { target: 'left' }, evaluation: evaluation.replace(',1\n', ',2\n') },
    /the target left has the value 2, wanted 0 or 1/,
  ],
  [
    'a target with gaps',
    { manifest: { target: 'left' }, evaluation: evaluation.replace(',1\n', ',\n') },
    /the target left is missing in 1 rows/,
  ],
  [
    'a target of texts',
    { manifest: { target: 'left' }, evaluation: evaluation.replace(',1\n', ',yes\n') },
    /the target left is "yes" in line 3, wanted 0 or 1/,
  ],
  [
    'texts among the numbers of the evaluation data',
    { manifest: { target: 'left' }, evaluation: evaluation.replace('60,', 'old,') },
    /age is "old" in line 4, wanted/,
  ],
]

describe('examine() refuses', () => {
  for (const [what, given, message] of REFUSED) {
    test(what, async () => {
      await assert.rejects(examined(given), { code: 'invalid', message })
    })
  }

  test('an artifact that is none', async () => {
    const artifact = () => streamed(bytesOf('hello'))
    await assert.rejects(examine({ name: 'a', version: '1.0.0' }, { artifact }, { runtimes: RUNTIMES }), {
      code: 'invalid',
      message: /of no format known here/,
    })
  })
})
