/** What calls leave in traces, by every door: from the caller's span to ours, to our steps, to whoever we ask, and to the record. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { isUuid7 } from '../../src/platform/ids.ts'
import { ask, type RunningApp, STRICT, withApp } from '../serving/app.ts'
import { type Collector, type KeptSpan, startCollector } from './collector.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CALLER = 'b7ad6b7169203331'
const SAMPLED = { traceparent: `00-${TRACE}-${CALLER}-01` }
const MANIFEST = `${STRICT}explain: on-request\n`
const ROW = { age: 42, tenure: 3 }
const CALL_STEPS = ['door', 'access', 'version', 'features', 'policy', 'predictor', 'ledger']
const [INTERNAL, SERVER, CLIENT] = [1, 2, 3]

function flagsFor({ url }: Collector, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { 'tracing.endpoint': url, 'tracing.protocol': 'http/json', 'tracing.delayMs': 10, ...more }
}

/** An application with the tiny model and a collector of its traces. */
async function traced(
  t: TestContext,
  more: Readonly<Record<string, unknown>>,
  use: (app: RunningApp, collector: Collector) => Promise<void>,
): Promise<void> {
  const collector = await startCollector(t)
  await withApp(flagsFor(collector, more), async app => {
    await app.register('tiny', '1.0.0', MANIFEST)
    await use(app, collector)
  })
}

const start = ({ startTimeUnixNano }: KeptSpan): bigint => BigInt(startTimeUnixNano)
const end = ({ endTimeUnixNano }: KeptSpan): bigint => BigInt(endTimeUnixNano)

/** That spans are one tree below `root`, each within its parent, and steps one after the other without gaps. */
function assertTree(spans: readonly KeptSpan[], root: KeptSpan): void {
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length, 'no id twice')
  const steps = spans.filter(({ parentSpanId }) => parentSpanId === root.spanId)
  for (const step of steps) {
    assert.equal(step.traceId, root.traceId)
    assert.ok(start(step) >= start(root) && end(step) <= end(root), `${step.name} is within its call`)
    assert.ok(start(step) <= end(step))
  }
  for (const [at, step] of steps.slice(1).entries())
    assert.ok(start(step) >= end(steps[at]!), `${step.name} is in turn`)
  assert.equal(start(steps[0]!), start(root))
}

test('a call is a tree of spans below its caller, and its record, line and answer know the trace', async t => {
  await traced(
    t,
    { 'tracing.serviceName': 'scoring', 'tracing.resource': 'team=risk%20desk' },
    async (app, collector) => {
      const before = BigInt(Date.now()) * 1_000_000n
      const headers = { ...SAMPLED, tracestate: 'vendor=x,other=y', 'x-request-id': 'r-1' }
      const answer = await ask(`${app.url}/models/tiny/predict`, ROW, headers)
      assert.equal(answer.status, 200)
      const spans = await collector.spansOf(CALL_STEPS.length + 1)
      const [call, ...steps] = spans as [KeptSpan, ...KeptSpan[]]
      assert.deepEqual(
        steps.map(({ name }) => name),
        CALL_STEPS,
      )
      assertTree(spans, call)
      assert.equal(call.traceId, TRACE)
      assert.equal(call.parentSpanId, CALLER)
      assert.equal(call.traceState, 'vendor=x,other=y')
      assert.equal(call.kind, SERVER)
      assert.equal(call.flags, 0x301)
      assert.ok(start(call) >= before - 2_000_000n && end(call) <= BigInt(Date.now() + 2) * 1_000_000n)
      assert.equal(call.status, undefined)
      const { id } = answer.body as { id: string }
      assert.ok(isUuid7(id))
      assert.deepEqual(call.said, {
        'http.request.method': 'POST',
        'http.route': '/models/{name}/predict',
        'http.response.status_code': 200,
        'bellwether.door': 'rest',
        'bellwether.request.id': 'r-1',
        'bellwether.model.name': 'tiny',
        'bellwether.model.version': '1.0.0',
        'bellwether.release': 'all',
        'bellwether.arm': 'champion',
        'bellwether.actor.id': 'local',
        'bellwether.rows': 1,
        'bellwether.prediction.id': id,
      })
      assert.equal(call.resource['service.name'], 'scoring')
      assert.equal(call.resource['team'], 'risk desk')
      for (const { kind, flags } of steps) assert.deepEqual([kind, flags], [INTERNAL, 0x101])
      const [record] = (await app.records()).filter(({ kind }) => kind === 'prediction')
      assert.equal(record!.kind === 'prediction' && record!.traceId, TRACE)
      const scraped = await fetch(`${app.url}/metrics`, { headers: { accept: 'application/openmetrics-text' } })
      assert.ok((await scraped.text()).includes(`trace_id="${TRACE}"`), 'its exemplar points to the trace')
    },
  )
})

test('a trace begins where the caller has none, and its record and exemplar point to it', async t => {
  await traced(t, {}, async (app, collector) => {
    await ask(`${app.url}/predict`, [ROW, ROW, ROW], { traceparent: 'none of ours' })
    const [call] = await collector.spansOf(CALL_STEPS.length + 1)
    assert.equal(call!.parentSpanId, undefined)
    assert.equal(call!.flags, 1)
    assert.equal(call!.said['bellwether.rows'], 3)
    const records = (await app.records()).filter(({ kind }) => kind === 'prediction')
    assert.deepEqual(
      records.map(record => record.kind === 'prediction' && record.traceId),
      Array(3).fill(call!.traceId),
    )
    const scraped = await fetch(`${app.url}/metrics`, { headers: { accept: 'application/openmetrics-text' } })
    assert.ok((await scraped.text()).includes(`trace_id="${call!.traceId}"`))
  })
})

test('what is refused is a span with its error, down to the step that refused it', async t => {
  await traced(t, {}, async (app, collector) => {
    const refused = async (path: string, body: object, headers: Record<string, string> = {}): Promise<KeptSpan[]> => {
      const before = collector.spans().length
      const { status } = await ask(`${app.url}${path}`, body, { ...SAMPLED, ...headers })
      assert.ok(status >= 400)
      const all = await collector.spansOf(before + 1)
      const spans = all.slice(before)
      assertTree(spans, spans[0]!)
      assert.equal(spans[0]!.said['http.response.status_code'], status)
      assert.equal(spans.at(-1)!.name, 'ledger', 'the refusal is recorded')
      return spans
    }
    const failed = (spans: readonly KeptSpan[]): unknown[] =>
      spans.filter(({ status }) => status?.code === 2).map(({ name, said }) => [name, said['error.type']])
    assert.deepEqual(failed(await refused('/predict', { age: 'Ann Smith', tenure: 3 })), [
      ['POST /predict', 'invalid'],
      ['features', 'invalid'],
    ])
    assert.deepEqual(failed(await refused('/models/none/predict', ROW)), [
      ['POST /models/{name}/predict', 'not_found'],
      ['version', 'not_found'],
    ])
    const use = { 'bellwether-purpose': 'credit-decision' }
    assert.deepEqual(failed(await refused('/predict', ROW, use)), [
      ['POST /predict', 'forbidden'],
      ['policy', 'forbidden'],
    ])
    const secret = { authorization: 'Bearer bw_nobody_knows_this' }
    await app.key('admin')
    assert.deepEqual(failed(await refused('/predict', ROW, secret)), [
      ['POST /predict', 'unauthenticated'],
      ['access', 'unauthenticated'],
    ])
    const written = (await app.records()).filter(({ kind }) => kind === 'refusal')
    assert.ok(written.every(record => record.kind === 'refusal' && record.traceId === TRACE))
    const all = JSON.stringify(collector.spans())
    for (const raw of ['Ann Smith', 'nobody_knows']) assert.ok(!all.includes(raw), `no span says ${raw}`)
  })
})

test('features, subjects and answers are in no span', async t => {
  await traced(t, {}, async (app, collector) => {
    const row = { age: 77, tenure: 31_337 }
    const headers = { ...SAMPLED, 'bellwether-subject': 'ann@example.org', 'bellwether-explain': 'true' }
    const { status, body } = await ask(`${app.url}/predict`, row, headers)
    assert.equal(status, 200)
    const spans = await collector.spansOf(CALL_STEPS.length + 2)
    assert.ok(spans.some(({ name }) => name === 'explain'))
    const text = JSON.stringify(spans.map(({ said, name, status: told }) => [said, name, told]))
    const outputs = Object.values((body as { outputs: Record<string, number> }).outputs)
    for (const raw of ['ann@', '31337', ...outputs.map(String)]) assert.ok(!text.includes(raw), raw)
  })
})

test('the caller decides whether its trace is kept; those that begin here are kept by their share', async t => {
  await traced(t, { 'tracing.ratio': 0 }, async (app, collector) => {
    await ask(`${app.url}/predict`, ROW)
    await ask(`${app.url}/predict`, ROW, { traceparent: `00-${TRACE}-${CALLER}-00` })
    await ask(`${app.url}/predict`, ROW, SAMPLED)
    const spans = await collector.spansOf(CALL_STEPS.length + 1)
    assert.equal(spans.filter(({ kind }) => kind === SERVER).length, 1)
    assert.equal(spans[0]!.traceId, TRACE)
    const traces = (await app.records()).flatMap(record => (record.kind === 'prediction' ? [record.traceId] : []))
    assert.equal(traces.length, 3)
    assert.match(traces[0]!, /^[0-9a-f]{32}$/, 'a trace that is not kept has an id all the same')
    assert.deepEqual(traces.slice(1), [TRACE, TRACE])
  })
})

test('a model behind another server: both are parts of one trace', async t => {
  const collector = await startCollector(t)
  const far = flagsFor(collector, { 'tracing.serviceName': 'far' })
  await withApp(far, async other => {
    await other.register('tiny', '1.0.0', 'explain: on-request\n')
    const near = flagsFor(collector, { 'tracing.serviceName': 'near' })
    await withApp(near, async app => {
      const body = new FormData()
      const remote = `{url: ${JSON.stringify(other.url)}, model: tiny, task: binary}`
      body.append('model', `name: mirror\nversion: 1.0.0\nremote: ${remote}\n`)
      const registered = await fetch(`${app.url}/models/register`, { method: 'POST', body })
      assert.equal(registered.status, 201, await registered.text())
      await ask(`${app.url}/predict`, ROW, { ...SAMPLED, tracestate: 'vendor=x' })
      const spans = (await collector.spansOf(2 * (CALL_STEPS.length + 1) + 1)).filter(
        ({ traceId }) => traceId === TRACE,
      )
      const of = (service: string): KeptSpan[] => spans.filter(({ resource }) => resource['service.name'] === service)
      const predictor = of('near').find(({ name }) => name === 'predictor')!
      assert.equal(predictor.kind, INTERNAL)
      const tries = of('near').filter(({ kind }) => kind === CLIENT)
      assert.deepEqual(
        tries.map(({ name, parentSpanId, said }) => [name, parentSpanId, said]),
        [['POST', predictor.spanId, { ...placeOf(other.url), 'http.response.status_code': 200 }]],
      )
      const [theirs] = of('far')
      assert.equal(theirs!.parentSpanId, tries[0]!.spanId)
      assert.equal(theirs!.traceState, 'vendor=x')
      assert.equal(theirs!.said['bellwether.door'], 'oip')
      assert.ok(start(theirs!) >= start(predictor) - 2_000_000n && end(theirs!) <= end(predictor) + 2_000_000n)
    })
  })
})

const placeOf = (url: string): object => {
  const { hostname, port } = new URL(url)
  return { 'http.request.method': 'POST', 'server.address': hostname, 'server.port': Number(port) }
}

test('each try of a request to a remote model is a span, with what became of it; its server goes on from it', async t => {
  const collector = await startCollector(t)
  await withApp({}, async far => {
    await far.register('tiny', '1.0.0', 'explain: on-request\n')
    // Stands before it: of questions, the first is put off and the second is broken off; all else goes through.
    const asked: (string | undefined)[] = []
    const front = createServer((request, response) => {
      void buffer(request).then(async body => {
        const { method = 'GET', url = '', headers } = request
        if (url.endsWith('/infer')) {
          asked.push(headers['traceparent'] as string | undefined)
          if (asked.length === 1) return void response.writeHead(503).end('a secret of theirs')
          if (asked.length === 2) return void request.socket.destroy()
        }
        const passed = Object.entries(headers).filter(([name]) => /^(content-type|inference-)/.test(name))
        const init = { method, headers: passed as [string, string][], ...(method === 'POST' && { body }) }
        const answer = await fetch(`${far.url}${url}`, init)
        const kept = [...answer.headers].filter(([name]) => /^(content-type|inference-)/.test(name))
        response.writeHead(answer.status, Object.fromEntries(kept)).end(Buffer.from(await answer.arrayBuffer()))
      })
    })
    await new Promise<void>(resolve => front.listen(0, '127.0.0.1', resolve))
    t.after(() => front.close())
    const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`
    await withApp(flagsFor(collector), async app => {
      const body = new FormData()
      const remote = `{url: ${JSON.stringify(url)}, model: tiny, task: binary}`
      body.append('model', `name: mirror\nversion: 1.0.0\nremote: ${remote}\n`)
      const registered = await fetch(`${app.url}/models/register`, { method: 'POST', body })
      assert.equal(registered.status, 201, await registered.text())
      asked.length = 0
      const { status } = await ask(`${app.url}/predict`, ROW, SAMPLED)
      assert.equal(status, 200)
      const spans = await collector.spansOf(CALL_STEPS.length + 4)
      const predictor = spans.find(({ name }) => name === 'predictor')!
      const tries = spans.filter(({ kind }) => kind === CLIENT)
      assert.deepEqual(
        tries.map(({ said, status: told }) => [said, told?.code]),
        [
          [{ ...placeOf(url), 'http.response.status_code': 503, 'error.type': '503' }, 2],
          [{ ...placeOf(url), 'http.request.resend_count': 1, 'error.type': 'unavailable' }, 2],
          [{ ...placeOf(url), 'http.request.resend_count': 2, 'http.response.status_code': 200 }, undefined],
        ],
      )
      assert.deepEqual(
        asked,
        tries.map(({ spanId }) => `00-${TRACE}-${spanId}-01`),
      )
      for (const [at, one] of tries.entries()) {
        assert.equal(one.parentSpanId, predictor.spanId)
        assert.ok(start(one) >= (at === 0 ? start(predictor) : end(tries[at - 1]!)) && end(one) <= end(predictor))
      }
      assert.ok(!JSON.stringify(spans).includes('secret'))
    })
  })
})

test('nothing is sent where tracing is disabled, and what came is handed on', async t => {
  await traced(t, { 'tracing.disabled': 'true' }, async (app, collector) => {
    await ask(`${app.url}/predict`, ROW, SAMPLED)
    await ask(`${app.url}/predict`, ROW)
    const traces = (await app.records()).flatMap(record => (record.kind === 'prediction' ? [record.traceId] : []))
    assert.deepEqual(traces, [TRACE, undefined])
    assert.equal(collector.taken.length, 0)
    assert.ok(!(await (await fetch(`${app.url}/metrics`)).text()).includes('trace_spans'))
  })
})
