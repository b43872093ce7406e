import assert from 'node:assert/strict'
import { readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type LedgerWorld, ledgerWorld, predictionText } from '../../src/ledger/ledger-world.suite.ts'
import type { OpenedLedger } from '../../src/ledger/open-ledger.ts'
import { manualTimers } from '../../src/platform/timers.ts'

let world: LedgerWorld
beforeEach(async () => {
  world = await ledgerWorld()
})
afterEach(() => world.close())

async function append(ledger: OpenedLedger, count: number): Promise<string[]> {
  const texts = Array.from({ length: count }, (_, index) => predictionText(world, index))
  await ledger.append(texts)
  return texts
}

async function collect(ledger: OpenedLedger): Promise<string[]> {
  const lines: string[] = []
  for await (const batch of ledger.lines()) lines.push(...batch)
  return lines
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const startedAt = performance.now()
  while (!(await isSo()) && performance.now() - startedAt < 30_000) await nextTurn()
  assert.ok(await isSo())
}

const namesIn = (path: string): Promise<string[]> => readdir(path).catch(() => [])

describe('sealing', () => {
  it('follows by itself when a file of the journal is full', async () => {
    const ledger = await world.open({ segmentBytesMax: 20_000 })
    const texts = await append(ledger, 100)
    await until(async () => (await namesIn(join(world.folder, 'segments'))).includes('00000000.json'))
    assert.deepEqual(await collect(ledger), texts)
  })

  it('leaves the journal where it fails, says so, and is tried again by itself', async () => {
    const timers = manualTimers()
    const ledger = await world.open({}, { timers })
    const texts = await append(ledger, 50)
    const obstacle = join(world.folder, 'kind=prediction')
    await writeFile(obstacle, 'a file where a folder is wanted')
    await assert.rejects(ledger.seal())
    assert.deepEqual([...new Set(world.logged)], ['A journal file could not be sealed; it stays and is tried again'])
    assert.deepEqual(await collect(ledger), texts)
    await rm(obstacle)
    timers.advance(60_000)
    await until(async () => (await namesIn(join(world.folder, 'segments'))).includes('00000000.json'))
    assert.deepEqual(await collect(ledger), texts)
    await until(async () => (await namesIn(join(world.folder, 'sealing'))).length === 0)
  })

  it('keeps a journal file as long as somebody reads it', async () => {
    const ledger = await world.open()
    const texts = await append(ledger, 5000)
    const reader = ledger.lines()
    const { value = [] } = await reader.next()
    await ledger.seal()
    const journal = (): Promise<string[]> => namesIn(join(world.folder, 'journal'))
    assert.ok((await journal()).includes('000000000000.jsonl'))
    const rest: string[] = []
    for await (const batch of reader) rest.push(...batch)
    assert.deepEqual([...value, ...rest], texts)
    await until(async () => !(await journal()).includes('000000000000.jsonl'))
  })

  it('does not make the thread wait that answers', async () => {
    const ledger = await world.open()
    await append(ledger, 15_000)
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    await ledger.seal()
    delay.disable()
    // A third of what building takes would do; on a thread of its own it is nearly nothing, but machines of tests are busy.
    assert.ok(delay.percentile(99) < 100e6, `${delay.percentile(99) / 1e6} ms`)
  })

  it('keeps its files to the owner', async () => {
    const ledger = await world.open()
    await append(ledger, 10)
    await ledger.seal()
    for (const name of ['segments', 'sealing', 'kind=prediction']) {
      const { mode } = await stat(join(world.folder, name))
      assert.equal(mode & 0o077, 0, name)
    }
  })
})
