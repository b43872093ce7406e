/** Thousands of models in one registry, of which memory holds those that are asked for. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import type { MemoryReport } from '../../src/serving/memory.ts'
import { tinyAnswer, tinyModel } from '../journeys/model.ts'
import { startServer, temporaryFolder } from '../server.ts'
import { multipliedName, multiplyModel } from './multiply.ts'

const MODELS = 5_000
const ASKED = 400
/** What starting with all of them may take on a machine that does other things too; `bench/many-models.ts` tells what it takes. */
const START_MS_MAX = 10_000
const BYTES_MAX = 1 << 20

async function registerTiny(data: string): Promise<void> {
  const server = await startServer({ data })
  const form = new FormData()
  form.set('name', 'tiny')
  form.set('version', '1.0.0')
  form.set('artifact', new Blob([tinyModel()]), 'model.json')
  const response = await fetch(`${server.url}/models/register`, { method: 'POST', body: form })
  assert.equal(response.status, 201, await response.text())
  await server.kill('SIGTERM')
}

async function ask(url: string, model: string, age: number): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ age, tenure: 2 })
  const response = await fetch(`${url}/models/${model}/predict`, { method: 'POST', headers, body })
  const answer = (await response.json()) as { model: string; outputs: Record<string, number> }
  assert.equal(response.status, 200, JSON.stringify(answer))
  assert.equal(answer.model, model)
  assert.ok(Math.abs(Object.values(answer.outputs)[0]! - tinyAnswer(age, 2)) < 1e-6)
}

test('5,000 registered models are there when it starts, and memory keeps to its limit however many are asked', async t => {
  const data = temporaryFolder()
  t.after(() => rmSync(data, { recursive: true, force: true }))
  await registerTiny(data)
  multiplyModel(data, 'tiny', MODELS - 1)

  const startedAt = performance.now()
  const server = await startServer({ data, env: { BELLWETHER_SERVING_MODELS_BYTES_MAX: String(BYTES_MAX) } })
  try {
    await ask(server.url, multipliedName(MODELS - 1), 47)
    const tookMs = performance.now() - startedAt
    t.diagnostic(`first answer with ${MODELS} registered models after ${Math.round(tookMs)} ms`)
    assert.ok(tookMs < START_MS_MAX)

    const page = (await (await fetch(`${server.url}/models?limit=10000`)).json()) as { models: unknown[] }
    assert.equal(page.models.length, MODELS)
    for (let index = 1; index <= ASKED; index++) await ask(server.url, multipliedName(index), 20 + (index % 50))
    const report = (await (await fetch(`${server.url}/memory`)).json()) as MemoryReport
    assert.equal(report.models.loads, ASKED + 1)
    assert.equal(report.models.loaded + report.models.displaced, report.models.loads)
    assert.ok(report.models.bytes <= BYTES_MAX, `${report.models.bytes} bytes`)
    assert.equal(report.loaded.length, report.models.loaded)
    // The one asked first gave way if any did, and is back when it is asked.
    await ask(server.url, multipliedName(MODELS - 1), 47)
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    assert.match(metrics, /^models_loaded \d+$/m)
    assert.match(metrics, /^model_memory_bytes\{model="model-04999",version="1.0.0"\} \d+$/m)
  } finally {
    await server.kill('SIGTERM')
  }
})
