/**
 * What a real server tells of its traffic is what its ledger has, record by record: over an orderly stop, which stores what
 * was counted, and over `kill -9`, after which the ledger is counted again.
 */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bellwether, type RunningServer, startServer, temporaryFolder } from '../server.ts'
import { tinyModel } from './model.ts'

const WINDOW_MS = 1000
const ENV = { BELLWETHER_MONITORING_WINDOW_MS: String(WINDOW_MS), BELLWETHER_LEDGER_SEGMENT_BYTES_MAX: '40000' }
const CALLS = 150

interface Window {
  readonly from: number
  readonly to: number
  readonly rows: number
  readonly refusals: Readonly<Record<string, number>>
  readonly p99Ms?: number
}

interface Prediction {
  readonly kind: string
  readonly at: number
  readonly outputs: { readonly tiny_probability: number }
}

async function json<T>(server: RunningServer, path: string): Promise<T> {
  const response = await fetch(server.url + path)
  assert.equal(response.status, 200, await response.clone().text())
  return (await response.json()) as T
}

function ask({ url }: RunningServer, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(`${url}/models/tiny/predict`, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** Single rows, batches, and now and then a body that is refused, for a little more than a window. */
async function traffic(server: RunningServer): Promise<void> {
  const startedAt = performance.now()
  for (let call = 0; call < CALLS || performance.now() - startedAt < WINDOW_MS; call++) {
    const row = { age: 18 + (call % 80), tenure: call % 12 }
    const body = call % 10 === 0 ? [row, row, { age: 200, tenure: 1 }] : call % 25 === 1 ? { age: 'old' } : row
    const { status } = await ask(server, body)
    assert.equal(status, call % 25 === 1 && call % 10 !== 0 ? 422 : 200)
  }
}

/** Rows by window, as the records say. */
function byWindow(records: readonly Prediction[]): Map<number, Prediction[]> {
  return Map.groupBy(records, ({ at }) => Math.floor(at / WINDOW_MS) * WINDOW_MS)
}

async function assertTold(server: RunningServer, version: string): Promise<number> {
  const range = `since=${Date.now() - 600_000}&until=${Date.now() + 60_000}&step=${WINDOW_MS}`
  // Reading the records writes the refusals that wait to become one; then both have all there is.
  const records = (await (await fetch(`${server.url}/audit/records`)).text()).trimEnd().split('\n')
  const told = await json<{ state: string; windows: Window[]; total: Window }>(
    server,
    `/models/tiny/service?${range}${version}`,
  )
  const predictions = records.map(line => JSON.parse(line) as Prediction).filter(({ kind }) => kind === 'prediction')
  const expected = byWindow(predictions)
  assert.deepEqual(
    told.windows.filter(({ rows }) => rows > 0).map(({ from, rows }) => [from, rows]),
    [...expected].map(([from, rows]) => [from, rows.length]).sort((a, b) => a[0]! - b[0]!),
  )
  const refused = records.filter(line => line.includes('"kind":"refusal"')).map(line => JSON.parse(line))
  const total = refused.reduce((sum, { count }) => sum + count, 0)
  assert.equal(told.total.refusals['invalid'] ?? 0, total)

  const distribution = await json<{
    outputs: { lowers: number[]; reference: number[] }[]
    windows: { from: number; outputs: number[][] }[]
  }>(server, `/models/tiny/distribution?${range}`)
  const { lowers, reference } = distribution.outputs[0]!
  assert.equal(reference.length, lowers.length + 3)
  for (const { from, outputs } of distribution.windows.filter(({ outputs: [counts] }) => counts!.some(Boolean))) {
    for (const [bin, lower] of lowers.entries()) {
      const inBin = expected
        .get(from)!
        .filter(
          ({ outputs: { tiny_probability: value } }) => value >= lower && !(value >= (lowers[bin + 1] ?? Infinity)),
        )
      assert.equal(outputs[0]![bin], inBin.length)
    }
  }
  return predictions.length
}

test('a server tells what its ledger has, through stops and kills', async t => {
  const data = temporaryFolder()
  const files = temporaryFolder()
  t.after(() => [data, files].map(folder => rmSync(folder, { recursive: true, force: true })))
  writeFileSync(join(files, 'model.json'), tinyModel())
  const reference = Array.from({ length: 200 }, (_, index) => `${18 + (index % 70)},${index % 10}`)
  writeFileSync(join(files, 'train.csv'), ['age,tenure', ...reference].join('\n'))
  const manifest =
    'name: tiny\nversion: 1.0.0\nartifact: model.json\nreference: train.csv\nservice: {p99LatencyMs: 9000, alertP99LatencyMs: 9000}\n'
  writeFileSync(join(files, 'model.yaml'), manifest)
  const registered = await bellwether(['register', join(files, 'model.yaml'), '--data', data])
  assert.equal(registered.status, 0, registered.stderr)

  let before = 0
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGKILL', 'SIGTERM'] as const) {
    const server = await startServer({ data, env: ENV })
    t.after(() => server.kill('SIGKILL'))
    assert.equal(await assertTold(server, '&version=1.0.0'), before)
    await traffic(server)
    before = await assertTold(server, '')
    const { state, targets } = await json<{ state: string; targets: object }>(server, '/models/tiny/service')
    assert.deepEqual([state, targets], ['ok', { ...targets, p99LatencyMs: 9000 }])
    await server.kill(signal)
    assert.doesNotMatch(server.stdout(), /"level":"error"/)
  }
  t.diagnostic(`${before} predictions in four lives`)
})
