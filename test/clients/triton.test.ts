/** Triton's own Python client, unmodified, against our Open Inference Protocol v2: tensors in JSON and in bytes. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { PredictionRecord, RefusalRecord } from '../../src/ledger/record.ts'
import { tinyAnswer } from '../journeys/model.ts'
import { PYTHON, skipUnless } from '../services.ts'
import { STRICT, withApp } from '../serving/app.ts'

const DRIVER = fileURLToPath(new URL('triton.py', import.meta.url))

interface Inference {
  readonly response: { readonly model_name: string; readonly model_version: string; readonly id: string }
  readonly values: readonly (readonly number[])[]
}

interface Seen {
  readonly [name: string]: unknown
  readonly metadata: { readonly inputs: unknown; readonly outputs: unknown; readonly versions: unknown }
  readonly named: Inference
  readonly whole: Inference
  readonly binary: Inference
  readonly mixed: Inference
  readonly asynchronous: readonly Inference[]
}

function drive(address: string, model: string): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const child = spawn(PYTHON, [DRIVER, address, model])
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', status => (status === 0 ? resolve(JSON.parse(stdout) as Seen) : reject(new Error(stderr))))
  })
}

function judgeValues({ values }: Inference): void {
  const wanted = [tinyAnswer(20, 1), tinyAnswer(47, 2), tinyAnswer(47, 9)]
  assert.deepEqual(
    values.map(row => row.length),
    [1, 1, 1],
  )
  for (const [at, value] of wanted.entries()) assert.ok(Math.abs(values[at]![0]! - value) < 1e-6)
}

test('tritonclient gets health, metadata and inferences', { skip: skipUnless('python') }, async () => {
  await withApp({}, async app => {
    await app.register('tiny', '1.0.0', STRICT)
    const seen = await drive(new URL(app.url).host, 'tiny')
    const { live, ready, model_ready, version_ready, missing_ready } = seen
    assert.deepEqual([live, ready, model_ready, version_ready, missing_ready], [true, true, true, true, false])
    assert.equal((seen['server'] as { name: string }).name, 'bellwether')
    assert.deepEqual(seen['index'], [{ name: 'tiny', version: '1.0.0', state: 'READY', reason: '' }])
    assert.deepEqual(seen.metadata.versions, ['1.0.0'])
    assert.deepEqual(seen.metadata.inputs, [
      { name: 'age', datatype: 'INT64', shape: [-1, 1] },
      { name: 'tenure', datatype: 'INT64', shape: [-1, 1] },
    ])
    assert.deepEqual(seen.metadata.outputs, [{ name: 'tiny_probability', datatype: 'FP64', shape: [-1, 1] }])

    const { model_stats: stats } = seen['statistics'] as { model_stats: Record<string, unknown>[] }
    assert.deepEqual(
      [stats[0]!['version'], stats[0]!['inference_count'], stats[0]!['execution_count']],
      ['1.0.0', 6, 2],
    )
    judgeValues(seen.named)
    for (const seenOnce of [seen.whole, seen.binary, seen.mixed, ...seen.asynchronous]) judgeValues(seenOnce)
    const { model_name, model_version, id } = seen.named.response
    assert.deepEqual([model_name, model_version, id], ['tiny', '1.0.0', 'question-1'])

    const errors = ['unknown_model', 'unknown_output', 'wrong_shape'].map(
      name => seen[name] as { message: string; status: string },
    )
    assert.deepEqual(
      errors.map(({ status }) => status),
      ['404', '400', '400'],
    )
    assert.equal(seen.binary.response.id, 'b-1')
    assert.match(errors[1]!.message, /tiny_probability was wanted/)

    const records = await app.records()
    const predictions = records.filter(record => record.kind === 'prediction') as PredictionRecord[]
    assert.equal(predictions.length, 24, 'one record for each row')
    assert.ok(predictions.every(({ door }) => door === 'oip'))
    assert.deepEqual(predictions[1]!.features, { age: 47, tenure: 2 })
    const refusals = records.filter(record => record.kind === 'refusal') as RefusalRecord[]
    assert.equal(
      refusals.reduce((sum, { count }) => sum + count, 0),
      3,
    )
  })
})
