/** Two workers and the process that keeps the records are one server to whoever asks it. */
import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { type TestContext, test } from 'node:test'
import type { RunningServer } from '../server.ts'
import {
  assertCounted,
  assertKept,
  recordsOf,
  registered,
  send,
  startCrew,
  startLoad,
  until,
  workersOf,
} from './crew.ts'

const CONNECTIONS = 8

/** Asks over several connections at once, so that both workers are met. */
async function everywhere(
  t: TestContext,
  { url }: RunningServer,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body = '{"age":42,"tenure":3}',
): Promise<{ status: number; body: Record<string, unknown> }[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  t.after(() => agent.destroy())
  const answers = await Promise.all(Array.from({ length: CONNECTIONS }, () => send(url + path, agent, body, headers)))
  return answers.map(answer => {
    assert.ok(answer !== undefined)
    return { status: answer.status, body: JSON.parse(answer.text) as Record<string, unknown> }
  })
}

async function text({ url }: RunningServer, path: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(url + path, { headers })
  assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`)
  return answer.text()
}

function sample(metrics: string, name: string): number {
  const found = metrics.split('\n').find(line => line.startsWith(`${name} `))
  assert.ok(found !== undefined, `${name} is exposed`)
  return Number(found.slice(name.length + 1))
}

test('what one answers, all know: records, counts, metrics, log', async t => {
  const server = await startCrew(t, await registered(t))
  assert.equal(workersOf(server).length, 2)
  const answers = await everywhere(t, server, '/models/tiny/predict')
  assert.ok(answers.every(({ status, body }) => status === 200 && body['release'] === 'all'))
  const ids = answers.map(({ body }) => body['id'] as string)
  for (const id of ids) assert.match(await text(server, `/predictions/${id}`), /"source": ?"127\.0\.0\.1"/)
  const wrong = await everywhere(t, server, '/models/tiny/predict', {}, '{"age":"old"}')
  assert.ok(wrong.every(({ status }) => status === 422))
  const batch = await everywhere(t, server, '/predict', {}, JSON.stringify(Array(600).fill({ age: 30, tenure: 1 })))
  assert.ok(batch.every(({ status }) => status === 200))

  const records = await recordsOf(server)
  assertKept(records, ids)
  const refusals = records.filter(({ kind }) => kind === 'refusal')
  assert.deepEqual([refusals.length, refusals[0]!.count, refusals[1]?.count], [2, 1, CONNECTIONS - 1])
  assert.equal(await assertCounted(server), CONNECTIONS * 601)

  const metrics = await text(server, '/metrics')
  const labels = 'model="tiny",version="1.0.0",release="all",arm="champion"'
  assert.equal(sample(metrics, `predictions_total{${labels}}`), CONNECTIONS * 601)
  assert.equal(sample(metrics, `prediction_latency_seconds_count{${labels}}`), CONNECTIONS * 2)
  assert.equal(sample(metrics, 'workers_answering'), 2)
  for (const worker of ['1', '2']) {
    assert.ok(sample(metrics, `process_resident_memory_bytes{worker="${worker}"}`) > 1e7)
  }
  await server.kill('SIGTERM')
  const lines = server.stdout().trimEnd().split('\n')
  const logged = lines.map(line => JSON.parse(line) as { message: string; id?: string; level: string })
  assert.ok(ids.every(id => logged.some(line => line.id === id)))
  assert.equal(logged.filter(({ message }) => message === 'invocation').length, CONNECTIONS * 3)
  assert.ok(!logged.some(({ level }) => level === 'error'), server.stdout())
})

/** A request as some client might send it, byte by byte. */
function raw(server: RunningServer, options: object, body?: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request(server.url, { agent: false, ...options }, response => {
      let got = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        got += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode!, text: got }))
    })
    call.on('error', reject)
    call.end(body)
  })
}

test('what is no invocation is answered as ever, whatever it is', async t => {
  const server = await startCrew(t, await registered(t))
  assert.match(await text(server, '/readyz'), /"name":"workers","ok":true/)
  assert.match(await text(server, '/models'), /"tiny"/)
  assert.match(await text(server, '/openapi.json'), /"\/models\/\{name\}\/predict"/)
  assert.match(await text(server, '/', { accept: 'text/html' }), /<html/)
  assert.equal((await raw(server, { path: '/nowhere' })).status, 404)
  const { status, text: told } = await raw(server, { path: '/predict', method: 'DELETE' })
  assert.deepEqual([status, (JSON.parse(told) as { code: string }).code], [405, 'method_not_allowed'])
  // Without a body and without a length, as Triton's client asks; with a body in pieces; with one that is none.
  const index = { path: '/v2/repository/index', method: 'POST' }
  assert.equal((await raw(server, { ...index, headers: { 'content-length': 0 } })).status, 200)
  const chunked = { 'transfer-encoding': 'chunked', 'content-type': 'application/json' }
  assert.equal((await raw(server, { ...index, headers: chunked }, '{"ready":true}')).status, 200)
  assert.equal((await raw(server, { ...index, headers: chunked }, '{"rea')).status, 400)
  const outcome = JSON.stringify({ predictionId: '01900000-0000-7000-8000-000000000000', value: true })
  const unknown = await raw(server, { path: '/outcomes', method: 'POST', headers: chunked }, outcome)
  assert.equal(unknown.status, 404)
  // Nobody chooses an address: what a caller says of it is not passed on.
  await raw(server, { path: '/predict', method: 'POST', headers: { ...chunked, 'x-forwarded-for': '6.6.6.6' } }, '{}')
  const refusal = (await recordsOf(server)).find(({ kind }) => kind === 'refusal')
  assert.equal(refusal?.source, '127.0.0.1')
  await server.kill('SIGTERM')
})

test('a change is in force in every worker when its answer comes: aliases, keys', async t => {
  const data = await registered(t)
  const server = await startCrew(t, data)
  const key = async (role: string, by: Record<string, string>): Promise<{ id: string; secret: string }> => {
    const headers = { 'content-type': 'application/json', ...by }
    const body = JSON.stringify({ name: role, roles: [role] })
    const answer = await fetch(`${server.url}/keys`, { method: 'POST', headers, body })
    const { key: made, secret } = (await answer.json()) as { key: { id: string }; secret: string }
    return { id: made.id, secret }
  }
  const bearer = ({ secret }: { secret: string }) => ({ authorization: `Bearer ${secret}` })
  const admin = bearer(await key('admin', {}))
  assert.ok(
    (await everywhere(t, server, '/predict')).every(({ status }) => status === 401),
    'keys are wanted now',
  )
  for (let round = 0; round < 5; round++) {
    const made = await key('operator', admin)
    const known = await everywhere(t, server, '/predict', bearer(made))
    assert.ok(known.every(({ status }) => status === 200))
    await fetch(`${server.url}/keys/${made.id}`, { method: 'DELETE', headers: admin })
    const revoked = await everywhere(t, server, '/predict', bearer(made))
    assert.ok(revoked.every(({ status }) => status === 401))
  }
  const alias = async (name: string, version: string): Promise<void> => {
    const headers = { 'content-type': 'application/json', ...admin }
    const body = JSON.stringify({ version })
    const answer = await fetch(`${server.url}/models/tiny/aliases/${name}`, { method: 'PUT', headers, body })
    assert.ok(answer.ok, await answer.text())
  }
  const unknown = await everywhere(t, server, '/models/tiny/versions/night/predict', admin)
  assert.ok(unknown.every(({ status }) => status === 404))
  await alias('night', '1.0.0')
  const found = await everywhere(t, server, '/models/tiny/versions/night/predict', admin)
  assert.ok(found.every(({ status }) => status === 200))
  await server.kill('SIGTERM')
})

test('limits of rate hold over all workers', async t => {
  const env = { BELLWETHER_LIMITS_ADDRESS_RATE: '0.01', BELLWETHER_LIMITS_BURST_SECONDS: '1000' }
  const server = await startCrew(t, await registered(t), env)
  const statuses: number[] = []
  for (let round = 0; round < 3; round++) {
    for (const { status } of await everywhere(t, server, '/predict')) statuses.push(status)
  }
  // Ten tokens, and none comes back for a hundred seconds.
  assert.deepEqual(
    [200, 429].map(code => statuses.filter(status => status === code).length),
    [10, 14],
  )
  await server.kill('SIGTERM')
})

test('renewed under load, not one request is dropped, and all workers are others', async t => {
  const server = await startCrew(t, await registered(t))
  const before = workersOf(server)
  const load = startLoad(t, server, CONNECTIONS)
  await until(() => load.acknowledged.length > 100, 'the load runs')
  process.kill(server.pid, 'SIGHUP')
  await until(() => server.stdout().includes('All workers were renewed'), 'renewed')
  const count = load.acknowledged.length
  await until(() => load.acknowledged.length > count + 100, 'the new ones answer')
  await load.stop()
  assert.deepEqual([load.broken(), load.refused], [0, []])
  const after = workersOf(server)
  assert.equal(after.length, 2)
  assert.ok(after.every(pid => !before.includes(pid)))
  assertKept(await recordsOf(server), load.acknowledged)
  assert.equal(await assertCounted(server), load.acknowledged.length)
  const metrics = await text(server, '/metrics')
  const labels = 'model="tiny",version="1.0.0",release="all",arm="champion"'
  assert.ok(sample(metrics, `predictions_total{${labels}}`) > 100)
  await server.kill('SIGTERM')
})
