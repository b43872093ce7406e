import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { crc32 } from 'node:zlib'
import { type ManualClock, manualClock } from '../platform/clock.ts'
import { type ManualTimers, manualTimers } from '../platform/timers.ts'
import { type Disk, systemDisk } from './disk.ts'
import { type Journal, type JournalOptions, openJournal } from './journal.ts'
import { type JournalFile, readJournalFile } from './journal-files.ts'
import { lineBytesMax, writeLine } from './journal-line.ts'

let folder: string
let clock: ManualClock
let timers: ManualTimers

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bellwether-journal-'))
  clock = manualClock(1_800_000_000_000)
  timers = manualTimers()
})
afterEach(() => rmSync(folder, { recursive: true }))

function open(options: Partial<JournalOptions> = {}): Journal {
  return openJournal(folder, {
    flushMs: 50,
    bytesMax: 1 << 20,
    ageMsMax: 3_600_000,
    clock,
    timers,
    firstIndex: 0,
    ...options,
  })
}

function record(number: number): string {
  return `{"id":"record-${number}","text":"Z\u00fcrich \u20ac"}`
}

function records(first: number, count: number): string[] {
  return Array.from({ length: count }, (_, at) => record(first + at))
}

function linesOf(texts: readonly string[]): Buffer {
  const buffer = Buffer.alloc(texts.reduce((sum, text) => sum + lineBytesMax(text), 0))
  return buffer.subarray(
    0,
    texts.reduce((at, text) => writeLine(text, buffer, at), 0),
  )
}

function contents(files: readonly JournalFile[]): string[] {
  return files.flatMap(file => [...readJournalFile(file)].flat().map(String))
}

/** The machine's disk, with a list of what was asked of it. */
function listening(): Disk & { readonly calls: string[] } {
  const calls: string[] = []
  return {
    ...systemDisk,
    calls,
    write(...args): number {
      calls.push('write')
      return systemDisk.write(...args)
    },
    async flush(fd): Promise<void> {
      calls.push('flush begins')
      await systemDisk.flush(fd)
      calls.push('flush ends')
    },
  }
}

describe('journal', () => {
  it('writes a record, a tab, its CRC-32 and a line feed', async () => {
    const journal = open()
    await journal.append([record(0)])
    const sum = crc32(record(0)).toString(16).padStart(8, '0')
    assert.equal(readFileSync(join(folder, '000000000000.jsonl'), 'utf8'), `${record(0)}\t${sum}\n`)
    await journal.close()
  })

  it('keeps records in the order of their appends, over restarts', async () => {
    for (let run = 0; run < 3; run++) {
      const journal = open()
      assert.equal(journal.size, run * 100)
      assert.deepEqual(journal.cut, [])
      for (let turn = 0; turn < 10; turn++) {
        const first = run * 100 + turn * 10
        await Promise.all([
          journal.append(records(first, 3)),
          journal.append([]),
          journal.append(records(first + 3, 7)),
        ])
      }
      await journal.close()
    }
    const journal = open()
    assert.deepEqual(contents(journal.files()), records(0, 300))
    await journal.close()
  })

  it('shares one write and one promise among all appends of a turn', async () => {
    const disk = listening()
    const journal = open({ disk })
    disk.calls.length = 0
    const first = journal.append([record(0)])
    assert.equal(journal.append([record(1)]), first)
    await Promise.resolve().then(() => assert.equal(journal.append([record(2)]), first))
    assert.equal(journal.size, 0)
    await first
    assert.equal(journal.size, 3)
    assert.notEqual(journal.append([record(3)]), first)
    await journal.close()
    assert.equal(disk.calls.filter(call => call === 'write').length, 2)
  })

  it('flushes flushMs after a write, and is silent when nothing is written', async () => {
    const disk = listening()
    const journal = open({ disk })
    await journal.append([record(0)])
    assert.equal(journal.progress.flushed(), 0)
    timers.advance(49)
    assert.ok(!disk.calls.includes('flush begins'))
    timers.advance(1)
    assert.ok(disk.calls.includes('flush begins'))
    await journal.flush()
    assert.equal(journal.progress.flushed(), 1)
    disk.calls.length = 0
    timers.advance(3_000_000)
    assert.deepEqual(disk.calls, [])
    await journal.close()
  })

  it('power: resolves when the device has it; those who wait together share a flush, and flushes never overlap', async () => {
    const disk = listening()
    const journal = open({ disk })
    const waiting: Promise<void>[] = []
    for (let turn = 0; turn < 20; turn++) {
      for (let at = 0; at < 5; at++) {
        const index = turn * 5 + at
        const done = journal.append([record(index)], 'power')
        waiting.push(done.then(() => assert.ok(journal.progress.flushed() > index)))
      }
      await journal.append([record(0)]).then(() => undefined)
    }
    await Promise.all(waiting)
    const flushes = disk.calls.filter(call => call !== 'write')
    assert.ok(flushes.length <= 42, `${flushes.length / 2} flushes for 100 records`)
    for (const [at, call] of flushes.entries()) assert.equal(call, at % 2 === 0 ? 'flush begins' : 'flush ends')
    await journal.close()
  })

  it('takes records that are lines already among others, in their order, and nothing that is no whole line', async () => {
    const journal = open()
    const lines = linesOf(records(2, 3))
    const copied = Uint8Array.from(lines)
    await Promise.all([
      journal.append(records(0, 2)),
      journal.appendLines(copied, 3),
      journal.append(records(5, 1)),
      journal.appendLines(linesOf(records(6, 1)), 1, 'power').then(() => assert.equal(journal.progress.flushed(), 7)),
      assert.rejects(journal.appendLines(lines, 2), TypeError),
      assert.rejects(journal.appendLines(lines.subarray(0, -1), 3), TypeError),
      Promise.resolve(copied.fill(0)),
    ])
    assert.deepEqual(contents(journal.files()), records(0, 7))
    await journal.close()
    const refused = await journal.appendLines(lines, 3).catch(error => error)
    assert.equal(refused.code, 'unavailable')
  })

  it('begins a new file at bytesMax, named by its first record', async () => {
    const closed: JournalFile[] = []
    const journal = open({ bytesMax: 1000, onClosed: file => closed.push(file) })
    for (let index = 0; index < 100; index++) {
      await journal.append([record(index)])
      if (index % 10 === 9) await journal.flush()
    }
    await journal.flush()
    assert.ok(closed.length > 3)
    assert.deepEqual(journal.closedFiles(), closed)
    let next = 0
    for (const file of journal.files()) {
      assert.equal(file.first, next)
      assert.equal(file.path, join(folder, `${String(next).padStart(12, '0')}.jsonl`))
      next += file.count
    }
    assert.equal(next, 100)
    assert.deepEqual(contents(journal.files()), records(0, 100))
    assert.ok(!readdirSync(folder).some(name => name.endsWith('.joining')))
    await journal.close()
  })

  it('begins a new file when the first record of one is ageMsMax old, also when nothing comes', async () => {
    const journal = open({ ageMsMax: 10_000 })
    timers.advance(50_000)
    await journal.append([record(0)])
    timers.advance(9_999)
    assert.deepEqual(journal.closedFiles(), [])
    timers.advance(1)
    await journal.flush()
    assert.equal(journal.closedFiles().length, 1)
    timers.advance(50_000)
    await journal.flush()
    assert.equal(journal.closedFiles().length, 1)
    await journal.close()
  })

  it('rolls when asked, but never into an empty file', async () => {
    const journal = open()
    await journal.roll()
    assert.deepEqual(journal.closedFiles(), [])
    await journal.append(records(0, 3))
    await Promise.all([journal.roll(), journal.append(records(3, 2))])
    await journal.roll()
    await journal.roll()
    assert.equal(journal.files().length, journal.closedFiles().length)
    assert.deepEqual(contents(journal.closedFiles()), records(0, 5))
    await journal.close()
  })

  it('removes finished files, and goes on behind them after a restart', async () => {
    const journal = open()
    await journal.append(records(0, 3))
    await journal.roll()
    await journal.append(records(3, 2))
    const [file] = journal.closedFiles()
    await assert.rejects(journal.remove({ ...file!, first: 1 }), RangeError)
    await journal.remove(file!)
    assert.ok(!existsSync(file!.path))
    assert.deepEqual(contents(journal.files()), records(3, 2))
    await journal.close()
    const again = open({ firstIndex: 3 })
    assert.equal(again.size, 5)
    assert.deepEqual(contents(again.files()), records(3, 2))
    await again.close()
  })

  it('writes what waits when it is closed, and takes nothing afterwards', async () => {
    const journal = open()
    const last = journal.append([record(0)])
    const closed = journal.close()
    await assert.rejects(journal.append([record(1)]), { code: 'unavailable' })
    await Promise.all([last, closed, journal.close()])
    await assert.rejects(journal.append([record(1)]), { code: 'unavailable' })
    const again = open()
    assert.equal(again.progress.flushed(), 1)
    await again.close()
  })

  it('refuses what would not fit into a turn, or never', async () => {
    const journal = open({ turnBytesMax: 1000 })
    const waiting = journal.append(['x'.repeat(600)])
    await assert.rejects(journal.append(['y'.repeat(600)]), { code: 'overloaded' })
    await assert.rejects(journal.append(['y'.repeat(1200)]), { code: 'too_large' })
    await waiting
    await journal.append(['y'.repeat(600)])
    assert.deepEqual(contents(journal.files()), ['x'.repeat(600), 'y'.repeat(600)])
    await journal.close()
  })

  it('refuses a record that would tear a line, and only that', async () => {
    const journal = open()
    const before = journal.append(records(0, 2))
    const torn = journal.append([record(2), '{"a":"b\n"}'])
    const after = journal.append(records(2, 2))
    await assert.rejects(torn, TypeError)
    await Promise.all([before, after])
    assert.deepEqual(contents(journal.files()), records(0, 4))
    await journal.close()
  })

  it('takes records larger than its buffer', async () => {
    const journal = open({ bytesMax: 64 << 20 })
    const large = [`"${'\u20ac'.repeat(500_000)}"`, `"${'x'.repeat(3_000_000)}"`]
    await Promise.all([journal.append([record(0)]), journal.append(large)])
    await journal.append([record(1)])
    assert.deepEqual(contents(journal.files()), [record(0), ...large, record(1)])
    await journal.close()
  })
})
