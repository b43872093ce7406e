/** What a client was told is logged is there after `kill -9`, whenever it came. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { startServer, temporaryFolder } from '../server.ts'

const ROUNDS = 3
const CALLERS = 8
/** Answers before the blow: another number each time, so that it falls elsewhere. */
const answersOf = (round: number): number => 40 + 37 * round

async function call(url: string, path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${url}/api/2.0/mlflow/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  assert.equal(answer.status, 200, await answer.clone().text())
  return (await answer.json()) as Record<string, unknown>
}

test('points that were answered survive kill -9', { timeout: 120_000 }, async () => {
  const data = temporaryFolder()
  const answered = new Set<number>()
  let [run_id, step] = ['', 0]
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const server = await startServer({ data })
      if (run_id === '') {
        const { run } = await call(server.url, 'runs/create', { experiment_id: '0' })
        run_id = (run as { info: { run_id: string } }).info.run_id
      }
      const until = answered.size + answersOf(round)
      let killed: Promise<unknown> | undefined
      const work = async (): Promise<void> => {
        while (killed === undefined) {
          const own = step++
          const metrics = [{ key: 'm', value: own / 3, timestamp: 1, step: own }]
          const logged = own % 2 === 0 ? { run_id, metrics } : { run_id, ...metrics[0] }
          await call(server.url, own % 2 === 0 ? 'runs/log-batch' : 'runs/log-metric', logged)
          answered.add(own)
          if (answered.size >= until) killed ??= server.kill('SIGKILL')
        }
      }
      // The others' calls break off with the server.
      await Promise.allSettled(Array.from({ length: CALLERS }, work))
      await killed
    }
    const server = await startServer({ data })
    const kept = await fetch(`${server.url}/api/2.0/mlflow/metrics/get-history?run_id=${run_id}&metric_key=m`)
    const { metrics } = (await kept.json()) as { metrics: { step: number; value: number }[] }
    const steps = new Set(metrics.map(metric => metric.step))
    assert.deepEqual(
      [...answered].filter(own => !steps.has(own)),
      [],
    )
    for (const { step: own, value } of metrics) assert.equal(value, own / 3)
    const got = await fetch(`${server.url}/api/2.0/mlflow/runs/get?run_id=${run_id}`)
    const { run } = (await got.json()) as { run: { data: { metrics: { step: number }[] } } }
    assert.equal(run.data.metrics[0]!.step, Math.max(...steps))
    await server.kill('SIGTERM')
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
})
