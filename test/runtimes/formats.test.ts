/** What the section on Python of docs/formats.md says, cell by cell: each artifact answers as in Python, or is refused. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { ExternalColumn, PythonModel, PythonSettings } from '../../src/predictor/external.ts'
import { openRuntimes } from '../../src/runtimes/runtimes.ts'
import { PYTHON, skipUnless } from '../services.ts'
import { SETTINGS, surroundings } from './python.ts'

const skip = skipUnless('python')
const folder = mkdtempSync(join(tmpdir(), 'bellwether-artifacts-'))
after(() => rmSync(folder, { recursive: true }))

interface Expected {
  readonly rows: readonly (readonly [age: number, balance: number, place: string])[]
  /** The balance with gaps, which are −1. */
  readonly gaps: readonly number[]
  readonly expected: Readonly<Record<string, { readonly width: number; readonly answers: readonly number[] }>>
}

function made(): Expected {
  const program = new URL('./artifacts.py', import.meta.url).pathname
  execFileSync(PYTHON, [program, folder], { stdio: ['ignore', 'ignore', 'pipe'] })
  return JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Expected
}

const { rows, gaps, expected }: Expected = skip === false ? made() : { rows: [], gaps: [], expected: {} }
const PLACES = ['Berlin', 'Paris', 'Rome']
const AGE: ExternalColumn = { name: 'age', type: 'int' }
const BALANCE: ExternalColumn = { name: 'balance', type: 'float' }
const PLACE: ExternalColumn = { name: 'place', type: 'text', categories: PLACES }
const ALL = [AGE, BALANCE, PLACE]

/** Loads, asks for the five rows, compares; returns the model for more to be said of it. */
async function same(
  name: string,
  columns: readonly ExternalColumn[] = ALL,
  settings: Partial<PythonSettings> = {},
): Promise<PythonModel> {
  const bytes = readFileSync(join(folder, name))
  const served = { name: `${name}@1.0.0`, artifact: async () => bytes }
  const described = await openRuntimes(surroundings()).describePython(bytes, { ...SETTINGS, ...settings }, served)
  try {
    const { predictor } = await described.open(columns)
    const { width, answers } = expected[name]!
    assert.equal(predictor.outputCount, width)
    const cells = rows.flatMap(([age, balance, place], at) => {
      const row = [age, name === 'gaps' && gaps[at] === -1 ? Number.NaN : balance, PLACES.indexOf(place)]
      return row.slice(0, columns.length)
    })
    const out = new Float64Array(answers.length)
    await predictor.predict(Float64Array.from(cells), rows.length, out)
    assert.deepEqual([...out], answers, name)
    return described.model as PythonModel
  } finally {
    await described.close()
  }
}

async function refused(name: string, message: RegExp, settings: Partial<PythonSettings> = {}): Promise<void> {
  const bytes = readFileSync(join(folder, name))
  const served = { name: `${name}@1.0.0`, artifact: async () => bytes }
  const described = openRuntimes(surroundings()).describePython(bytes, { ...SETTINGS, ...settings }, served)
  await assert.rejects(described, { code: 'invalid', message })
}

const CASES: Readonly<Record<string, () => Promise<void>>> = {
  'formats: python: pickle': async () => {
    const { facts, classes, objective, answers } = await same('pickle')
    assert.equal(facts['packaging'], 'pickle')
    assert.deepEqual([classes, objective, answers], [['no', 'yes'], 'LogisticRegression.predict_proba', 'probability'])
  },
  'formats: python: joblib': async () => assert.equal((await same('joblib')).facts['packaging'], 'joblib'),
  'formats: python: joblib, compressed': async () => {
    for (const kind of ['gz', 'z', 'bz2', 'xz']) await same(`joblib.${kind}`)
  },
  'formats: python: cloudpickle, classes of its own': async () => {
    const { named, answers } = await same('cloudpickle')
    assert.deepEqual([named, answers], [false, 'number'])
  },
  'formats: python: cloudpickle, a function': async () => void (await same('function', [AGE, BALANCE])),
  'formats: python: skops': async () => {
    await same('skops', ALL, { trust: false })
    await refused('stranger', /types that skops does not trust: .*Scaled/, { trust: false })
  },
  'formats: python: MLflow, scikit-learn flavour': async () => {
    for (const kind of ['zip', 'gztar', 'tar']) {
      assert.equal((await same(`mlflow-sklearn.${kind}`)).facts['packaging'], 'mlflow')
    }
  },
  'formats: python: MLflow, python_function': async () => {
    for (const kind of ['zip', 'gztar', 'tar']) {
      assert.equal((await same(`mlflow-python.${kind}`, [AGE, BALANCE])).method, 'pyfunc')
    }
  },
  'formats: python: binary and multi-class classifiers: probabilities': async () => {
    const { classes, task } = await same('multiclass', [AGE, BALANCE])
    assert.deepEqual([classes, task], [['high', 'low', 'middle'], 'multiclass'])
  },
  'formats: python: classifiers without probabilities: scores': async () => {
    const { answers, method } = await same('scores', [AGE, BALANCE])
    assert.deepEqual([answers, method], ['number', 'decision_function'])
  },
  'formats: python: classifiers asked to predict: the number of the class': async () => {
    const bytes = readFileSync(join(folder, 'pickle'))
    const served = { name: 'labels@1.0.0', artifact: async () => bytes }
    const settings = { ...SETTINGS, method: 'predict' }
    const described = await openRuntimes(surroundings()).describePython(bytes, settings, served)
    const { predictor } = await described.open(ALL)
    const cells = rows.flatMap(([age, balance, place]) => [age, balance, PLACES.indexOf(place)])
    const out = new Float64Array(rows.length)
    await predictor.predict(Float64Array.from(cells), rows.length, out)
    await predictor.close()
    assert.equal(predictor.answers, 'class')
    assert.deepEqual(
      [...out],
      expected['pickle']!.answers.map(probability => Number(probability > 0.5)),
    )
  },
  'formats: python: regressors, of several targets as well': async () => {
    assert.equal((await same('regression', [AGE, BALANCE])).task, 'regression')
    assert.equal((await same('targets', [AGE, BALANCE])).task, 'regression')
  },
  'formats: python: outlier detectors': async () => void (await same('outliers', [AGE, BALANCE])),
  'formats: python: trained on a matrix without names': async () => {
    const { named, features, settings } = await same('matrix', [AGE, BALANCE])
    assert.deepEqual([named, features, settings.input], [false, ['f0', 'f1'], 'numpy'])
  },
  'formats: python: missing values': async () => void (await same('gaps', [AGE, BALANCE])),
  'formats: python: XGBoost and LightGBM on pandas categories': async () => {
    assert.equal((await same('categories')).settings.texts, 'category')
    await same('booster')
  },
  'formats: python: classifiers of several targets': () => refused('several', /several targets at once/),
  'formats: python: objects that cannot be asked': async () => {
    await refused('nothing', /builtins\.dict cannot be asked/)
    await refused('scaler', /StandardScaler cannot be asked/)
  },
  'formats: python: code without trust': async () => {
    for (const name of ['pickle', 'joblib', 'joblib.gz', 'cloudpickle', 'mlflow-python.zip']) {
      await refused(name, /loading it runs its code/, { trust: false })
    }
  },
}

describe('Python', { skip }, () => {
  for (const [title, check] of Object.entries(CASES)) test(title, check)
})
