/**
 * Purpose: a process killed while it seals leaves a ledger in which every acknowledged record is there exactly once, and
 * nothing else. Method: a real process and its engine, SIGKILL at random moments of sealing, again and again on the same
 * folder; what is left is opened, read, verified, and looked through for files that nobody names.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openLedger } from '../../src/ledger/open-ledger.ts'
import { verifyLedger } from '../../src/ledger/verify.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { openKeyring, openSigner } from '../../src/platform/crypto.ts'
import { recordText } from './record-text.ts'

const ROUNDS = Number(process.env['CRASH_ROUNDS'] ?? 5)
const SEED = 7
const SEALING_MS_MAX = 150
const WRITER = fileURLToPath(new URL('./seal-writer.ts', import.meta.url))

function moments(): () => number {
  let state = SEED
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0 // Numerical Recipes' generator: only moments are chosen
    return state / 2 ** 32
  }
}

/** Lets a writer live until so long after its first seal; says how many records it acknowledged. */
async function liveAndDie(data: string, sealingMs: number): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, [WRITER, data], { stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = new Promise<NodeJS.Signals | null>(resolve => child.once('close', (_, signal) => resolve(signal)))
  let complaint = ''
  child.stderr!.on('data', chunk => {
    complaint += chunk
  })
  let acknowledged = 0
  let isSealing = false
  for await (const line of createInterface(child.stdout!)) {
    if (line.startsWith('acknowledged ')) acknowledged = Number(line.slice(13))
    if (line !== 'A segment was sealed' || isSealing) continue
    isSealing = true
    setTimeout(() => child.kill('SIGKILL'), sealingMs)
  }
  assert.equal(await closed, 'SIGKILL', complaint)
  assert.equal(complaint, '')
  return acknowledged
}

/** What the kill fell into. */
function leftBehind(ledger: string): string {
  const sealing = join(ledger, 'sealing')
  const names = existsSync(sealing) ? readdirSync(sealing, { recursive: true }).map(String) : []
  if (names.some(name => name.endsWith('places.json'))) return 'moving files'
  if (names.length > 0) return 'writing Parquet'
  return 'between seals'
}

test(`a process killed ${ROUNDS} times while it seals`, async t => {
  const data = mkdtempSync(join(tmpdir(), 'bellwether-seal-kill-'))
  t.after(() => rmSync(data, { recursive: true, force: true }))
  const folder = join(data, 'ledger')
  const random = moments()
  const left: string[] = []
  let acknowledged = 0
  for (let round = 0; round < ROUNDS; round++) {
    acknowledged = Math.max(acknowledged, await liveAndDie(data, Math.floor(random() * SEALING_MS_MAX)))
    left.push(leftBehind(folder))
  }
  const signer = await openSigner(data, 'ledger', await openKeyring(data))
  const faults: string[] = []
  const fault = (_: object, message: string): void => void faults.push(message)
  const ledger = await openLedger({
    folder,
    signer,
    clock: systemClock,
    log: { info: () => undefined, warn: () => undefined, error: fault },
    options: { segmentBytesMax: 1 << 26, segmentAgeMsMax: 60_000, flushMs: 1, engineMemory: '128MB', engineThreads: 1 },
  })
  await ledger.seal()
  const lines: string[] = []
  for await (const batch of ledger.lines()) lines.push(...batch)
  await ledger.close()
  assert.ok(lines.length >= acknowledged, `${lines.length} of ${acknowledged} acknowledged records`)
  assert.deepEqual(
    lines,
    Array.from(lines, (_, index) => recordText(index, 300)),
  )
  const report = await verifyLedger(folder, { publicKeys: [signer.publicKey], engines: 1 })
  assert.deepEqual([report.faults, report.records, faults], [[], lines.length, []])
  assert.deepEqual(readdirSync(join(folder, 'sealing')), [])
  t.diagnostic(`${lines.length} records in ${report.segments} segments; killed ${left.join(', ')}`)
})
