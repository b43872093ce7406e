/** Traces through every door and every process: gRPC, a stream, workers on one port, and models in Python. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { type TestContext, test } from 'node:test'
import { openRuntimes } from '../../src/runtimes/runtimes.ts'
import { frame, grpcClient, predictRequest } from '../doors/grpc-client.ts'
import { tinyModel } from '../journeys/model.ts'
import { artifactOf, pickled, SETTINGS, surroundings } from '../runtimes/python.ts'
import { bellwether, startServer, temporaryFolder } from '../server.ts'
import { skipUnless } from '../services.ts'
import { STRICT, withApp } from '../serving/app.ts'
import { startKafka } from '../stream/kafka.ts'
import { registered, send, startCrew, until } from '../workers/crew.ts'
import { type Collector, type KeptSpan, startCollector } from './collector.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CALLER = 'b7ad6b7169203331'
const SAMPLED = { traceparent: `00-${TRACE}-${CALLER}-01` }
const [SERVER, CONSUMER] = [2, 5]

/** As a platform gives them to all of its programs. */
function environment({ url }: Collector): Readonly<Record<string, string>> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_SERVICE_NAME: 'scoring',
    OTEL_BSP_SCHEDULE_DELAY: '50',
  }
}

function calls(collector: Collector): KeptSpan[] {
  return collector.spans().filter(({ kind }) => kind === SERVER || kind === CONSUMER)
}

test('a call of gRPC is named after its procedure, and tells its status', async t => {
  const collector = await startCollector(t)
  const settings = { 'tracing.endpoint': collector.url, 'tracing.protocol': 'http/json', 'tracing.delayMs': 10 }
  await withApp({ 'server.grpcPort': 0, ...settings }, async app => {
    await app.register('tiny', '1.0.0', STRICT)
    const client = grpcClient(`http://${app.grpc}`)
    t.after(() => client.session.destroy())
    const path = '/bellwether.v1.PredictionService/Predict'
    assert.equal((await client.call(path, frame(predictRequest('tiny', 20)), SAMPLED)).status, '0')
    assert.equal((await client.call(path, frame(predictRequest('none', 20)), SAMPLED)).status, '5')
    await until(() => calls(collector).length === 2, 'both calls are exported')
    const [good, bad] = calls(collector)
    assert.equal(good!.name, path.slice(1))
    assert.equal(good!.traceId, TRACE)
    assert.equal(good!.parentSpanId, CALLER)
    const told = ({ said }: KeptSpan): unknown[] =>
      ['rpc.system', 'rpc.service', 'rpc.method', 'rpc.grpc.status_code', 'error.type'].map(name => said[name])
    assert.deepEqual(told(good!), ['grpc', 'bellwether.v1.PredictionService', 'Predict', 0, undefined])
    assert.deepEqual(told(bad!), ['grpc', 'bellwether.v1.PredictionService', 'Predict', 5, 'not_found'])
    assert.equal(bad!.status?.code, 2)
  })
})

test('workers export what they answer, also at their end, and the server counts it once', async t => {
  const collector = await startCollector(t)
  const server = await startCrew(t, await registered(t), environment(collector))
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  t.after(() => agent.destroy())
  const ask = () => send(`${server.url}/predict`, agent, '{"age":42,"tenure":3}', SAMPLED)
  for (const answered of await Promise.all(Array.from({ length: 40 }, ask))) assert.equal(answered!.status, 200)
  await until(() => calls(collector).length === 40, 'all calls are exported')
  const instances = new Set(collector.spans().map(({ resource }) => resource['service.instance.id']))
  assert.equal(instances.size, 2, 'both workers answered')
  assert.ok(
    collector.spans().every(({ resource, traceId }) => resource['service.name'] === 'scoring' && traceId === TRACE),
  )
  await until(async () => {
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    return Number(/^trace_spans_exported_total (\d+)$/m.exec(metrics)?.[1]) === collector.spans().length
  }, 'the counts of the workers are one')
  for (const answered of await Promise.all(Array.from({ length: 10 }, ask))) assert.equal(answered!.status, 200)
  assert.equal(await server.kill('SIGTERM'), 0)
  assert.equal(calls(collector).length, 50, 'what waited at the end is sent')
})

test('a model in Python hears of the trace of who asks it', { skip: skipUnless('python') }, async () => {
  const artifact = artifactOf(
    pickled(`
def predict(self, frame):
    import os
    parent = os.environ.get('TRACEPARENT', '00-000000000000')
    return frame['x'].to_numpy() * 0 + int(parent[3:15], 16) + len(os.environ.get('TRACESTATE', ''))`),
  )
  const served = { name: 'traced@1.0.0', artifact: async () => artifact }
  const described = await openRuntimes(surroundings()).describePython(artifact, SETTINGS, served)
  const { predictor } = await described.open([{ name: 'x', type: 'float' }])
  try {
    const heard = async (headers?: Readonly<Record<string, string>>): Promise<number> => {
      const out = new Float64Array(1)
      await predictor.predict(Float64Array.of(1), 1, out, headers && { headers })
      return out[0]!
    }
    assert.equal(await heard(SAMPLED), Number.parseInt(TRACE.slice(0, 12), 16))
    assert.equal(await heard({ ...SAMPLED, tracestate: 'a=1' }), Number.parseInt(TRACE.slice(0, 12), 16) + 3)
    assert.equal(await heard(), 0, 'and of none afterwards')
  } finally {
    await predictor.close()
  }
})

/** A data folder with the tiny model. */
async function folderWithModel(t: TestContext): Promise<string> {
  const data = temporaryFolder()
  const artifact = `${data}-model.json`
  t.after(() => [data, artifact].map(path => rmSync(path, { recursive: true, force: true })))
  writeFileSync(artifact, tinyModel())
  const { status, stderr } = await bellwether([
    'register',
    artifact,
    '--name',
    'tiny',
    '--version',
    '1.0.0',
    '--data',
    data,
  ])
  assert.equal(status, 0, stderr)
  return data
}

test('a message of a stream is consumed in its trace, and its answer goes on with it', {
  skip: skipUnless('kafka'),
}, async t => {
  const kafka = await startKafka()
  t.after(() => kafka.stop())
  const [input, output] = ['traced-in', 'traced-out']
  for (const topic of [input, output, `${input}.dead-letters`]) await kafka.createTopic(topic, 1)
  const collector = await startCollector(t)
  const stream = { BROKERS: kafka.brokers, INPUT: input, OUTPUT: output, GROUP: 'traced' }
  const named = Object.entries(stream).map(([name, text]) => [`BELLWETHER_STREAM_${name}`, text] as const)
  const env = { ...environment(collector), ...Object.fromEntries(named) }
  const server = await startServer({ data: await folderWithModel(t), env })
  t.after(() => server.kill('SIGKILL'))
  const value = '{"age":50,"tenure":2}'
  const event = { ce_specversion: '1.0', ce_id: 'e-1', ce_source: '/shop', ce_type: 'asked' }
  await kafka.send(input, [
    { value, headers: { ...SAMPLED, tracestate: 'vendor=x' } },
    { value, headers: { ...event, ce_traceparent: SAMPLED.traceparent } },
    { value },
  ])
  const answers = await kafka.read([output], messages => messages.length === 3)
  await until(() => calls(collector).length === 3, 'all messages are traced')
  const spans = calls(collector)
  for (const [at, answer] of answers.entries()) {
    const name = at === 1 ? 'ce_traceparent' : 'traceparent'
    const { traceId, spanId } = spans[at]!
    assert.equal(answer.headers.get(name), `00-${traceId}-${spanId}-01`, 'whoever reads the answer is below our span')
  }
  assert.equal(answers[0]!.headers.get('tracestate'), 'vendor=x')
  assert.deepEqual(
    spans.map(({ traceId }) => traceId === TRACE),
    [true, true, false],
  )
  for (const { kind, name, said } of spans) {
    assert.deepEqual([kind, name, said['messaging.destination.name']], [CONSUMER, `process ${input}`, input])
  }
})
