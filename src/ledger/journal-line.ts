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

/** How many lines these bytes are; -1 where the last one has no end. */
export function countLines(bytes: Uint8Array): number {
  let count = 0
  let at = 0
  for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, at)) {
    count++
    at = end + 1
  }
  return at === bytes.length ? count : -1
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

/** Goes through lines that come in pieces. */
export interface LineScanner {
  /** The bytes may be used again afterwards. */
  push(bytes: Buffer): void
  end(): Scan
}

export function lineScanner(): LineScanner {
  let rest: Buffer = Buffer.alloc(0)
  const scan = { count: 0, bytes: 0, countAfter: 0 }
  let damage: string | undefined

  function take(line: Buffer): void {
    const isWhole = recordOf(line) !== undefined
    if (damage !== undefined) {
      scan.countAfter += isWhole ? 1 : 0
    } else if (isWhole) {
      scan.count++
      scan.bytes += line.length + 1
    } else {
      damage = areZeros(line) ? 'zeros' : 'a line whose checksum does not fit'
    }
  }

  return {
    push(bytes): void {
      const data = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
      let at = 0
      for (let end = data.indexOf(LF); end >= 0; end = data.indexOf(LF, at)) {
        take(data.subarray(at, end))
        at = end + 1
      }
      rest = Buffer.from(data.subarray(at))
    },
    end(): Scan {
      if (rest.length > 0) damage ??= areZeros(rest) ? 'zeros' : 'an incomplete line'
      return damage === undefined ? scan : { ...scan, damage }
    },
  }
}

/** Goes through the lines of a file's bytes. */
export function scanLines(bytes: Buffer): Scan {
  const scanner = lineScanner()
  scanner.push(bytes)
  return scanner.end()
}

function areZeros(line: Buffer): boolean {
  return line.length > 0 && line.every(byte => byte === 0)
}
