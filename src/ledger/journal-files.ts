import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../errors.ts'
import type { Disk } from './disk.ts'
import { lineScanner, recordOf, type Scan } from './journal-line.ts'

/** A file of the journal: the records from `first` up to, not including, `first + count`. */
export interface JournalFile {
  readonly path: string
  /** Index of its first record in the ledger. */
  readonly first: number
  readonly count: number
}

/** A record in its file, from 0, and where its line begins. */
export interface JournalPlace {
  readonly index: number
  readonly bytes: number
}

/** What was cut off when the journal was opened: never anything that had been acknowledged and outlived its crash. */
export interface CutTail {
  readonly path: string
  readonly bytesCut: number
  readonly reason: string
  /** Copy of the file as it was, made when whole lines were among the bytes (the machine had lost what came before). */
  readonly keptIn?: string
}

export interface RecoveredJournal {
  /** All but the last, oldest first. */
  readonly closed: readonly JournalFile[]
  readonly last: JournalFile & { readonly bytes: number }
  readonly cut: readonly CutTail[]
}

const READ_BYTES = 1 << 20
const LF = 0x0a
const FILE_NAME = /^(\d{12})\.jsonl$/
const FLUSHED_NOTE = /^\d{12}\n$/

export function journalFilePath(folder: string, first: number): string {
  return join(folder, `${String(first).padStart(12, '0')}.jsonl`)
}

/**
 * The note that a file was begun while the end of the one before was not yet on the device. Where the machine dies then,
 * the older file may have lost its end while the younger one has records: those follow lost ones and are no part of the
 * journal. Without the note, a hole between two files is damage.
 */
export function joiningNotePath(folder: string, first: number): string {
  return join(folder, `${String(first).padStart(12, '0')}.joining`)
}

export function joiningNotes(folder: string): string[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.joining'))
    .map(name => join(folder, name))
}

/** Holds how many records are certainly on the device: a lower bound, under which nothing is ever cut. */
export function flushedNotePath(folder: string): string {
  return join(folder, 'flushed')
}

/**
 * The records of a file in order, in batches of about a megabyte. Throws `corrupt` where a line is damaged or the file
 * does not hold `count` records; lines after them are not looked at, for they may still be being written.
 *
 * @param from where the line of a record begins, to go on with it.
 */
export function* readJournalFile(file: JournalFile, from: JournalPlace = { index: 0, bytes: 0 }): Generator<Buffer[]> {
  const fd = openSync(file.path, 'r')
  try {
    let rest: Buffer = Buffer.alloc(0)
    let { index, bytes: place } = from
    while (index < file.count) {
      const chunk = Buffer.allocUnsafe(READ_BYTES)
      const read = readSync(fd, chunk, 0, READ_BYTES, place)
      place += read
      if (read === 0) throw damaged(file.path, index + 1, `the file ends, ${file.count} records were wanted`)
      const bytes: Buffer = rest.length === 0 ? chunk.subarray(0, read) : Buffer.concat([rest, chunk.subarray(0, read)])
      const records: Buffer[] = []
      let at = 0
      for (let end = bytes.indexOf(LF); end >= 0 && index < file.count; end = bytes.indexOf(LF, at)) {
        const record = recordOf(bytes.subarray(at, end))
        if (record === undefined) throw damaged(file.path, index + 1, 'found a line whose checksum does not fit')
        records.push(record)
        index++
        at = end + 1
      }
      rest = bytes.subarray(at)
      if (records.length > 0) yield records
    }
  } finally {
    closeSync(fd)
  }
}

interface Found extends JournalFile {
  readonly scan: Scan
}

/**
 * Looks through a journal after a start: removes files that are sealed, cuts what a crash left half written at the end,
 * and names the file to go on with (which may have to be made).
 *
 * @param firstIndex number of records that are sealed already.
 * Throws `corrupt` for all that no crash can explain: damage or a gap before the end, records missing that were known to
 * be on the device.
 */
export function recoverJournal(folder: string, firstIndex: number, disk: Disk): RecoveredJournal {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const firsts = unsealedFiles(folder, firstIndex, disk)
  const files = firsts.map(first => look(journalFilePath(folder, first), first))
  const cut: CutTail[] = []
  dropLooseFile(folder, files, cut, disk)
  for (const [at, file] of files.entries()) {
    const next = files[at + 1]?.first
    if (next === undefined ? file.scan.damage === undefined : isWholeUpTo(file, next)) continue
    if (next !== undefined || file.first + file.count < readFlushedNote(folder)) throw damageIn(file, next)
    cut.push(cutTail(file, disk))
  }
  const end = files.at(-1)
  const size = Math.max(firstIndex, end === undefined ? 0 : end.first + end.count)
  checkNothingIsMissing(folder, files[0], firstIndex, size)
  if (end === undefined || (end.count > 0 && end.first + end.count <= firstIndex)) {
    if (end !== undefined) disk.remove(end.path)
    const path = journalFilePath(folder, size)
    return { closed: [], last: { path, first: size, count: 0, bytes: 0 }, cut }
  }
  const closed = files.slice(0, -1).map(({ path, first, count }) => ({ path, first, count }))
  return { closed, last: { path: end.path, first: end.first, count: end.count, bytes: end.scan.bytes }, cut }
}

/** Where the files begin that hold anything unsealed, in order. A file whose successor begins in the sealed part is removed. */
function unsealedFiles(folder: string, firstIndex: number, disk: Disk): number[] {
  const names = readdirSync(folder).flatMap(name => FILE_NAME.exec(name)?.[1] ?? [])
  const firsts = names.map(Number).sort((a, b) => a - b)
  const start = Math.max(
    0,
    firsts.findLastIndex(first => first <= firstIndex),
  )
  for (const first of firsts.slice(0, start)) disk.remove(journalFilePath(folder, first))
  return firsts.slice(start)
}

function look(path: string, first: number): Found {
  const scanner = lineScanner()
  const chunk = Buffer.allocUnsafe(READ_BYTES)
  const fd = openSync(path, 'r')
  try {
    for (let read = readSync(fd, chunk); read > 0; read = readSync(fd, chunk)) scanner.push(chunk.subarray(0, read))
  } finally {
    closeSync(fd)
  }
  const scan = scanner.end()
  return { path, first, count: scan.count, scan }
}

function isWholeUpTo(file: Found, next: number): boolean {
  return file.scan.damage === undefined && file.first + file.count === next
}

/** Where the machine died while files were changed, and the older one lost its end, the younger one goes. */
function dropLooseFile(folder: string, files: Found[], cut: CutTail[], disk: Disk): void {
  const last = files.at(-1)
  const before = files.at(-2)
  if (last === undefined || !existsSync(joiningNotePath(folder, last.first))) return
  if (before === undefined || isWholeUpTo(before, last.first)) return
  files.pop()
  const keptIn = last.count > 0 ? `${last.path}.cut` : undefined
  if (keptIn !== undefined) copyFileSync(last.path, keptIn)
  const reason = 'records after the lost end of the file before'
  cut.push({ path: last.path, bytesCut: last.scan.bytes, reason, ...(keptIn !== undefined && { keptIn }) })
  disk.remove(last.path)
  disk.remove(joiningNotePath(folder, last.first))
}

function cutTail({ path, scan }: Found, disk: Disk): CutTail {
  const bytesCut = statSync(path).size - scan.bytes
  const keptIn = scan.countAfter > 0 ? `${path}.${scan.bytes}.cut` : undefined
  if (keptIn !== undefined) copyFileSync(path, keptIn)
  const fd = disk.open(path)
  try {
    disk.truncate(fd, scan.bytes)
  } finally {
    disk.close(fd)
  }
  return { path, bytesCut, reason: scan.damage ?? 'nothing', ...(keptIn !== undefined && { keptIn }) }
}

function checkNothingIsMissing(folder: string, start: Found | undefined, firstIndex: number, size: number): void {
  const flushed = readFlushedNote(folder)
  if (size < flushed) {
    const message =
      `Cannot open the journal: it ends after ${size} records, ${flushed} were on the device; ` +
      `restore its files from a backup, or remove ${flushedNotePath(folder)} to go on without the missing records`
    throw new Problem('corrupt', message)
  }
  if (start === undefined || start.first === firstIndex || start.first + start.count <= firstIndex) return
  const message =
    `Cannot open the journal: ${start.path} begins with record ${start.first}, ` +
    `the sealed part ends before record ${firstIndex}; restore the missing files from a backup`
  throw new Problem('corrupt', message)
}

function readFlushedNote(folder: string): number {
  const path = flushedNotePath(folder)
  if (!existsSync(path)) return 0
  const text = readFileSync(path, 'latin1')
  return FLUSHED_NOTE.test(text) ? Number(text) : 0 // a machine that died may have left zeros: nothing is known then
}

function damageIn(file: Found, next: number | undefined): Problem {
  const found = file.scan.damage ?? 'the end of the file'
  const wanted = next === undefined ? 'a record that was on the device' : `the records up to ${next}`
  return damaged(file.path, file.count + 1, `found ${found}, wanted ${wanted}`)
}

function damaged(path: string, line: number, what: string): Problem {
  const advice = 'restore the file from a backup; `bellwether audit verify` tells what is proven of the rest'
  return new Problem('corrupt', `Cannot read the journal: ${path}, line ${line}: ${what}; ${advice}`)
}
