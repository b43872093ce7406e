/** Python models from registration to answer: over HTTP and with the command; who may, and what is never run. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { PYTHON, skipUnless } from '../services.ts'
import { ask, type RunningApp, withApp } from '../serving/app.ts'
import { artifactOf, pickled } from './python.ts'

const skip = skipUnless('python')
const FLAGS = { 'python.command': PYTHON }

/** Text and numbers in, probabilities of two named classes out. */
const PIPELINE = `
import sys, pickle, pandas
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
data = pandas.DataFrame({'age': [20, 30, 40, 50], 'place': ['Rome', 'Paris', 'Rome', 'Paris'], 'left': ['no', 'no', 'yes', 'yes']})
model = make_pipeline(make_column_transformer((OneHotEncoder(handle_unknown='ignore'), ['place']), remainder='passthrough'), LogisticRegression())
model.fit(data[['age', 'place']], data['left'])
with open(sys.argv[1], 'wb') as file:
    WRITE
`
const CSV = 'age,place,left\n20,Rome,no\n30,Paris,no\n40,Rome,yes\n50,Paris,yes\n'
const PICKLE = PIPELINE.replace('WRITE', 'pickle.dump(model, file)')

interface Sent {
  readonly status: number
  readonly body: {
    readonly detail: string
    readonly notes: readonly string[]
    readonly version: { readonly facts: object; readonly signature: object; readonly measuredMetrics: object }
  }
}

async function register(app: RunningApp, yaml: string, artifact: Uint8Array, key?: string, more = {}): Promise<Sent> {
  const body = new FormData()
  body.append('model', yaml)
  body.append('artifact', new File([artifact as Uint8Array<ArrayBuffer>], 'model'))
  for (const [name, text] of Object.entries({ reference: CSV, evaluation: CSV, ...more })) {
    if (yaml.includes(`${name}:`)) body.append(name, new File([text as string], name))
  }
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
  const answer = await fetch(`${app.url}/models/register`, { method: 'POST', headers, body })
  return { status: answer.status, body: (await answer.json()) as Sent['body'] }
}

const YAML = `name: churn
version: 1.0.0
artifact: model.pkl
reference: train.csv
evaluation: train.csv
target: left
metrics: {accuracy: 1}
trust: code
python: {}
`

test('a pickle is registered over HTTP, answers as in Python, and its card says what it is', { skip }, async () => {
  await withApp(FLAGS, async app => {
    const { status, body } = await register(app, YAML, artifactOf(PICKLE))
    assert.equal(status, 201, body.detail)
    assert.match(body.notes.join('\n'), /runs its code/)
    assert.match(body.notes.join('\n'), /as a pandas DataFrame of 1 int64, 1 texts; .*python\.numbers: float32/)
    const { facts, measuredMetrics, signature } = body.version
    assert.equal((facts as Record<string, unknown>)['estimator'], 'sklearn.pipeline.Pipeline')
    assert.equal((facts as Record<string, unknown>)['runs_code'], 'yes')
    assert.equal((measuredMetrics as Record<string, unknown>)['accuracy'], 1)
    assert.deepEqual(
      (signature as { inputs: { name: string; type: string; categories?: string[] }[] }).inputs.map(
        ({ name, type, categories }) => [name, type, categories],
      ),
      [
        ['age', 'integer', undefined],
        ['place', 'string', ['Paris', 'Rome']],
      ],
    )
    const one = await ask(`${app.url}/predict`, { age: 45, place: 'Rome' })
    assert.equal(one.status, 200)
    const { churn_probability: found } = one.body['outputs'] as { churn_probability: number }
    assert.ok(found > 0.9 && found < 1)
    const many = await ask(`${app.url}/predict`, [
      { age: 45, place: 'Rome' },
      { age: 25, place: 'Paris' },
    ])
    assert.equal((many.body['predictions'] as unknown[]).length, 2)
    const records = await app.records()
    assert.equal(records.filter(({ kind }) => kind === 'prediction').length, 3)
  })
})

test('skops needs no trust where it knows all types, and says which it does not know', { skip }, async () => {
  const write = 'import skops.io; file.write(skops.io.dumps(model))'
  const stranger = `import sys, skops.io\nclass Model:\n    pass\nopen(sys.argv[1], 'wb').write(skops.io.dumps(Model()))`
  await withApp(FLAGS, async app => {
    const yaml = YAML.replace('trust: code\n', '')
    const { status, body } = await register(app, yaml, artifactOf(PIPELINE.replace('WRITE', write)))
    assert.equal(status, 201, body.detail)
    assert.equal((body.version.facts as Record<string, unknown>)['runs_code'], 'no')
    const unknown = await register(app, yaml.replace('1.0.0', '2.0.0'), artifactOf(stranger))
    assert.equal(unknown.status, 422)
    assert.match(unknown.body.detail, /types that skops does not trust: __main__\.Model; "trust: code"/)
  })
})

test('without trust nothing of a pickle is run, nor a program that model.yaml names', { skip }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'bellwether-trust-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const trace = join(folder, 'ran')
  const evil = `
import sys, pickle
class Evil:
    def __reduce__(self):
        return (open, (${JSON.stringify(trace)}, 'w'))
with open(sys.argv[1], 'wb') as file:
    pickle.dump(Evil(), file)
`
  const artifact = artifactOf(evil)
  const bare = 'name: evil\nversion: 1.0.0\n'
  await withApp(FLAGS, async app => {
    for (const [yaml, wanted] of [
      [bare, /pickle/],
      [`${bare}python: {}\n`, /loading it runs its code/],
      [`${bare}python: {command: ${JSON.stringify(PYTHON)}}\n`, /python\.command names a program/],
      [`${bare}python: {environment: /opt/venv}\n`, /python\.environment names a program/],
    ] as const) {
      const { status, body } = await register(app, yaml, artifact)
      assert.equal(status, 422)
      assert.match(body.detail, wanted)
    }
    assert.ok(!existsSync(trace), 'it was not run')

    const admin = await app.key('admin')
    const scientist = await app.key('scientist')
    const trusted = `${bare}trust: code\npython: {}\n`
    const refused = await register(app, trusted, artifact, scientist)
    assert.equal(refused.status, 403)
    assert.match(refused.body.detail, /needs the permission model:trust/)
    assert.ok(!existsSync(trace), 'it was not run')
    // What the admin says is done: the file object that comes of it is no model.
    const run = await register(app, trusted, artifact, admin)
    assert.equal(run.status, 422)
    assert.match(run.body.detail, /TextIOWrapper/)
    assert.ok(existsSync(trace), 'it was run')
  })
})

test('what is installed is compared with requirements.txt before anything is loaded', { skip }, async () => {
  const artifact = artifactOf(pickled('def predict(self, frame):\n    return frame.sum(axis=1)'))
  await withApp(FLAGS, async app => {
    const inputs = 'signature: {inputs: [{name: a, type: number}, {name: b, type: number}]}\n'
    const yaml = (version: string): string => `name: sum\nversion: ${version}\ntrust: code\n${inputs}`
    const wrong = await register(
      app,
      `${yaml('1.0.0')}python: {requirements: [scikit-learn==0.1, nothing-like-it]}\n`,
      artifact,
    )
    assert.equal(wrong.status, 422)
    assert.match(wrong.body.detail, /scikit-learn is [\d.]+, wanted ==0\.1; nothing-like-it is not installed/)
    const file = `${yaml('1.0.0')}python: {requirements: requirements.txt}\n`
    assert.equal((await register(app, file, artifact, undefined, { requirements: 'numpy<1' })).status, 422)
    const right = await register(app, file, artifact, undefined, { requirements: 'numpy>=2  # any\npandas' })
    assert.equal(right.status, 201, right.body.detail)
    const { body } = await ask(`${app.url}/predict`, { a: 1.5, b: 2.25 })
    assert.deepEqual(body['outputs'], { prediction: 3.75 })
  })
})
