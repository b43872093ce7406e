/** ONNX models from registration to answer: one that is computed here, one that ONNX Runtime computes, one that nobody may. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CASES, goldenBytes } from '../../src/predictor/onnx/golden-models.suite.ts'
import { floatInput, node, onnxFile, output } from '../../src/predictor/onnx/onnx-file.suite.ts'
import { ask, type RunningApp, withApp } from '../serving/app.ts'

interface Sent {
  readonly status: number
  readonly body: { readonly detail: string; readonly version: { readonly facts: Readonly<Record<string, unknown>> } }
}

async function register(app: RunningApp, name: string, artifact: Uint8Array): Promise<Sent> {
  const body = new FormData()
  body.append('model', `name: ${name}\nversion: 1.0.0\nartifact: model.onnx\n`)
  body.append('artifact', new File([artifact as Uint8Array<ArrayBuffer>], 'model.onnx'))
  const answer = await fetch(`${app.url}/models/register`, { method: 'POST', body })
  return { status: answer.status, body: (await answer.json()) as Sent['body'] }
}

const COLUMNS = ['age', 'balance', 'place', 'plan', 'visits'] as const

test('a pipeline with texts, and a support vector machine, answer over HTTP as in Python', async () => {
  await withApp({}, async app => {
    const native = await register(app, 'here', goldenBytes('frame_boosting'))
    assert.equal(native.status, 201, native.body.detail)
    assert.equal(native.body.version.facts['engine'], undefined)
    const { rows, expected } = CASES['frame_boosting']!
    const row = Object.fromEntries(COLUMNS.map((name, at) => [name, rows[0]![at]]))
    const one = await ask(`${app.url}/models/here/predict`, row)
    assert.equal(one.status, 200)
    assert.ok(
      Math.abs((one.body['outputs'] as Record<string, number>)['here_probability']! - Number(expected[0]![0])) <= 1e-6,
    )

    const foreign = await register(app, 'there', goldenBytes('svc'))
    assert.equal(foreign.status, 201, foreign.body.detail)
    assert.equal(foreign.body.version.facts['engine'], 'onnxruntime')
    assert.match(String(foreign.body.version.facts['because']), /SVMClassifier/)
    const svc = CASES['svc']!
    const two = svc.rows.slice(0, 2).map(values => Object.fromEntries(values.map((value, at) => [`f${at}`, value])))
    const many = await ask(`${app.url}/models/there/predict`, two)
    assert.equal(many.status, 200)
    const answers = many.body['predictions'] as { outputs: Record<string, number> }[]
    for (const [at, { outputs }] of answers.entries()) {
      assert.ok(Math.abs(outputs['there_probability']! - Number(svc.expected[at]![0])) <= 1e-6)
    }
  })
})

test('a graph of operators that nobody knows is refused at registration', async () => {
  const graph = { inputs: [floatInput('x', [-1, 3])], outputs: [output('y')] }
  await withApp({}, async app => {
    const custom = await register(
      app,
      'custom',
      onnxFile({ ...graph, nodes: [node('Magic', ['x'], ['y'], 'com.example')] }),
    )
    assert.equal(custom.status, 422)
    assert.match(custom.body.detail, /com\.example Magic is a custom one/)
    const unknown = await register(app, 'unknown', onnxFile({ ...graph, nodes: [node('Magic', ['x'], ['y'])] }))
    assert.equal(unknown.status, 422)
    assert.match(unknown.body.detail, /Cannot load the ONNX model of unknown@1\.0\.0: ONNX Runtime says: .*Magic/)
  })
})
