/**
 * A run of very many points: taken in batches by several callers, drawn with few, read in pages, in little memory. `POINTS=10000000`
 * makes it long.
 */
import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { after, before, it } from 'node:test'
import { type RunningServer, startServer } from '../server.ts'

const POINTS = Number(process.env['POINTS'] ?? 100_000)
const AT_ONCE = 1_000
const CALLERS = 4
const MEMORY_BYTES_MAX = 500_000_000

let server: RunningServer
before(async () => {
  server = await startServer()
})
after(async () => {
  assert.equal(await server.kill('SIGTERM'), 0)
  rmSync(server.data, { recursive: true, force: true })
})

async function ask(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  assert.equal(answer.status, 200, text)
  return JSON.parse(text) as Record<string, unknown>
}

const point = (step: number) => ({ key: 'loss', value: step / 4, timestamp: 1_700_000_000_000 + step, step })

it(`a run takes ${POINTS} points and draws them with few`, { timeout: 1_800_000 }, async () => {
  const { run } = await ask('POST', 'runs/create', { experiment_id: '0' })
  const { run_id } = (run as { info: { run_id: string } }).info
  let next = 0
  const caller = async (): Promise<void> => {
    while (next < POINTS) {
      const from = next
      next += AT_ONCE
      const metrics = Array.from({ length: Math.min(AT_ONCE, POINTS - from) }, (_, at) => point(from + at))
      await ask('POST', 'runs/log-batch', { run_id, metrics })
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  const chart = await ask('GET', `metrics/get-history-bulk-interval?run_ids=${run_id}&metric_key=loss&max_results=300`)
  const drawn = (chart['metrics'] as { step: number; value: number }[]).map(({ step, value }) => {
    assert.equal(value, step / 4)
    return step
  })
  assert.deepEqual([drawn[0], drawn.at(-1)], [0, POINTS - 1])
  assert.ok(drawn.length <= 302 && drawn.length >= 298, `${drawn.length} points`)
  const page = await ask('GET', `metrics/get-history?run_id=${run_id}&metric_key=loss&max_results=25000`)
  assert.equal((page['metrics'] as unknown[]).length, Math.min(25_000, POINTS))
  const { run: read } = await ask('GET', `runs/get?run_id=${run_id}`)
  const latest = (read as { data: { metrics: { step: number }[] } }).data.metrics
  assert.deepEqual(
    latest.map(({ step }) => step),
    [POINTS - 1],
  )
  const peak = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))![1]) * 1024
  assert.ok(peak < MEMORY_BYTES_MAX, `${peak} bytes at most`)
})
