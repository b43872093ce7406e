/** Lines on their way to the journal: what all appends of one turn write together. */
import { hasLineFeed, lineBytesMax, writeLine } from './journal-line.ts'

/** A buffer that grew beyond this is let go after its turn. */
const BUFFER_BYTES = 1 << 20

export class TurnBuffer {
  /** Valid up to `used`. */
  bytes: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  used = 0

  /** Adds records as lines; false where they would tear a line, and nothing was added. */
  add(records: readonly string[]): boolean {
    const start = this.used
    for (const record of records) {
      this.#makeRoom(lineBytesMax(record))
      this.used = writeLine(record, this.bytes, this.used)
    }
    if (!hasLineFeed(records)) return true
    this.used = start
    return false
  }

  addLines(lines: Uint8Array): void {
    this.#makeRoom(lines.length)
    this.bytes.set(lines, this.used)
    this.used += lines.length
  }

  clear(): void {
    this.used = 0
    if (this.bytes.length > BUFFER_BYTES) this.bytes = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  }

  #makeRoom(bytes: number): void {
    const wanted = this.used + bytes
    if (wanted <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, this.bytes.length * 2))
    this.bytes.copy(larger, 0, 0, this.used)
    this.bytes = larger
  }
}
