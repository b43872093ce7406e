/**
 * Purpose: whichever process dies at full load, nothing acknowledged is lost and nothing is counted twice or not at all.
 * Method: SIGKILL, for a worker and for the process that keeps the records, at seeded moments; then the ledger is read whole.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bellwether } from '../server.ts'
import {
  answering,
  assertCounted,
  assertKept,
  isAlive,
  recordsOf,
  registered,
  startCrew,
  startLoad,
  until,
  workersOf,
} from './crew.ts'

const ROUNDS = Number(process.env['CRASH_ROUNDS'] ?? 3)
const CONNECTIONS = 32
const WAITS_MS = [310, 40, 620, 150, 480, 90, 250, 700]

test(`a worker killed ${ROUNDS} times under load: another takes its place, all acknowledged is kept and counted`, async t => {
  const server = await startCrew(t, await registered(t))
  const load = startLoad(t, server, CONNECTIONS)
  for (let round = 0; round < ROUNDS; round++) {
    const enough = load.acknowledged.length + 100
    await until(async () => load.acknowledged.length > enough && (await answering(server)) === 2, 'two answer')
    const victim = workersOf(server)[round % 2]!
    process.kill(victim, 'SIGKILL')
    await until(() => !workersOf(server).includes(victim), 'it is gone')
  }
  await until(async () => (await answering(server)) === 2, 'it was replaced')
  const count = load.acknowledged.length
  await until(() => load.acknowledged.length > count + 100, 'they answer')
  await load.stop()
  assert.deepEqual(load.refused, [])
  const records = await recordsOf(server)
  assertKept(records, load.acknowledged)
  // What was recorded and not heard any more is there too: no more than was under way.
  const unheard = (await assertCounted(server)) - load.acknowledged.length
  assert.ok(unheard >= 0 && unheard <= load.broken(), `${unheard} unheard, ${load.broken()} broken`)
  await server.kill('SIGTERM')
  t.diagnostic(
    `${load.acknowledged.length} acknowledged, ${load.broken()} broken off, ${unheard} recorded and not heard`,
  )
})

test(`the process that keeps the records killed ${ROUNDS} times at full load: its workers end, nothing acknowledged is lost`, async t => {
  const data = await registered(t)
  const acknowledged: string[] = []
  for (let round = 0; round < ROUNDS; round++) {
    // Small segments make rolling and sealing happen within a life, so that the kill falls into them as well.
    const server = await startCrew(t, data, { BELLWETHER_LEDGER_SEGMENT_BYTES_MAX: '200000' })
    const workers = workersOf(server)
    const load = startLoad(t, server, CONNECTIONS)
    await until(() => load.acknowledged.length > 50, 'the load runs')
    await new Promise(resolve => setTimeout(resolve, WAITS_MS[round % WAITS_MS.length]))
    assert.equal(await server.kill('SIGKILL'), 'SIGKILL')
    await load.stop()
    acknowledged.push(...load.acknowledged)
    await until(() => !workers.some(isAlive), 'its workers have ended')
  }
  const server = await startCrew(t, data)
  assertKept(await recordsOf(server), acknowledged)
  await assertCounted(server)
  await server.kill('SIGTERM')
  const verified = await bellwether(['audit', 'verify', '--data', data, '--json'])
  assert.equal(verified.status, 0, verified.stdout + verified.stderr)
  t.diagnostic(`${acknowledged.length} acknowledged over ${ROUNDS} kills`)
})
