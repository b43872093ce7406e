import assert from 'node:assert/strict'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../errors.ts'
import { systemDisk } from './disk.ts'
import { type JournalFile, type RecoveredJournal, readJournalFile, recoverJournal } from './journal-files.ts'
import { lineBytesMax, writeLine } from './journal-line.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bellwether-files-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function record(index: number): string {
  return `{"id":"record-${index}","x":${index * 0.37}}`
}

function line(text: string): Buffer {
  const buffer = Buffer.alloc(lineBytesMax(text))
  return buffer.subarray(0, writeLine(text, buffer, 0))
}

function lines(first: number, end: number): Buffer {
  return Buffer.concat(Array.from({ length: end - first }, (_, at) => line(record(first + at))))
}

function pathOf(first: number): string {
  return join(folder, `${String(first).padStart(12, '0')}.jsonl`)
}

/** A journal as it lies on a disk: files that begin at these records. */
function lay(firsts: readonly number[], end: number, flushed?: number): void {
  for (const [at, first] of firsts.entries()) writeFileSync(pathOf(first), lines(first, firsts[at + 1] ?? end))
  if (flushed !== undefined) writeFileSync(join(folder, 'flushed'), `${String(flushed).padStart(12, '0')}\n`)
}

function recover(firstIndex = 0): RecoveredJournal {
  return recoverJournal(folder, firstIndex, systemDisk)
}

function sizeOf({ last }: RecoveredJournal): number {
  return last.first + last.count
}

function contents(files: readonly JournalFile[]): string[] {
  return files.flatMap(file => [...readJournalFile(file)].flat().map(String))
}

function isCorrupt(...words: readonly string[]): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof Problem && error.code === 'corrupt', String(error))
    for (const word of words) assert.ok(error.message.includes(word), `"${error.message}" does not say "${word}"`)
    return true
  }
}

describe('opening a journal', () => {
  it('begins one where there is none', () => {
    assert.deepEqual(recover(), { closed: [], last: { path: pathOf(0), first: 0, count: 0, bytes: 0 }, cut: [] })
    assert.equal(recover(17).last.path, pathOf(17))
  })

  it('finds files in order, and all their records', () => {
    lay([0, 3, 7], 12, 12)
    const found = recover()
    assert.deepEqual(found.closed, [
      { path: pathOf(0), first: 0, count: 3 },
      { path: pathOf(3), first: 3, count: 4 },
    ])
    assert.deepEqual({ ...found.last, bytes: 0 }, { path: pathOf(7), first: 7, count: 5, bytes: 0 })
    const texts = contents([...found.closed, found.last])
    assert.deepEqual(
      texts,
      Array.from({ length: 12 }, (_, index) => record(index)),
    )
  })

  it('cuts the last file at any byte back to its whole lines, and says so', () => {
    const whole = lines(0, 4)
    for (let cut = 0; cut <= whole.length; cut++) {
      writeFileSync(pathOf(0), whole.subarray(0, cut))
      const wanted = whole.subarray(0, cut).filter(byte => byte === 0x0a).length
      const { last, cut: report } = recover()
      assert.equal(last.count, wanted)
      assert.equal(last.bytes, lines(0, wanted).length)
      assert.equal(readFileSync(pathOf(0)).length, last.bytes)
      const bytesCut = cut - last.bytes
      assert.deepEqual(report, bytesCut === 0 ? [] : [{ path: pathOf(0), bytesCut, reason: 'an incomplete line' }])
    }
  })

  it('cuts zeros and lines whose checksum does not fit', () => {
    for (const [tail, reason] of [
      [Buffer.alloc(4096), 'zeros'],
      [Buffer.from('{"a":1}\t00000000\n'), 'a line whose checksum does not fit'],
      [Buffer.from('\n'), 'a line whose checksum does not fit'],
      [Buffer.concat([line('{"a":1}').subarray(0, 9), Buffer.alloc(100)]), 'an incomplete line'],
    ] as const) {
      lay([0], 3)
      appendFileSync(pathOf(0), tail)
      const found = recover()
      assert.equal(sizeOf(found), 3)
      assert.deepEqual(found.cut, [{ path: pathOf(0), bytesCut: tail.length, reason }])
    }
  })

  it('keeps a copy of the file where whole lines are among the bytes that it cuts', () => {
    lay([0], 3)
    const tail = Buffer.concat([Buffer.alloc(50), Buffer.from('\n'), lines(4, 6)])
    appendFileSync(pathOf(0), tail)
    const [cut] = recover().cut
    assert.equal(cut!.bytesCut, tail.length)
    assert.deepEqual(readFileSync(cut!.keptIn!), Buffer.concat([lines(0, 3), tail]))
    assert.equal(sizeOf(recover()), 3)
  })

  it('law: one changed bit, anywhere in a file, is never taken for a record', () => {
    const whole = lines(0, 8)
    fc.assert(
      fc.property(fc.nat(whole.length * 8 - 1), bit => {
        const damaged = Buffer.from(whole)
        damaged[bit >> 3]! ^= 1 << (bit & 7)
        writeFileSync(pathOf(0), damaged)
        const { last } = recover()
        assert.equal(last.count, whole.subarray(0, bit >> 3).filter(byte => byte === 0x0a).length)
      }),
    )
  })

  it('does not cut what was on the device: that is damage', () => {
    lay([0], 10, 8)
    truncateSync(pathOf(0), lines(0, 8).length + 3)
    assert.equal(sizeOf(recover()), 8)
    const damaged = readFileSync(pathOf(0))
    damaged[lines(0, 5).length + 4]! ^= 1
    writeFileSync(pathOf(0), damaged)
    assert.throws(() => recover(), isCorrupt(pathOf(0), 'line 6', 'checksum', 'backup'))
    writeFileSync(pathOf(0), lines(0, 7))
    assert.throws(() => recover(), isCorrupt('ends after 7 records', '8 were on the device', 'flushed'))
    rmSync(join(folder, 'flushed'))
    assert.equal(sizeOf(recover()), 7)
  })

  it('takes a note that a dying machine tore for none', () => {
    lay([0], 3)
    for (const note of ['', '\0'.repeat(13), '99']) {
      writeFileSync(join(folder, 'flushed'), note)
      assert.equal(sizeOf(recover()), 3)
    }
  })

  it('refuses damage and gaps before the last file', () => {
    lay([0, 3, 7], 12)
    const whole = readFileSync(pathOf(3))
    const damaged = Buffer.from(whole)
    damaged[lines(3, 5).length]! ^= 1
    writeFileSync(pathOf(3), damaged)
    assert.throws(() => recover(), isCorrupt(pathOf(3), 'line 3', 'backup'))
    writeFileSync(pathOf(3), lines(3, 6))
    assert.throws(() => recover(), isCorrupt(pathOf(3), 'line 4', 'up to 7'))
    writeFileSync(pathOf(3), lines(3, 8))
    assert.throws(() => recover(), isCorrupt(pathOf(3)))
    rmSync(pathOf(3))
    assert.throws(() => recover(), isCorrupt(pathOf(0)))
  })

  it('removes files that are sealed, whatever is in them', () => {
    lay([0, 3, 7], 12)
    writeFileSync(pathOf(0), 'damaged')
    rmSync(pathOf(3))
    assert.equal(sizeOf(recover(7)), 12)
    assert.deepEqual(readdirSync(folder), ['000000000007.jsonl'])
    const found = recover(12)
    assert.deepEqual(found.last, { path: pathOf(12), first: 12, count: 0, bytes: 0 })
    assert.ok(!existsSync(pathOf(7)))
  })

  it('refuses a journal that does not begin where the sealed part ends', () => {
    lay([7], 12)
    assert.throws(() => recover(5), isCorrupt('record 7', 'record 5'))
    assert.throws(() => recover(9), isCorrupt('record 7', 'record 9'))
  })
})

describe('a machine that died while files were changed', () => {
  const note = (first: number): string => join(folder, `${String(first).padStart(12, '0')}.joining`)

  it('loses the younger file, where the older one has lost its end', () => {
    lay([0, 5, 10], 14, 8)
    truncateSync(pathOf(5), lines(5, 9).length + 20)
    writeFileSync(note(10), '')
    const found = recover()
    assert.equal(sizeOf(found), 9)
    assert.deepEqual(
      found.cut.map(({ path, bytesCut }) => [path, bytesCut]),
      [
        [pathOf(10), lines(10, 14).length],
        [pathOf(5), 20],
      ],
    )
    assert.deepEqual(readFileSync(found.cut[0]!.keptIn!), lines(10, 14))
    assert.ok(!existsSync(pathOf(10)))
    assert.ok(!existsSync(note(10)))
    assert.equal(sizeOf(recover()), 9)
  })

  it('loses nothing, where the older one is whole', () => {
    lay([0, 5, 10], 14, 8)
    writeFileSync(note(10), '')
    appendFileSync(pathOf(10), 'torn')
    const found = recover()
    assert.equal(sizeOf(found), 14)
    assert.equal(found.cut.length, 1)
  })

  it('left damage, where the older one had been settled', () => {
    lay([0, 5, 10], 14, 8)
    truncateSync(pathOf(5), lines(5, 9).length + 20)
    assert.throws(() => recover(), isCorrupt(pathOf(5), 'line 5'))
  })

  it('left damage, where the older file lacks what was on the device', () => {
    lay([0, 5, 10], 14, 10)
    truncateSync(pathOf(5), lines(5, 9).length)
    writeFileSync(note(10), '')
    assert.throws(() => recover(), isCorrupt('10 were on the device'))
  })
})

describe('reading a file of the journal', () => {
  it('gives the records that are counted, and not what is being written', () => {
    mkdirSync(folder, { recursive: true })
    const texts = Array.from({ length: 3000 }, (_, index) => `{"id":${index},"x":"${'y'.repeat(index % 1500)}"}`)
    writeFileSync(pathOf(0), Buffer.concat([...texts.map(line), Buffer.from('{"half')]))
    assert.deepEqual(contents([{ path: pathOf(0), first: 0, count: 3000 }]), texts)
    assert.deepEqual(contents([{ path: pathOf(0), first: 0, count: 7 }]), texts.slice(0, 7))
    assert.throws(() => contents([{ path: pathOf(0), first: 0, count: 3001 }]), isCorrupt('line 3001'))
  })

  it('says which line is damaged', () => {
    lay([0], 10)
    const damaged = readFileSync(pathOf(0))
    damaged[lines(0, 6).length + 2]! ^= 4
    writeFileSync(pathOf(0), damaged)
    assert.throws(() => contents([{ path: pathOf(0), first: 0, count: 10 }]), isCorrupt(pathOf(0), 'line 7'))
    assert.equal(contents([{ path: pathOf(0), first: 0, count: 6 }]).length, 6)
  })
})
