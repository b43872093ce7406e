/**
 * Stock gRPC clients, unmodified, against our Open Inference Protocol v2 and our own interface: Triton's, sync and async and
 * streaming, gRPC's own health checking and reflection, and its rich errors.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { PredictionRecord, RefusalRecord } from '../../src/ledger/record.ts'
import { tinyAnswer } from '../journeys/model.ts'
import { PYTHON, skipUnless } from '../services.ts'
import { type RunningApp, STRICT, withApp } from '../serving/app.ts'

const DRIVER = fileURLToPath(new URL('grpc_clients.py', import.meta.url))

interface Inference {
  readonly response: { readonly model_name: string; readonly model_version: string; readonly id: string }
  readonly values: readonly (readonly number[])[]
}

interface Told {
  readonly message: string
  readonly status: string
}

interface Refused {
  readonly code: string
  readonly fields: readonly (readonly [string, string])[]
  readonly reason: string
}

interface Seen {
  readonly unknown_call: string
  readonly deadline: string
  readonly sync: SyncSeen
  readonly async: {
    readonly ids: readonly string[]
    readonly values: Inference['values']
    readonly stream: readonly (readonly [string, number])[]
  }
  readonly typed: { readonly response: unknown; readonly refusal: Refused; readonly mixed: string }
  readonly health: unknown
  readonly reflection: {
    readonly services: readonly string[]
    readonly different: readonly string[]
    readonly own: OwnSeen
  }
}

interface SyncSeen extends Readonly<Record<string, unknown>> {
  readonly named: Inference
  readonly whole: Inference
  readonly stream: readonly (readonly [string, number | string])[]
}

interface OwnSeen {
  readonly answer: { readonly model: string; readonly release: string; readonly predictions: readonly OwnPrediction[] }
  readonly request_id: string
  readonly table: OwnSeen['answer']
  readonly refusal: Refused
  readonly forbidden: string
  readonly stream_ids: readonly string[]
  readonly stream_refusal: { readonly refusal: { readonly code: string; readonly status: number } }
  readonly stream_answers: number
}

interface OwnPrediction {
  readonly id: string
  readonly outputs: { readonly tiny_probability: number }
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

const WANTED: readonly number[] = [tinyAnswer(20, 1), tinyAnswer(47, 2), tinyAnswer(47, 9)]

function near(values: readonly number[], wanted: readonly number[]): void {
  assert.equal(values.length, wanted.length)
  for (const [at, value] of wanted.entries()) assert.ok(Math.abs(values[at]! - value) < 1e-6, `${values[at]} at ${at}`)
}

function judgeModel({ sync }: Seen): void {
  assert.deepEqual([sync['live'], sync['ready'], sync['model_ready'], sync['missing_ready']], [true, true, true, false])
  assert.deepEqual(sync['metadata'], {
    name: 'tiny',
    versions: ['1.0.0'],
    platform: 'bellwether_xgboost_json',
    inputs: ['age', 'tenure'].map(name => ({ name, datatype: 'INT64', shape: ['-1', '1'] })),
    outputs: [{ name: 'tiny_probability', datatype: 'FP64', shape: ['-1', '1'] }],
  })
  const { config } = sync['config'] as { config: { max_batch_size: number; input: unknown } }
  assert.equal(config.max_batch_size, 10_000)
  assert.deepEqual(
    config.input,
    ['age', 'tenure'].map(name => ({ name, data_type: 'TYPE_INT64', dims: ['1'] })),
  )
  assert.deepEqual(sync['index'], { models: [{ name: 'tiny', version: '1.0.0', state: 'READY' }] })
  const [of] = (sync['statistics'] as { model_stats: Record<string, unknown>[] }).model_stats
  assert.deepEqual([of!['inference_count'], of!['execution_count']], ['6', '2'])
  assert.deepEqual([sync['shared_memory'], sync['trace'], sync['log']], [{}, {}, {}])
}

function judgeInferences({ sync, async, typed }: Seen): void {
  near(sync.named.values.flat(), WANTED)
  near(sync.whole.values.flat(), WANTED)
  near(async.values.flat(), WANTED)
  const { model_name, model_version, id } = sync.named.response
  assert.deepEqual([model_name, model_version, id], ['tiny', '1.0.0', 'question-1'])
  assert.deepEqual(
    async.ids,
    Array.from({ length: 50 }, (_, at) => `a${at}`),
  )
  assert.deepEqual(
    async.stream.map(([id]) => id),
    ['0', '1', '2', '3', '4'],
  )
  assert.equal(sync.stream.length, 20)
  for (const [at, [id, value]] of sync.stream.entries()) {
    if (at === 10) assert.match(String(value), /^Cannot read the tensors: /)
    else assert.deepEqual([id, Math.abs((value as number) - WANTED[at % 3]!) < 1e-6], [String(at), true])
  }
  const { outputs } = typed.response as { outputs: [{ contents: { fp64Contents: number[] } }] }
  near(outputs[0].contents.fp64Contents, WANTED) // NaN is a missing value, and goes where many years go
}

function judgeErrors({ sync, typed, unknown_call, deadline }: Seen): void {
  const told = (name: string): Told => sync[name] as Told
  const wanted: Readonly<Record<string, string>> = {
    unknown_model: 'NOT_FOUND',
    unknown_output: 'INVALID_ARGUMENT',
    wrong_shape: 'INVALID_ARGUMENT',
    classes: 'INVALID_ARGUMENT',
    load_config: 'INVALID_ARGUMENT',
    register: 'UNIMPLEMENTED',
  }
  for (const [name, status] of Object.entries(wanted)) assert.equal(told(name).status, `StatusCode.${status}`, name)
  assert.match(told('unknown_output').message, /tiny_probability was wanted/)
  assert.deepEqual([unknown_call, deadline, typed.mixed], ['UNIMPLEMENTED', 'DEADLINE_EXCEEDED', 'INVALID_ARGUMENT'])
  const { code, reason, fields } = typed.refusal
  assert.deepEqual([code, reason, fields.map(([field]) => field)], ['INVALID_ARGUMENT', 'INVALID', ['[1].age']])
}

function judgeOwn({ reflection: { own } }: Seen): void {
  near(
    own.table.predictions.map(({ outputs }) => outputs.tiny_probability),
    WANTED,
  )
  assert.equal(own.answer.release, 'all')
  assert.equal(own.table.release, undefined, 'the version was pinned')
  assert.deepEqual([own.request_id, own.forbidden, own.refusal.code], ['mine', 'PERMISSION_DENIED', 'INVALID_ARGUMENT'])
  assert.deepEqual(
    own.stream_ids,
    Array.from({ length: 200 }, (_, at) => `s${at}`),
    'answers come in the order of questions',
  )
  const { code, status } = own.stream_refusal.refusal
  assert.deepEqual([code, status], ['invalid', 3])
}

async function judgeRecords(app: RunningApp, { reflection: { own } }: Seen): Promise<void> {
  const records = await app.records()
  const predictions = records.filter(record => record.kind === 'prediction') as PredictionRecord[]
  const first = predictions.find(({ id }) => id === own.answer.predictions[0]!.id)
  assert.deepEqual([first?.door, first?.requestId, first?.purpose], ['grpc', 'mine', 'retention-offer'])
  assert.ok(first?.subject !== undefined && !first.subject.includes('ann'), 'the subject is a pseudonym')
  assert.deepEqual(first.features, { age: 20 }, 'missing is absent')
  const refusals = records.filter(record => record.kind === 'refusal') as RefusalRecord[]
  const refused = refusals.reduce((sum, { count }) => sum + count, 0)
  const wrongAges = 200 - own.stream_answers
  assert.equal(refused, 4 + 1 + 2 + 2 + wrongAges, 'sync, its stream, typed, own, and own stream')
  const stream = 19 + 50 * 3 + 5 + own.stream_answers
  assert.equal(predictions.length, 3 + 3 + stream + 3 + 2 + 3, 'one record for each row')
}

test('stock gRPC clients are answered, and every question leaves its record', {
  skip: skipUnless('python'),
}, async () => {
  await withApp({ 'server.grpcPort': 0 }, async app => {
    await app.register('tiny', '1.0.0', STRICT)
    const seen = await drive(app.grpc, 'tiny')
    judgeModel(seen)
    judgeInferences(seen)
    judgeErrors(seen)
    assert.deepEqual(seen.health, { statuses: [1, 1, 1], watched: 1, unknown: 3, missing: 'NOT_FOUND' })
    assert.deepEqual(seen.reflection.different, [], 'the interface is that of Triton, field by field')
    assert.deepEqual(seen.reflection.services.slice(0, 2), [
      'bellwether.v1.PredictionService',
      'inference.GRPCInferenceService',
    ])
    judgeOwn(seen)
    await judgeRecords(app, seen)
  })
})
