/** How spans reach a collector: in both forms as OpenTelemetry's own messages say, and whatever the collector does. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { LogFields } from '../../src/platform/log.ts'
import { manualTimers, systemTimers, type Timers } from '../../src/platform/timers.ts'
import { readTrace, traceHeaders } from '../../src/platform/trace-context.ts'
import { type QueueSettings, type TraceQueue, traceQueue } from '../../src/platform/trace-queue.ts'
import { JSON_SPANS, type Origin, PROTOBUF_SPANS, type Span } from '../../src/platform/trace-span.ts'
import { PYTHON, skipUnless } from '../services.ts'
import { type Collector, startCollector } from './collector.ts'

const ORIGIN: Origin = { resource: { 'service.name': 'test', pid: 7 }, scope: { name: 'bellwether', version: '1' } }
const SPAN: Span = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentId: '',
  isParentRemote: false,
  state: '',
  name: 'predict',
  kind: 2,
  startMs: 1_790_000_000_000.25,
  endMs: 1_790_000_000_001.5,
  attributes: {},
}

const hex = (bytes: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(found => Buffer.from(found).toString('hex'))
const text = fc.string({ unit: 'grapheme', maxLength: 200 })
const ms = fc.double({ min: 1, max: 4e12, noNaN: true })
const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
const value = fc.oneof(text, fc.boolean(), fc.maxSafeInteger(), finite)
const anySpan: fc.Arbitrary<Span> = fc.record({
  traceId: hex(16),
  spanId: hex(8),
  parentId: fc.oneof(fc.constant(''), hex(8)),
  isParentRemote: fc.boolean(),
  state: fc.constantFrom('', 'a=1,b=2'),
  name: text,
  kind: fc.integer({ min: 1, max: 5 }),
  startMs: ms,
  endMs: ms,
  attributes: fc.dictionary(text, value, { maxKeys: 5 }),
  error: fc.oneof(fc.constant(undefined), text),
})

/** Reads pairs of both forms with the messages that OpenTelemetry publishes, and tells where they are not the same. */
const READER = `
import base64, difflib, json, sys
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest as Request
for line in sys.stdin:
    binary, text = json.loads(line)
    found, told = Request(), json.loads(text)
    found.ParseFromString(base64.b64decode(binary))
    for group in told["resourceSpans"]:
        for scope in group["scopeSpans"]:
            for span in scope["spans"]:
                for name in ("traceId", "spanId", "parentSpanId"):
                    if name in span:
                        span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    wanted = json_format.ParseDict(told, Request())
    found.DiscardUnknownFields()
    assert len(found.SerializeToString()) == len(base64.b64decode(binary)), "there are fields that nobody knows"
    lines = difflib.unified_diff(str(found).split("\\n"), str(wanted).split("\\n"), lineterm="", n=2)
    print("same" if found == wanted else "\\n".join(lines))
`

test('both forms say the same to the messages that OpenTelemetry publishes', { skip: skipUnless('python') }, () => {
  const samples = fc.sample(fc.array(anySpan, { maxLength: 20 }), { numRuns: 200, seed: 23 })
  const lines = samples.map(spans =>
    JSON.stringify([
      PROTOBUF_SPANS.write(ORIGIN, spans).toString('base64'),
      JSON_SPANS.write(ORIGIN, spans).toString(),
    ]),
  )
  const told = execFileSync(PYTHON, ['-c', READER], { input: lines.join('\n'), maxBuffer: 1 << 28 }).toString()
  const different = told.split('\n').filter(line => line !== 'same' && line !== '')
  assert.deepEqual(different.slice(0, 40), [])
  assert.equal(told.split('\n').filter(line => line === 'same').length, 200)
})

/** Each line is a trace: told by us, read by OpenTelemetry's SDK, told by it again. */
const PROPAGATOR = `
import json, sys
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
for line in sys.stdin:
    context = TraceContextTextMapPropagator().extract(json.loads(line))
    span, carrier = trace.get_current_span(context).get_span_context(), {}
    TraceContextTextMapPropagator().inject(carrier, context=context)
    told = [format(span.trace_id, "032x"), format(span.span_id, "016x"), bool(span.trace_flags.sampled)]
    print(json.dumps([told, carrier]))
`

test("OpenTelemetry's SDK reads the contexts that we hand on, and we read its own", {
  skip: skipUnless('python'),
}, () => {
  const contexts = fc.sample(
    fc.record({
      traceId: hex(16).filter(id => /[1-9a-f]/.test(id)),
      parentId: hex(8).filter(id => /[1-9a-f]/.test(id)),
      isSampled: fc.boolean(),
      state: fc.constantFrom('', 'a=1', 'rojo=00f067aa0ba902b7,tenant@vendor=t61rcWkgMzE', 'k-1_*/x=v w'),
    }),
    { numRuns: 200, seed: 23 },
  )
  const input = contexts.map(context => JSON.stringify(traceHeaders(context, context.parentId))).join('\n')
  const lines = execFileSync(PYTHON, ['-c', PROPAGATOR], { input }).toString().trimEnd().split('\n')
  for (const [at, line] of lines.entries()) {
    const { traceId, parentId, isSampled } = contexts[at]!
    const [told, headers] = JSON.parse(line) as [unknown[], Record<string, string>]
    assert.deepEqual(told, [traceId, parentId, isSampled])
    assert.deepEqual(readTrace(headers), { ...contexts[at] })
  }
  assert.equal(lines.length, contexts.length)
})

interface World {
  readonly queue: TraceQueue
  readonly collector: Collector
  readonly said: string[]
}

async function opened(t: TestContext, timers: Timers, more: Partial<QueueSettings> = {}): Promise<World> {
  const collector = await startCollector(t)
  const said: string[] = []
  const tell = (_: LogFields, message: string): void => void said.push(message)
  const settings: QueueSettings = {
    url: `${collector.url}/v1/traces`,
    headers: { 'api-key': 'secret' },
    format: JSON_SPANS,
    isCompressed: false,
    timeoutMs: 5_000,
    delayMs: 1_000,
    spansMax: 100,
    ...more,
  }
  const queue = traceQueue(settings, { origin: ORIGIN, timers, random: () => 0.5, log: { info: tell, warn: tell } })
  return { queue, collector, said }
}

const kept = (count = 1) => ({ count, spans: () => Array.from({ length: count }, () => SPAN) })

function counted({ queue }: World): Record<string, number> {
  const lines = queue.render().matchAll(/^trace_(\S+) (\d+)$/gm)
  return Object.fromEntries([...lines].map(([, name, count]) => [name!, Number(count)]))
}

/** Turns of the loop, until something is so that is about to be. */
async function soon(isSo: () => boolean): Promise<void> {
  for (let turn = 0; !isSo(); turn++) {
    assert.ok(turn < 100_000, 'it is not so')
    await new Promise(resolve => setImmediate(resolve))
  }
}

test('spans wait for others, and go together, with the headers that the collector wants', async t => {
  const timers = manualTimers()
  const world = await opened(t, timers, { isCompressed: true })
  world.queue.take(kept(2))
  world.queue.take(kept(3))
  assert.equal(counted(world)['spans_waiting'], 5)
  timers.advance(999)
  assert.equal(counted(world)['spans_waiting'], 5)
  timers.advance(1)
  const [taken] = await world.collector.requests(1)
  assert.equal(world.collector.spans().length, 5)
  assert.equal(taken!.path, '/v1/traces')
  assert.equal(taken!.headers['api-key'], 'secret')
  assert.equal(taken!.headers['content-encoding'], 'gzip')
  assert.match(taken!.headers['user-agent']!, /^bellwether\//)
  await soon(() => counted(world)['spans_exported_total'] === 5)
  assert.deepEqual(world.said, [])
  const [span] = world.collector.spans()
  assert.equal(span!.startTimeUnixNano, '1790000000000250000')
  assert.equal(span!.endTimeUnixNano, '1790000000001500000')
  await world.queue.close()
})

test('what finds no room is dropped and counted, and nobody waits', async t => {
  const world = await opened(t, manualTimers())
  for (let at = 0; at < 30; at++) world.queue.take(kept(8))
  assert.equal(counted(world)['spans_waiting'], 96)
  assert.equal(counted(world)['spans_dropped_total{reason="full"}'], 240 - 96)
  await world.queue.close()
  assert.equal(world.collector.spans().length, 96, 'what waits at the end is sent')
  world.queue.take(kept())
  assert.equal(counted(world)['spans_dropped_total{reason="full"}'], 240 - 96 + 1)
})

test('a collector that is busy is asked again, when it says so or after a while, and told of once', async t => {
  const timers = manualTimers()
  const world = await opened(t, timers)
  const { queue, collector, said } = world
  const failures = (count: number): Promise<void> => soon(() => counted(world)['export_failures_total'] === count)
  collector.answer({ status: 429, headers: { 'retry-after': '7' } }, { status: 503 }, { status: 502 })
  queue.take(kept())
  timers.advance(1_000)
  await failures(1)
  timers.advance(6_999)
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(collector.taken.length, 1)
  timers.advance(1)
  await failures(2)
  timers.advance(1_500) // 2 s, of which half is left to chance
  await failures(3)
  timers.advance(3_000)
  await soon(() => counted(world)['spans_exported_total'] === 1)
  assert.equal(collector.taken.length, 4)
  assert.deepEqual(said, [
    'Cannot export traces: it is tried again, and spans may be lost',
    'The collector of traces answers again',
  ])
  await queue.close()
})

test('spans that cannot be made are lost alone', async t => {
  const timers = manualTimers()
  const world = await opened(t, timers)
  const broken = (): never => {
    throw new Error('a fault')
  }
  world.queue.take({ count: 2, spans: broken })
  timers.advance(1_000)
  await soon(() => counted(world)['spans_dropped_total{reason="failed"}'] === 2)
  assert.deepEqual(world.said, ['Cannot write spans: they are lost'])
  world.queue.take(kept(3))
  timers.advance(1_000)
  await soon(() => counted(world)['spans_exported_total'] === 3)
  assert.equal(counted(world)['spans_waiting'], 0)
  await world.queue.close()
})

test('a date is a time to ask again as well, by the clock of the collector', async t => {
  const timers = manualTimers()
  const world = await opened(t, timers)
  const [date, later] = ['Mon, 05 Oct 2026 10:00:00 GMT', 'Mon, 05 Oct 2026 10:00:20 GMT']
  world.collector.answer({ status: 503, headers: { date, 'retry-after': later } })
  world.queue.take(kept())
  timers.advance(1_000)
  await soon(() => counted(world)['export_failures_total'] === 1)
  timers.advance(19_999)
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(world.collector.taken.length, 1)
  timers.advance(1)
  await world.collector.requests(2)
  await world.queue.close()
})

test('what the collector will never take is not sent again', async t => {
  for (const status of [400, 401, 404, 413, 500, 307]) {
    const timers = manualTimers()
    const world = await opened(t, timers)
    world.collector.answer({ status, headers: { location: '/elsewhere', 'retry-after': '1' } })
    world.queue.take(kept(3))
    timers.advance(1_000)
    await soon(() => counted(world)['spans_dropped_total{reason="refused"}'] === 3)
    assert.equal(world.collector.taken.length, 1)
    await world.queue.close()
  }
})

test('what it takes in part is counted as it says, in either form', async t => {
  const timers = manualTimers()
  const json = await opened(t, timers)
  json.collector.answer({ status: 200, body: '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}' })
  const partial = Buffer.from([8, 2, 18, 3, ...Buffer.from('old')])
  const binary = await opened(t, timers, { format: PROTOBUF_SPANS })
  binary.collector.answer({ status: 200, body: Buffer.from([10, partial.length, ...partial]) })
  for (const world of [json, binary]) {
    world.queue.take(kept(5))
    timers.advance(1_000)
    await soon(() => counted(world)['spans_exported_total'] === 3)
    assert.equal(counted(world)['spans_dropped_total{reason="refused"}'], 2)
    assert.deepEqual(world.said, ['The collector of traces refused spans'])
    world.collector.answer({ status: 200, body: Buffer.from('no message of ours') })
    world.queue.take(kept(1))
    timers.advance(1_000)
    await soon(() => counted(world)['spans_exported_total'] === 4)
    await world.queue.close()
  }
})

test('a collector that is silent or not there holds nobody up, also not the end', async t => {
  const world = await opened(t, systemTimers, { timeoutMs: 50, delayMs: 1 })
  world.collector.answer('silent')
  world.queue.take(kept())
  await soon(() => counted(world)['export_failures_total'] === 1)
  await world.queue.close()
  assert.equal(counted(world)['spans_exported_total'], 1, 'it is asked once more at the end')

  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as { port: number }
  closed.close()
  const gone = await opened(t, systemTimers, { url: `http://127.0.0.1:${port}/v1/traces`, delayMs: 1 })
  for (let at = 0; at < 10; at++) gone.queue.take(kept(5))
  await gone.queue.close()
  assert.equal(counted(gone)['spans_dropped_total{reason="unreachable"}'], 50)
})
