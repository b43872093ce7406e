import { crc32 } from 'node:zlib'

/**
 * A line of the journal: the record's canonical JSON, a tab, the CRC-32 (IEEE 802.3) of the JSON's UTF-8 bytes as eight
 * lower-case hex digits, a line feed. Canonical JSON holds neither tabs nor line feeds, so lines can be told apart in any
 * state of the file, and the sum tells a whole line from what a dying machine left.
 */

/** Bytes of a line beside the record: tab, eight digits, line feed. */
export const LINE_EXTRA_BYTES = 10

const TAB = 0x09
const LF = 0x0a
const HEX: Uint8Array = Buffer.from('0123456789abcdef')
/** A UTF-16 code unit is at most so many bytes of UTF-8. */
const UTF8_BYTES_MAX = 3

/** How much room a record may need as a line. */
export function lineBytesMax(record: string): number {
  return record.length * UTF8_BYTES_MAX + LINE_EXTRA_BYTES
}

/** Whether a text among these would tear a line in two: no canonical JSON does. */
export function hasLineFeed(records: readonly string[]): boolean {
  for (const record of records) {
    if (record.includes('\n')) return true
  }
  return false
}

/** Writes a record as a line at a place that has `lineBytesMax` of room, and says where the line ends. */
export function writeLine(record: string, buffer: Buffer, at: number): number {
  const end = at + buffer.write(record, at, 'utf8')
  const sum = crc32(buffer.subarray(at, end))
  buffer[end] = TAB
  for (let digit = 0; digit < 8; digit++) buffer[end + 1 + digit] = HEX[(sum >>> (28 - 4 * digit)) & 15]!
  buffer[end + 9] = LF
  return end + LINE_EXTRA_BYTES
}

/** The record's bytes in a line (given without its line feed), or undefined where the line is not whole. */
export function recordOf(line: Buffer): Buffer | undefined {
  const tab = line.length - 9
  if (tab < 1 || line[tab] !== TAB) return undefined
  const record = line.subarray(0, tab)
  const sum = crc32(record)
  for (let digit = 0; digit < 8; digit++) {
    if (line[tab + 1 + digit] !== HEX[(sum >>> (28 - 4 * digit)) & 15]) return undefined
  }
  return record
}

/** What a look through lines found. */
export interface Scan {
  /** Whole lines before the first damage. */
  readonly count: number
  /** Where they end. */
  readonly bytes: number
  /** Absent where the bytes end with a whole line. */
  readonly damage?: string
  /** Whole lines after the first damage: a crash of the process leaves none. */
  readonly countAfter: number
}

/** Goes through the lines of a file's bytes. */
export function scanLines(bytes: Buffer): Scan {
  let count = 0
  let at = 0
  while (at < bytes.length) {
    const end = bytes.indexOf(LF, at)
    if (end < 0 || recordOf(bytes.subarray(at, end)) === undefined) {
      return { count, bytes: at, damage: damageAt(bytes, at, end), countAfter: wholeLinesAfter(bytes, end) }
    }
    count++
    at = end + 1
  }
  return { count, bytes: at, countAfter: 0 }
}

function damageAt(bytes: Buffer, at: number, end: number): string {
  const line = bytes.subarray(at, end < 0 ? bytes.length : end)
  if (line.length > 0 && line.every(byte => byte === 0)) return 'zeros'
  return end < 0 ? 'an incomplete line' : 'a line whose checksum does not fit'
}

function wholeLinesAfter(bytes: Buffer, damagedEnd: number): number {
  let count = 0
  let at = damagedEnd + 1
  while (damagedEnd >= 0 && at < bytes.length) {
    const end = bytes.indexOf(LF, at)
    if (end < 0) break
    if (recordOf(bytes.subarray(at, end)) !== undefined) count++
    at = end + 1
  }
  return count
}
