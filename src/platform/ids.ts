import { getRandomValues } from 'node:crypto'
import type { Clock } from './clock.ts'

/** Makes identifiers. `next()` is strictly increasing as text within one process, also when the clock stands or goes back. */
export interface Ids {
  /** @param now by the clock, where somebody has just asked it; milliseconds since the epoch. */
  next(now?: number): string
}

const HEX: Uint8Array = Buffer.from('0123456789abcdef')
const POOL_BYTES = 4096
const COUNTER_MAX = 0xfff

/**
 * UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then a 12-bit counter (§6.2, method 1), then 62 random bits.
 * When the counter of a millisecond is used up, the next millisecond is borrowed, so that order is kept.
 *
 * @param fill fills a buffer with random bytes; a seeded one makes reproducible ids in tests and simulations.
 */
export function uuid7(clock: Clock, fill: (bytes: Uint8Array) => void = bytes => void getRandomValues(bytes)): Ids {
  const pool = new Uint8Array(POOL_BYTES)
  let used = POOL_BYTES
  let latestAt = -1
  let counter = 0
  // Written as bytes and made a text at once: put together from pieces, an id is a tree of twenty texts.
  const text = Buffer.alloc(36, '-')

  const startMillisecond = (at: number): void => {
    latestAt = at
    const hex = at.toString(16).padStart(12, '0')
    text.write(`${hex.slice(0, 8)}-${hex.slice(8)}-7`, 'latin1')
  }

  return {
    next(now = clock.now()): string {
      if (used + 9 > POOL_BYTES) {
        fill(pool)
        used = 0
      }
      if (now > latestAt) {
        startMillisecond(now)
        counter = pool[used + 8]! // a random start leaves most of the 12 bits to count with
      } else if (counter === COUNTER_MAX) {
        startMillisecond(latestAt + 1)
        counter = 0
      } else {
        counter++
      }
      text[15] = HEX[counter >> 8]!
      text[16] = HEX[(counter >> 4) & 15]!
      text[17] = HEX[counter & 15]!
      text[19] = HEX[((pool[used]! >> 4) & 3) | 8]!
      text[20] = HEX[pool[used]! & 15]!
      putByte(text, 21, pool[used + 1]!)
      for (let byte = 2; byte < 8; byte++) putByte(text, 20 + byte * 2, pool[used + byte]!)
      used += 9
      return text.toString('latin1')
    },
  }
}

function putByte(text: Uint8Array, at: number, byte: number): void {
  text[at] = HEX[byte >> 4]!
  text[at + 1] = HEX[byte & 15]!
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Whether a text is a UUIDv7 in its canonical (lower-case) form. */
export function isUuid7(text: string): boolean {
  return UUID.test(text)
}

/** The time in a UUIDv7, in milliseconds since the epoch. */
export function uuid7At(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

/** The smallest UUIDv7 of a millisecond: every id made at or after `at` is not smaller. */
export function uuid7From(at: number): string {
  const hex = at.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
