import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import fc from 'fast-check'
import { journalFilePath } from './journal-files.ts'
import { lineBytesMax, writeLine } from './journal-line.ts'
import { type JournalTail, tailJournal } from './journal-tail.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bellwether-tail-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function line(text: string): Buffer {
  const buffer = Buffer.alloc(lineBytesMax(text))
  return buffer.subarray(0, writeLine(text, buffer, 0))
}

function all(tail: JournalTail, written: number): string[] {
  const texts: string[] = []
  while (tail.index < written) texts.push(...tail.read(written).map(String))
  return texts
}

describe('the tail of a journal', () => {
  it('gives what is counted as written, and reads again what was taken back', () => {
    const path = journalFilePath(folder, 0)
    writeFileSync(path, Buffer.concat([line('"a"'), line('"b"'), Buffer.from('"half')]))
    const tail = tailJournal(folder, 0)
    assert.deepEqual(tail.read(0), [])
    assert.deepEqual(all(tail, 1), ['"a"'])
    truncateSync(path, line('"a"').length)
    appendFileSync(path, Buffer.concat([line('"other"'), line('"more"')]))
    assert.deepEqual(all(tail, 3), ['"other"', '"more"'])
    assert.deepEqual(tail.read(3), [])
    tail.close()
  })

  it('follows from file to file, and remembers where they meet', () => {
    writeFileSync(journalFilePath(folder, 5), Buffer.concat([line('5'), line('6')]))
    const tail = tailJournal(folder, 5)
    assert.deepEqual(all(tail, 7), ['5', '6'])
    writeFileSync(journalFilePath(folder, 7), Buffer.alloc(0))
    assert.deepEqual(tail.read(7), [])
    appendFileSync(journalFilePath(folder, 7), line('7'))
    writeFileSync(journalFilePath(folder, 8), line('8'))
    assert.deepEqual(all(tail, 9), ['7', '8'])
    assert.deepEqual(tail.boundaries, [5, 7, 8])
    tail.close()
  })

  it('says which file is missing', () => {
    writeFileSync(journalFilePath(folder, 0), line('0'))
    const tail = tailJournal(folder, 0)
    assert.deepEqual(all(tail, 1), ['0'])
    assert.throws(() => tail.read(2), { code: 'corrupt', message: /000000000001.jsonl is missing/ })
    tail.close()
  })

  it('law: whatever the lengths of lines and the moments of reading, every record comes once', () => {
    const lengths = fc.array(fc.oneof(fc.nat(300), fc.integer({ min: 1_000_000, max: 3_000_000 })), { maxLength: 12 })
    fc.assert(
      fc.property(lengths, fc.nat(5), (script, batch) => {
        const texts = script.map((length, index) => `"${index}${'x'.repeat(length)}"`)
        writeFileSync(journalFilePath(folder, 0), Buffer.concat(texts.map(line)))
        const tail = tailJournal(folder, 0)
        const read: string[] = []
        for (let written = 0; written <= texts.length; written += batch + 1) read.push(...all(tail, written))
        read.push(...all(tail, texts.length))
        assert.ok(read.join() === texts.join())
        tail.close()
      }),
      { numRuns: 20 },
    )
  })
})
