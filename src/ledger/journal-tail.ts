import { closeSync, openSync, readSync } from 'node:fs'
import { Problem } from '../errors.ts'
import { journalFilePath } from './journal-files.ts'
import { LINE_EXTRA_BYTES } from './journal-line.ts'

/**
 * Follows a journal that another thread writes, record by record, from file to file. Reads only records that the writer
 * has counted as written: what lies beyond may be taken back.
 */
export interface JournalTail {
  /** Index of the next record. */
  readonly index: number
  /** The next records up to `written`, as their bytes; about a megabyte at most. They are valid until the next call. */
  read(written: number): Buffer[]
  /** Index of the first record of each file that was begun so far, in order. */
  readonly boundaries: readonly number[]
  close(): void
}

const READ_BYTES = 1 << 20
const LINE_FEED = 0x0a

/** @param first where to begin: the first record of a file. */
export function tailJournal(folder: string, first: number): JournalTail {
  let buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  let index = first
  let position = 0
  let fd: number | undefined
  const boundaries: number[] = []

  function openNext(): number {
    const path = journalFilePath(folder, index)
    if (fd !== undefined) closeSync(fd)
    fd = undefined
    try {
      fd = openSync(path, 'r')
    } catch (cause) {
      throw new Problem('corrupt', `Cannot follow the journal: ${path} is missing, it must hold record ${index}`, {
        cause,
      })
    }
    position = 0
    boundaries.push(index)
    return fd
  }

  /** Lines of the file in use; none where it ends. A line that is longer than the buffer makes it grow. */
  function readLines(file: number, written: number): Buffer[] {
    for (;;) {
      const length = readSync(file, buffer, 0, buffer.length, position)
      const records: Buffer[] = []
      let at = 0
      while (index < written) {
        const end = buffer.indexOf(LINE_FEED, at)
        if (end < 0 || end >= length) break
        records.push(buffer.subarray(at, end + 1 - LINE_EXTRA_BYTES))
        index++
        at = end + 1
      }
      position += at
      if (records.length > 0 || length < buffer.length) return records
      buffer = Buffer.allocUnsafeSlow(buffer.length * 2)
    }
  }

  return {
    get index(): number {
      return index
    },
    boundaries,
    read(written): Buffer[] {
      if (index >= written) return []
      const records = readLines(fd ?? openNext(), written)
      return records.length > 0 ? records : readLines(openNext(), written)
    },
    close(): void {
      if (fd !== undefined) closeSync(fd)
    },
  }
}
