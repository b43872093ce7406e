/** The gRPC door against callers that stock clients are not, on the whole application. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { RefusalRecord } from '../../src/ledger/record.ts'
import { type RunningApp, STRICT, withApp } from '../serving/app.ts'
import { endOf, frame, type GrpcClient, grpcClient, predictRequest } from './grpc-client.ts'

const PREDICT = '/bellwether.v1.PredictionService/Predict'
const STREAM = '/bellwether.v1.PredictionService/PredictStream'
const WATCH = '/grpc.health.v1.Health/Watch'
const INVALID = '3'
const DEADLINE = '4'
const EXHAUSTED = '8'
const UNIMPLEMENTED = '12'
const UNAVAILABLE = '14'
const UNAUTHENTICATED = '16'

async function withDoor(
  flags: Readonly<Record<string, unknown>>,
  use: (client: GrpcClient, app: RunningApp) => Promise<void>,
): Promise<void> {
  await withApp({ 'server.grpcPort': 0, ...flags }, async app => {
    await app.register('tiny', '1.0.0', STRICT)
    const client = grpcClient(`http://${app.grpc}`)
    try {
      await use(client, app)
    } finally {
      client.session.destroy()
    }
  })
}

async function refusals(app: RunningApp): Promise<RefusalRecord[]> {
  const records = await app.records()
  return records.filter(record => record.kind === 'refusal') as RefusalRecord[]
}

test('what is no message is refused, and recorded', async () => {
  await withDoor({ 'limits.bodyBytesMax': 1024 }, async (client, app) => {
    const right = predictRequest('tiny', 20)
    const large = Buffer.concat([right, Buffer.alloc(2_000)])
    const cases: readonly (readonly [string, Uint8Array, string, RegExp])[] = [
      ['nothing', Buffer.alloc(0), INVALID, /ended before it was whole/],
      ['half', frame(right).subarray(0, 20), INVALID, /ended before it was whole/],
      ['no frame', Buffer.alloc(20, 9), INVALID, /its frame is none of gRPC/],
      ['no protobuf', frame(Buffer.alloc(9, 0xff)), INVALID, /Cannot read the message/],
      ['too large', frame(large), EXHAUSTED, /it has 2\d\d\d bytes, at most 1024/],
      ['compressed, not told how', Buffer.concat([Buffer.of(1), frame(right).subarray(1)]), INVALID, /compressed/],
    ]
    for (const [name, bytes, status, message] of cases) {
      const answered = await client.call(PREDICT, bytes)
      assert.deepEqual([answered.status, answered.messages.length], [status, 0], name)
      assert.match(answered.message, message, name)
    }
    assert.equal((await client.call(PREDICT, frame(right))).status, '0', 'the connection is well')
    const found = await refusals(app)
    assert.equal(
      found.reduce((sum, { count }) => sum + count, 0),
      cases.length,
    )
    assert.ok(found.every(({ door }) => door === 'grpc'))
  })
})

test('messages are unpacked, and never to more than is taken', async () => {
  await withDoor({ 'limits.bodyBytesMax': 4096 }, async client => {
    const packed = (bytes: Uint8Array): Buffer => {
      const framed = frame(gzipSync(bytes))
      framed[0] = 1
      return framed
    }
    const right = await client.call(PREDICT, packed(predictRequest('tiny', 20)), { 'grpc-encoding': 'gzip' })
    assert.equal(right.status, '0')
    const bomb = await client.call(PREDICT, packed(Buffer.alloc(1_000_000)), { 'grpc-encoding': 'gzip' })
    assert.deepEqual([bomb.status, /unpacked it is larger/.test(bomb.message)], [EXHAUSTED, true])
    const unknown = await client.call(PREDICT, packed(Buffer.alloc(10)), { 'grpc-encoding': 'snappy' })
    assert.deepEqual(
      [unknown.status, unknown.headers['grpc-accept-encoding']],
      [UNIMPLEMENTED, 'identity,deflate,gzip'],
    )
    const json = await client.call(PREDICT, Buffer.alloc(0), { 'content-type': 'application/json' })
    assert.equal(json.headers[':status'], 415)
  })
})

test('deadlines end calls, those that wait for a message too', async () => {
  await withDoor({}, async (client, app) => {
    const waiting = client.open(PREDICT, { 'grpc-timeout': '30m' })
    const ended = await endOf(waiting)
    assert.deepEqual([ended.status, /30 ms/.test(ended.message)], [DEADLINE, true])
    const watched = client.open(WATCH, { 'grpc-timeout': '50m' })
    watched.end(frame(Buffer.alloc(0)))
    const watch = await endOf(watched)
    assert.deepEqual([watch.status, watch.messages.length], [DEADLINE, 1])
    const nonsense = await client.call(PREDICT, frame(predictRequest('tiny', 20)), { 'grpc-timeout': 'soon' })
    assert.equal(nonsense.status, INVALID)
    const codes = (await refusals(app)).map(({ code }) => code).sort()
    assert.deepEqual(codes, ['malformed', 'timeout'])
  })
})

test('a call that is called off before its message is whole leaves its refusal', async () => {
  await withDoor({}, async (client, app) => {
    const stream = client.open(PREDICT)
    stream.on('error', () => {})
    stream.write(frame(predictRequest('tiny', 20)).subarray(0, 12))
    await new Promise(resolve => client.session.ping(resolve)) // it has arrived
    stream.close(8)
    await once(stream, 'close')
    assert.equal((await client.call(PREDICT, frame(predictRequest('tiny', 20)))).status, '0')
    const [refusal] = await refusals(app)
    assert.deepEqual([refusal?.code, refusal?.door], ['malformed', 'grpc'])
  })
})

test('a stream answers in order, takes bytes as they come, and goes on after a refusal', async () => {
  await withDoor({}, async client => {
    const stream = client.open(STREAM)
    const ended = endOf(stream)
    const all = Array.from({ length: 300 }, (_, at) => frame(predictRequest('tiny', at % 7 === 3 ? 7 : 20, `q${at}`)))
    const bytes = Buffer.concat(all)
    for (let at = 0; at < bytes.length; at += 1_000) stream.write(bytes.subarray(at, at + 1_000))
    stream.end()
    const { status, messages } = await ended
    assert.equal(status, '0')
    assert.deepEqual(
      messages.map(message => message.subarray(2, 2 + message[1]!).toString()),
      all.map((_, at) => `q${at}`),
    )
  })
})

test('keys are wanted over gRPC as anywhere', async () => {
  await withDoor({}, async (client, app) => {
    await app.key('admin')
    const secret = await app.key('service')
    const bytes = frame(predictRequest('tiny', 20))
    assert.equal((await client.call(PREDICT, bytes)).status, UNAUTHENTICATED)
    assert.equal((await client.call(PREDICT, bytes, { authorization: `Bearer ${secret}` })).status, '0')
    const metadata = '/inference.GRPCInferenceService/ModelConfig'
    assert.equal((await client.call(metadata, frame(Buffer.alloc(0)))).status, UNAUTHENTICATED)
    const live = await client.call('/inference.GRPCInferenceService/ServerLive', frame(Buffer.alloc(0)))
    assert.deepEqual([live.status, live.messages[0]?.toString('hex')], ['0', '0801'])
  })
})

test('who asks too often is told when to come again', async () => {
  await withDoor({ 'limits.addressRate': 1 }, async client => {
    const bytes = frame(predictRequest('tiny', 20))
    const answers = await Promise.all(Array.from({ length: 5 }, () => client.call(PREDICT, bytes)))
    const refused = answers.filter(({ status }) => status === EXHAUSTED)
    assert.equal(answers.length - refused.length, 1)
    assert.ok(Number(refused[0]!.headers['grpc-retry-pushback-ms']) > 0)
  })
})

test('a door that closes answers what it has, and ends streams that wait', async () => {
  let ended: ReturnType<typeof endOf> | undefined
  let watched: ReturnType<typeof endOf> | undefined
  await withApp({ 'server.grpcPort': 0 }, async app => {
    await app.register('tiny', '1.0.0', STRICT)
    const client = grpcClient(`http://${app.grpc}`)
    const stream = client.open(STREAM)
    ended = endOf(stream)
    stream.write(frame(predictRequest('tiny', 20, 'last')))
    await once(stream, 'data')
    const watch = client.open(WATCH)
    watched = endOf(watch)
    watch.end(frame(Buffer.alloc(0)))
    await once(watch, 'data')
  })
  const [stream, watch] = [await ended!, await watched!]
  assert.deepEqual([stream.status, watch.status], [UNAVAILABLE, UNAVAILABLE])
  assert.deepEqual([stream.messages.length, watch.messages.length], [1, 1])
})
