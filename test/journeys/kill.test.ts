/**
 * Purpose: nothing acknowledged is ever lost. Method: the real server under load from several connections is killed with
 * SIGKILL at seeded random moments, started again on the same folder, and at the end the ledger is read whole: each id
 * that a client was told is there exactly once, the log verifies, and nothing is there that was never asked.
 */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { bellwether, type RunningServer, startServer, temporaryFolder } from '../server.ts'
import { tinyModel } from './model.ts'

const ROUNDS = Number(process.env['CRASH_ROUNDS'] ?? 5)
const CONNECTIONS = 8
const LIFE_MS_MAX = 700
const SEED = 20_261_122

/** Mulberry32: small, seeded, good enough to choose moments. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function ask(url: string, agent: Agent, body: string): Promise<string | undefined> {
  return new Promise(resolve => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const call = request(`${url}/predict`, { method: 'POST', agent, headers }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', () => resolve(undefined))
      response.on('end', () => {
        const complete = response.complete && response.statusCode === 200
        resolve(complete ? (JSON.parse(text) as { id: string }).id : undefined)
      })
    })
    call.on('error', () => resolve(undefined))
    call.end(body)
  })
}

/** Asks over several connections until the server dies; returns the ids that were acknowledged. */
async function load(server: RunningServer, isDead: () => boolean): Promise<string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const acknowledged: string[] = []
  const connection = async (n: number): Promise<void> => {
    for (let age = 18; !isDead(); age = age === 90 ? 18 : age + 1) {
      const id = await ask(server.url, agent, JSON.stringify({ age, tenure: n }))
      if (id === undefined) return
      acknowledged.push(id)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, n) => connection(n)))
  agent.destroy()
  return acknowledged
}

async function round(data: string, lifeMs: number): Promise<string[]> {
  // Small segments make rolling and sealing happen within a life, so that the kill falls into them as well.
  const server = await startServer({ data, env: { BELLWETHER_LEDGER_SEGMENT_BYTES_MAX: '200000' } })
  let dead = false
  const acknowledged = load(server, () => dead)
  await new Promise(resolve => setTimeout(resolve, lifeMs))
  dead = true
  assert.equal(await server.kill('SIGKILL'), 'SIGKILL')
  return acknowledged
}

test(`a server killed ${ROUNDS} times under load has every acknowledged prediction exactly once`, async t => {
  const data = temporaryFolder()
  t.after(() => rmSync(data, { recursive: true, force: true }))
  const artifact = join(data, '..', `${data.split('/').at(-1)}-model.json`)
  t.after(() => rmSync(artifact, { force: true }))
  writeFileSync(artifact, tinyModel())
  const registered = await bellwether(['register', artifact, '--name', 'tiny', '--version', '1.0.0', '--data', data])
  assert.equal(registered.status, 0, registered.stderr)

  const random = seeded(SEED)
  const acknowledged: string[] = []
  for (let i = 0; i < ROUNDS; i++) acknowledged.push(...(await round(data, Math.ceil(random() * LIFE_MS_MAX))))
  assert.ok(acknowledged.length > ROUNDS * 10, `enough was asked: ${acknowledged.length}`)

  const server = await startServer({ data })
  const records = await (await fetch(`${server.url}/audit/records`)).text()
  await server.kill('SIGTERM')
  const times = new Map<string, number>()
  for (const line of records.trimEnd().split('\n')) {
    const { id } = JSON.parse(line) as { id: string }
    times.set(id, (times.get(id) ?? 0) + 1)
  }
  assert.deepEqual(
    acknowledged.filter(id => !times.has(id)),
    [],
    'none is lost',
  )
  assert.deepEqual(
    [...times].filter(([, count]) => count !== 1),
    [],
    'none is there twice',
  )
  const verified = await bellwether(['audit', 'verify', '--data', data, '--json'])
  assert.equal(verified.status, 0, verified.stdout + verified.stderr)
  t.diagnostic(`${acknowledged.length} acknowledged over ${ROUNDS} kills, ${times.size} records`)
})
