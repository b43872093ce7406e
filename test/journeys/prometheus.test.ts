/** A real Prometheus scrapes a real server, and promtool finds nothing to complain of. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { bellwether, temporaryFolder, withServer } from '../server.ts'
import { skipUnless } from '../services.ts'
import { tinyModel } from './model.ts'

const SCRAPED_MS_MAX = 30_000

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

/** The value of an instant query, once there is one. */
async function queried(prometheus: string, query: string): Promise<number> {
  const deadline = Date.now() + SCRAPED_MS_MAX
  while (Date.now() < deadline) {
    try {
      const response = await fetch(`${prometheus}/api/v1/query?query=${encodeURIComponent(query)}`)
      const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } }
      if (data.result.length > 0) return Number(data.result[0]!.value[1])
    } catch {
      // Prometheus is not up yet.
    }
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  throw new Error(`Cannot query Prometheus: nothing for ${query} after ${SCRAPED_MS_MAX} ms`)
}

/** What the traffic below left behind. */
async function assertScraped(url: string): Promise<void> {
  assert.equal(await queried(url, 'predictions_total{model="tiny",version="1.0.0"}'), 20)
  assert.equal(await queried(url, 'prediction_latency_seconds_count{model="tiny",version="1.0.0"}'), 20)
  assert.equal(await queried(url, 'sum(prediction_errors_total{model="tiny"})'), 3)
  assert.equal(await queried(url, 'prediction_distribution_count{model="tiny"}'), 20)
  const labels = 'model="tiny",version="1.0.0"'
  assert.equal(await queried(url, `service_level_state{${labels},state="ok"}`), 1)
  assert.equal(await queried(url, `sum(service_level_state{${labels}})`), 1)
  assert.equal(await queried(url, `service_level_error_ratio{${labels}}`), 0)
  const p99 = await queried(url, `service_level_latency_seconds{${labels},share="0.99"}`)
  assert.ok(p99 > 0 && p99 < 0.2, `${p99} s`)
  assert.equal(await queried(url, `service_level_target{${labels},objective="p99_latency_seconds"}`), 0.2)
}

test('Prometheus scrapes latency, counts, errors, the distribution of predictions and the state of the service', {
  skip: skipUnless('prometheus'),
}, async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await withServer({}, async server => {
    writeFileSync(join(folder, 'model.json'), tinyModel())
    const registered = await bellwether([
      'register',
      join(folder, 'model.json'),
      '--name',
      'tiny',
      '--version',
      '1.0.0',
      '--server',
      server.url,
    ])
    assert.equal(registered.status, 0, registered.stderr)
    const ask = (body: string) =>
      fetch(`${server.url}/predict`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    for (let i = 0; i < 20; i++) assert.equal((await ask('{"age":47,"tenure":2}')).status, 200)
    for (let i = 0; i < 3; i++) assert.equal((await ask('{"age":"old"}')).status, 422)

    const exposed = await (await fetch(`${server.url}/metrics`)).text()
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: exposed, encoding: 'utf8' })
    assert.equal(checked.status, 0, checked.stdout + checked.stderr)

    const port = await freePort()
    const config = {
      scrape_configs: [
        {
          job_name: 'bellwether',
          scrape_interval: '500ms',
          scrape_timeout: '400ms',
          static_configs: [{ targets: [new URL(server.url).host] }],
        },
      ],
    }
    writeFileSync(join(folder, 'prometheus.json'), JSON.stringify(config))
    const prometheus = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.json')}`,
        `--storage.tsdb.path=${join(folder, 'tsdb')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    )
    const gone = new Promise(resolve => prometheus.once('exit', resolve))
    try {
      const url = `http://127.0.0.1:${port}`
      await assertScraped(url)
    } finally {
      prometheus.kill('SIGTERM')
      await gone
    }
  })
})
