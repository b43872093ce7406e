/**
 * The version that answers is changed under load, again and again: no request is dropped, no answer is of two versions, and
 * from the moment a move is acknowledged nothing is answered by the version before. CRASH_ROUNDS makes it 10,000 moves.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stumpModel } from '../../src/registry/stumps.suite.ts'
import { type RunningServer, withServer } from '../server.ts'

const MOVES = process.env['CRASH_ROUNDS'] === undefined ? 200 : 10_000
const CALLERS = 8
const HEADERS = { 'content-type': 'application/json' }
/** Rows of one call: on both sides of the only split. */
const ROWS = [{ x: 0 }, { x: 1 }, { x: 0 }]
/** Half of what the leaf of a version is worth, by version. */
const LEAVES: Readonly<Record<string, number>> = { '1.0.0': 0.25, '2.0.0': 1.5, '3.0.0': 0.5 }

const expected = (version: string, x: number): number =>
  1 / (1 + Math.exp(x === 0 ? LEAVES[version]! : -LEAVES[version]!))

interface Prediction {
  readonly version: string
  readonly outputs: Readonly<Record<string, number>>
}

async function register(url: string, version: string): Promise<void> {
  const leaf = LEAVES[version]!
  const artifact = stumpModel({ features: ['x'], stumps: [{ feature: 0, split: 0.5, left: -leaf, right: leaf }] })
  const form = new FormData()
  form.set('name', 'swapped')
  form.set('version', version)
  form.set('artifact', new Blob([Buffer.from(artifact)]), 'model.json')
  const response = await fetch(`${url}/models/register`, { method: 'POST', body: form })
  assert.equal(response.status, 201, await response.text())
}

/** Sends the rows in one call and judges every answer by the version that it says it is of. Returns that version. */
async function call(url: string): Promise<string> {
  const response = await fetch(`${url}/predict`, { method: 'POST', headers: HEADERS, body: JSON.stringify(ROWS) })
  const text = await response.text()
  assert.equal(response.status, 200, text)
  const { predictions } = JSON.parse(text) as { predictions: Prediction[] }
  const { version } = predictions[0]!
  assert.equal(predictions.length, ROWS.length)
  for (const [row, prediction] of predictions.entries()) {
    assert.equal(prediction.version, version, 'an answer of two versions')
    const value = Object.values(prediction.outputs)[0]!
    assert.ok(Math.abs(value - expected(version, ROWS[row]!.x)) < 1e-6, `${version} answered ${value}`)
  }
  return version
}

async function move(url: string, version: string): Promise<Response> {
  const body = JSON.stringify({ version })
  return await fetch(`${url}/models/swapped/aliases/champion`, { method: 'PUT', headers: HEADERS, body })
}

async function underLoad(url: string, work: () => Promise<void>): Promise<Map<string, number>> {
  const answered = new Map<string, number>()
  let isOver = false
  const caller = async (): Promise<void> => {
    while (!isOver) {
      const version = await call(url)
      answered.set(version, (answered.get(version) ?? 0) + 1)
    }
  }
  const callers = Array.from({ length: CALLERS }, caller)
  try {
    await Promise.race([work(), ...callers])
  } finally {
    isOver = true
  }
  await Promise.all(callers)
  return answered
}

async function countedRows(url: string, version: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  const lines = metrics
    .split('\n')
    .filter(line => line.startsWith('predictions_total{') && line.includes(`"${version}"`))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

test(`${MOVES} moves of an alias under load: nothing dropped, nothing mixed, nothing late`, async t => {
  await withServer({}, async ({ url }) => {
    await register(url, '1.0.0')
    await register(url, '2.0.0')
    const seen = new Map<string, number>()
    const moves = async (): Promise<void> => {
      for (let turn = 0; turn < MOVES; turn++) {
        const version = turn % 2 === 0 ? '2.0.0' : '1.0.0'
        const response = await move(url, version)
        assert.equal(response.status, 200, await response.text())
        assert.equal(await call(url), version, 'the version before answered after the move was acknowledged')
        seen.set(version, (seen.get(version) ?? 0) + 1)
      }
    }
    const answered = await underLoad(url, moves)
    t.diagnostic(`answered meanwhile: ${JSON.stringify(Object.fromEntries(answered))} calls of ${ROWS.length} rows`)
    for (const version of ['1.0.0', '2.0.0']) {
      const calls = (answered.get(version) ?? 0) + (seen.get(version) ?? 0)
      assert.ok((answered.get(version) ?? 0) > 0, version)
      assert.equal(await countedRows(url, version), calls * ROWS.length, version)
    }
  })
})

test('a version that cannot be loaded does not take the place of one that answers', async () => {
  await withServer({}, async server => {
    const { url } = server
    await register(url, '1.0.0')
    assert.equal(await call(url), '1.0.0')
    const before = new Set(objectsOf(server))
    await register(url, '3.0.0')
    for (const path of objectsOf(server).filter(one => !before.has(one))) damage(path)
    const response = await move(url, '3.0.0')
    const { code, detail } = (await response.json()) as { code: string; detail: string }
    assert.equal(code, 'corrupt', detail)
    assert.match(
      detail,
      /^Cannot move the alias champion to swapped@3\.0\.0: it cannot be loaded .*; 1\.0\.0 goes on answering$/,
    )
    assert.equal(await call(url), '1.0.0')
  })
})

function objectsOf({ data }: RunningServer): string[] {
  const folder = join(data, 'objects')
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
}

function damage(path: string): void {
  const bytes = readFileSync(path)
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(path, bytes)
}
