/** KServe's own client, unmodified: its protocol of version 1, and the Open Inference Protocol over REST and gRPC. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { RefusalRecord } from '../../src/ledger/record.ts'
import { tinyAnswer } from '../journeys/model.ts'
import { KSERVE_PYTHON, skipUnless } from '../services.ts'
import { STRICT, withApp } from '../serving/app.ts'

const DRIVER = fileURLToPath(new URL('kserve_client.py', import.meta.url))
const ROWS = 3

interface Inference {
  readonly id: string
  readonly model: string
  readonly output: string
  readonly values: readonly number[]
}

interface Scored {
  readonly predictions: readonly number[]
  readonly explanations?: readonly unknown[]
}

type Refused = readonly [status: number | string, message: string]

interface Seen {
  readonly v1: {
    readonly live: boolean
    readonly model_ready: boolean
    readonly predicted: Scored
    readonly lists: Scored
    readonly explained: Scored
    readonly missing_ready: Refused
    readonly missing: Refused
    readonly invalid: Refused
  }
  readonly v2: Readonly<Record<'live' | 'ready' | 'model_ready' | 'missing_ready', boolean>> &
    Readonly<Record<'json' | 'binary' | 'binary_output', Inference>> & {
      readonly missing: Refused
      readonly type: string
    }
  readonly grpc: Readonly<Record<'live' | 'ready' | 'model_ready', boolean>> &
    Readonly<Record<'raw' | 'typed', Inference>> & { readonly missing: Refused }
}

function judgeValues(values: readonly number[]): void {
  const wanted = [tinyAnswer(20, 1), tinyAnswer(47, 2), tinyAnswer(47, 9)]
  assert.equal(values.length, wanted.length)
  for (const [at, value] of wanted.entries()) assert.ok(Math.abs(values[at]! - value) < 1e-6)
}

function judge(inference: Inference, id: string): void {
  const { values, ...named } = inference
  assert.deepEqual(named, { id, model: 'tiny', output: 'tiny_probability' })
  judgeValues(values)
}

function judgeRefused(refused: Refused, status: number | string, message: RegExp): void {
  assert.equal(refused[0], status)
  assert.match(refused[1], message)
}

test('the clients of KServe get health, answers, explanations and reasons', {
  skip: skipUnless('kserve'),
}, async () => {
  await withApp({ 'server.grpcPort': 0 }, async app => {
    await app.register('tiny', '1.0.0', STRICT)
    const { stdout } = await promisify(execFile)(KSERVE_PYTHON, [DRIVER, app.url, app.grpc, 'tiny'])
    const { v1, v2, grpc } = JSON.parse(stdout) as Seen
    assert.deepEqual([v1.live, v1.model_ready], [true, true])
    for (const { predictions } of [v1.predicted, v1.lists, v1.explained]) judgeValues(predictions)
    assert.equal(v1.explained.explanations!.length, ROWS)
    judgeRefused(v1.missing_ready, 404, /Cannot find the model: there is none of this name/)
    judgeRefused(v1.missing, 404, /Cannot find the model "missing"/)
    judgeRefused(v1.invalid, 422, /age/)

    assert.deepEqual([v2.live, v2.ready, v2.model_ready, v2.missing_ready], [true, true, true, false])
    judge(v2.json, 'j')
    judge(v2.binary, 'b')
    judge(v2.binary_output, 'o')
    assert.match(v2.type, /^application\/json/)
    judgeRefused(v2.missing, 404, /Cannot find the model "missing"/)

    assert.deepEqual([grpc.live, grpc.ready, grpc.model_ready], [true, true, true])
    judge(grpc.raw, 'r')
    judge(grpc.typed, 't')
    judgeRefused(grpc.missing, 'NOT_FOUND', /Cannot find the model "missing"/)

    const records = await app.records()
    const doors = records.flatMap(record => (record.kind === 'prediction' ? [record.door] : []))
    assert.deepEqual(
      ['kserve', 'oip', 'oip-grpc'].map(door => doors.filter(of => of === door).length),
      [3 * ROWS, 3 * ROWS, 2 * ROWS],
      [...new Set(doors)].join(', '),
    )
    const refusals = records.filter(({ kind }) => kind === 'refusal') as RefusalRecord[]
    assert.equal(
      refusals.reduce((sum, { count }) => sum + count, 0),
      4,
    )
  })
})
