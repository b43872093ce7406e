import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import fc from 'fast-check'
import type { Problem } from '../errors.ts'
import { type ManualClock, manualClock } from '../platform/clock.ts'
import { type ManualTimers, manualTimers } from '../platform/timers.ts'
import { type Disk, systemDisk } from './disk.ts'
import { type Journal, type JournalOptions, openJournal } from './journal.ts'
import { readJournalFile } from './journal-files.ts'
import { PROBE_MS } from './journal-flush.ts'

/** The machine's disk, with faults that tests switch on. */
interface FaultyDisk extends Disk {
  /** Bytes that still fit; writes take what fits, then fail with `code`. */
  room: number
  /** What writes, or opening files, fail with when there is no room. */
  code: string
  /** What flushes fail with. */
  flushCode: string | undefined
  /** Truncation fails too. */
  truncates: boolean
  writes: number
  /** Changes bytes that are read back. */
  forgets: boolean
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code })
}

function faultyDisk(): FaultyDisk {
  return {
    ...systemDisk,
    room: Number.POSITIVE_INFINITY,
    code: 'ENOSPC',
    flushCode: undefined,
    truncates: true,
    writes: 0,
    forgets: false,
    open(path): number {
      if (this.room === 0) throw failure(this.code)
      return systemDisk.open(path)
    },
    write(fd, bytes, from, length, position): number {
      this.writes++
      if (this.room === 0) throw failure(this.code)
      const count = systemDisk.write(fd, bytes, from, Math.min(length, this.room), position)
      this.room -= count
      return count
    },
    truncate(fd, length): void {
      if (!this.truncates) throw failure('EIO')
      systemDisk.truncate(fd, length)
    },
    async flush(fd): Promise<void> {
      if (this.flushCode !== undefined) throw failure(this.flushCode)
      await systemDisk.flush(fd)
    },
    async read(fd, position, length): Promise<Uint8Array> {
      const bytes = await systemDisk.read(fd, position, length)
      if (this.forgets) bytes.fill(0, bytes.length - 5)
      return bytes
    },
  }
}

let folder: string
let clock: ManualClock
let timers: ManualTimers
let disk: FaultyDisk
let troubles: (string | undefined)[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bellwether-faults-'))
  clock = manualClock(1_800_000_000_000)
  timers = manualTimers()
  disk = faultyDisk()
  troubles = []
})
afterEach(() => rmSync(folder, { recursive: true }))

function open(options: Partial<JournalOptions> = {}): Journal {
  const onTrouble = (problem: Problem | undefined): void => void troubles.push(problem?.code)
  const limits = { flushMs: 50, bytesMax: 1 << 20, ageMsMax: 3_600_000, firstIndex: 0 }
  return openJournal(folder, { ...limits, clock, timers, disk, onTrouble, ...options })
}

function record(number: number): string {
  return `{"id":"record-${number}"}`
}

function contents(journal: Journal): string[] {
  return journal.files().flatMap(file => [...readJournalFile(file)].flat().map(String))
}

describe('a full disk', () => {
  it('keeps nothing of a turn that did not fit, refuses all of it, and takes the next when there is room', async () => {
    const journal = open()
    await journal.append([record(0)])
    const before = readFileSync(journal.files()[0]!.path)
    for (const code of ['ENOSPC', 'EDQUOT', 'EFBIG']) {
      for (const room of [0, 1, 30, 70]) {
        Object.assign(disk, { code, room })
        const turn = [journal.append([record(1), record(2)]), journal.append([record(3)], 'power')]
        for (const append of turn) await assert.rejects(append, { code: 'storage_full', retryAfterSeconds: 1 })
        assert.deepEqual(readFileSync(journal.files()[0]!.path), before)
        assert.equal(journal.size, 1)
        clock.advance(PROBE_MS)
      }
    }
    disk.room = 10_000
    await journal.append([record(1)], 'power')
    assert.deepEqual(contents(journal), [record(0), record(1)])
    assert.deepEqual(troubles, ['storage_full', undefined])
    await journal.close()
  })

  it('is tried once every PROBE_MS, whatever the traffic', async () => {
    const journal = open()
    disk.room = 0
    disk.writes = 0
    for (let ms = 0; ms < 1000; ms++) {
      for (let turn = 0; turn < 3; turn++) await assert.rejects(journal.append([record(0)]), { code: 'storage_full' })
      clock.advance(1)
    }
    assert.equal(disk.writes, 10)
    clock.set(1000) // set back by years: the disk is tried all the same
    disk.room = 10_000
    await journal.append([record(0)])
    assert.equal(journal.size, 1)
    await journal.close()
  })

  it('leaves no torn line even where nothing could be taken back', async () => {
    const journal = open()
    await journal.append([record(0)])
    Object.assign(disk, { room: 20, truncates: false })
    await assert.rejects(journal.append([record(1), record(2)]), { code: 'storage_full' })
    clock.advance(PROBE_MS)
    disk.room = 10_000
    await assert.rejects(journal.append([record(3)]), { code: 'failed' })
    clock.advance(PROBE_MS)
    disk.truncates = true
    await journal.append([record(4)])
    assert.deepEqual(contents(journal), [record(0), record(4)])
    await journal.close()
    const again = open()
    assert.deepEqual(again.cut, [])
    assert.equal(again.size, 2)
    await again.close()
  })

  it('goes on in the file it has where there is no room for a new one', async () => {
    const journal = open({ bytesMax: 100 })
    const opened = disk.open
    disk.open = () => {
      throw failure('ENOSPC')
    }
    for (let index = 0; index < 10; index++) await journal.append([record(index)])
    assert.equal(journal.files().length, 1)
    await assert.rejects(journal.roll(), { code: 'storage_full' })
    disk.open = opened
    clock.advance(PROBE_MS)
    await journal.append([record(10)])
    await journal.flush()
    assert.equal(journal.closedFiles().length, 1)
    assert.equal(contents(journal).length, 11)
    await journal.close()
  })

  it('keeps a journal from being opened', () => {
    disk.room = 0
    assert.throws(() => open(), { code: 'storage_full' })
  })

  it('law: whatever fits and does not fit, the journal holds what was acknowledged and nothing else', async () => {
    const turns = fc.array(fc.record({ appends: fc.array(fc.nat(3), { maxLength: 4 }), room: fc.nat(600) }), {
      maxLength: 20,
    })
    await fc.assert(
      fc.asyncProperty(turns, fc.integer({ min: 60, max: 400 }), async (script, bytesMax) => {
        const place = mkdtempSync(join(folder, 'law-'))
        const limits = { flushMs: 50, bytesMax, ageMsMax: 3_600_000, firstIndex: 0 }
        let journal = openJournal(place, { ...limits, clock, timers, disk })
        const kept: string[] = []
        let next = 0
        for (const { appends, room } of script) {
          disk.room = room
          const waiting = appends.map(async count => {
            const texts = Array.from({ length: count }, () => record(next++))
            await journal.append(texts)
            kept.push(...texts)
          })
          await Promise.allSettled(waiting)
          clock.advance(PROBE_MS)
          disk.room = Number.POSITIVE_INFINITY
          if (room % 5 === 0) await journal.flush()
        }
        assert.deepEqual(contents(journal), kept)
        await journal.close()
        journal = openJournal(place, { ...limits, clock, timers, disk })
        assert.deepEqual(journal.cut, [])
        assert.deepEqual(contents(journal), kept)
        await journal.close()
      }),
    )
  })
})

describe('a broken disk', () => {
  it('answers failed to what cannot be written', async () => {
    const journal = open()
    Object.assign(disk, { code: 'EIO', room: 5 })
    await assert.rejects(journal.append([record(0)]), { code: 'failed' })
    disk.room = 10_000
    clock.advance(PROBE_MS)
    await journal.append([record(0)])
    assert.deepEqual(troubles, ['failed', undefined])
    await journal.close()
  })

  it('that fails to flush is written again before anything else, and then trusted', async () => {
    for (const [flushCode, code] of [
      ['EIO', 'failed'],
      ['ENOSPC', 'storage_full'],
    ] as const) {
      const journal = open()
      const { size } = journal
      await journal.append([record(size)])
      disk.flushCode = flushCode
      await assert.rejects(journal.append([record(size + 1)], 'power'), { code })
      await assert.rejects(journal.append([record(size + 2)]), { code })
      assert.equal(journal.progress.flushed(), size)
      timers.advance(PROBE_MS)
      await assert.rejects(journal.flush(), { code })
      let rewrites = 0
      const { rewrite } = disk
      disk.rewrite = async (fd, bytes, position) => {
        rewrites += bytes.length > 13 ? 1 : 0
        await rewrite(fd, bytes, position)
      }
      disk.flushCode = undefined
      timers.advance(PROBE_MS)
      await journal.flush()
      assert.equal(rewrites, 1)
      assert.equal(journal.progress.flushed(), size + 2)
      await journal.append([record(size + 2)], 'power')
      assert.equal(contents(journal).length, size + 3)
      disk.rewrite = rewrite
      await journal.close()
    }
    assert.deepEqual(troubles, ['failed', undefined, 'storage_full', undefined])
  })

  it('that lost what it had taken is not written to any more', async () => {
    const journal = open()
    await journal.append([record(0)], 'power')
    Object.assign(disk, { flushCode: 'EIO', forgets: true })
    await assert.rejects(journal.append([record(1)], 'power'), { code: 'failed' })
    disk.flushCode = undefined
    timers.advance(PROBE_MS)
    await assert.rejects(journal.flush(), /lost what was written/)
    timers.advance(10 * PROBE_MS)
    clock.advance(10 * PROBE_MS)
    await assert.rejects(journal.append([record(2)]), { code: 'failed' })
    await assert.rejects(journal.close(), { code: 'failed' })
    assert.deepEqual(troubles, ['failed'])
  })

  it('that fails while files are changed brings both to the device later', async () => {
    const journal = open({ bytesMax: 60 })
    disk.flushCode = 'EIO'
    await journal.append([record(0)])
    await journal.append([record(1), record(2)])
    await journal.append([record(3)])
    await assert.rejects(journal.flush(), { code: 'failed' })
    assert.deepEqual(journal.closedFiles(), [])
    disk.flushCode = undefined
    timers.advance(PROBE_MS)
    await journal.flush()
    assert.equal(journal.closedFiles().length, 1)
    assert.deepEqual(contents(journal), [0, 1, 2, 3].map(record))
    await journal.close()
    const again = open()
    assert.equal(again.size, 4)
    await again.close()
  })
})
