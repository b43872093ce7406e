import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Engine, openEngine } from '../../src/ledger/engine.ts'
import { idOf, type LedgerWorld, ledgerWorld, predictionText } from '../../src/ledger/ledger-world.suite.ts'
import type { Search } from '../../src/ledger/query.ts'
import { manualTimers } from '../../src/platform/timers.ts'

const NOTHING: Search = { snapshot: { segments: 0, journal: [] }, filter: {}, order: 'newest', limit: 1 }

describe('the engine process', () => {
  let world: LedgerWorld
  let engine: Engine
  const timers = manualTimers()
  beforeEach(async () => {
    world = await ledgerWorld()
    engine = openEngine({ folder: world.folder, memory: '128MB', threads: 1, isNice: true, idleMs: 1000, timers })
  })
  afterEach(async () => {
    await engine.close()
    await world.close()
  })

  it('is started by the first question, ended when it is idle, and started again', async () => {
    assert.equal(engine.pid, undefined)
    assert.deepEqual(await engine.ask('search', NOTHING), { found: [] })
    const first = engine.pid
    assert.ok(first !== undefined)
    timers.advance(999)
    assert.equal(engine.pid, first)
    timers.advance(1)
    assert.equal(engine.pid, undefined)
    assert.deepEqual(await engine.ask('search', NOTHING), { found: [] })
    assert.notEqual(engine.pid, first)
  })

  it('is not ended while it works', async () => {
    await engine.ask('search', NOTHING)
    timers.advance(500)
    const answer = engine.ask('search', NOTHING)
    timers.advance(5000)
    assert.deepEqual(await answer, { found: [] })
  })

  it('is started again when it dies, and asked once more', async () => {
    await engine.ask('search', NOTHING)
    const { pid } = engine
    const answer = engine.ask('search', NOTHING)
    process.kill(pid!, 'SIGKILL')
    assert.deepEqual(await answer, { found: [] })
    assert.notEqual(engine.pid, pid)
  })

  it('tells what went wrong in its words, and goes on', async () => {
    const question = { ...NOTHING, snapshot: { segments: 1, journal: [] } }
    await assert.rejects(engine.ask('search', question), { code: 'corrupt', message: /00000000\.json/ })
    const missing = { ...NOTHING, snapshot: { segments: 0, journal: [{ path: '/nothing', first: 0, count: 1 }] } }
    await assert.rejects(engine.ask('search', missing), { code: 'failed', message: /ENOENT/ })
    assert.deepEqual(await engine.ask('search', NOTHING), { found: [] })
  })

  it('takes so many questions at once, and no more', async () => {
    const answers = Array.from({ length: 64 }, () => engine.ask('search', NOTHING))
    await assert.rejects(engine.ask('search', NOTHING), { code: 'overloaded' })
    assert.equal((await Promise.all(answers)).length, 64)
  })

  it('answers nothing any more when it is closed', async () => {
    const answer = engine.ask('search', NOTHING)
    await Promise.all([engine.close(), assert.rejects(answer, { code: 'unavailable' })])
    await assert.rejects(engine.ask('search', NOTHING), { code: 'unavailable' })
  })

  it('stays a few batches ahead of a slow reader, and stops for one who leaves', async () => {
    const ledger = await world.open()
    const texts = Array.from({ length: 8000 }, (_, index) => predictionText(world, index))
    await ledger.append(texts)
    const seen: string[] = []
    for await (const batch of ledger.lines(100)) {
      seen.push(...batch)
      if (seen.length > 2000) break
    }
    assert.deepEqual(seen, texts.slice(100, 100 + seen.length))
    assert.equal(await ledger.findText(idOf(texts[7]!)), texts[7])
    await ledger.seal()
    const all: string[] = []
    for await (const batch of ledger.lines(7000)) all.push(...batch)
    assert.deepEqual(all, texts.slice(7000))
  })

  it('ends when its owner does', async () => {
    await engine.ask('search', NOTHING)
    const { pid } = engine
    const script = `
      import { openEngine } from '${new URL('../../src/ledger/engine.ts', import.meta.url)}'
      const engine = openEngine({ folder: '/nothing', memory: '64MB', threads: 1, isNice: false })
      await engine.ask('search', ${JSON.stringify(NOTHING)})
      process.stdout.write(String(engine.pid))
      process.kill(process.pid, 'SIGKILL')`
    const owner = spawn(process.execPath, ['--input-type=module-typescript', '-e', script])
    let said = ''
    owner.stdout.on('data', chunk => {
      said += chunk
    })
    await once(owner, 'close')
    assert.match(said, /^\d+$/)
    assert.notEqual(Number(said), pid)
    const startedAt = performance.now()
    while (isAlive(Number(said)) && performance.now() - startedAt < 30_000) await nextTurn()
    assert.equal(isAlive(Number(said)), false)
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
