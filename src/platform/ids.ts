import { getRandomValues } from 'node:crypto'
import type { Clock } from './clock.ts'

/** Makes identifiers. `next()` is strictly increasing as text within one process, also when the clock stands or goes back. */
export interface Ids {
  next(): string
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
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
  let prefix = ''

  const startMillisecond = (at: number): void => {
    latestAt = at
    const hex = at.toString(16).padStart(12, '0')
    prefix = `${hex.slice(0, 8)}-${hex.slice(8)}-7`
  }

  return {
    next(): string {
      const now = clock.now()
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
      const at = used
      used += 9
      return (
        prefix +
        HEX[counter >> 8]![1]! +
        HEX[counter & 0xff]! +
        '-' +
        HEX[(pool[at]! & 0x3f) | 0x80]! +
        HEX[pool[at + 1]!]! +
        '-' +
        HEX[pool[at + 2]!]! +
        HEX[pool[at + 3]!]! +
        HEX[pool[at + 4]!]! +
        HEX[pool[at + 5]!]! +
        HEX[pool[at + 6]!]! +
        HEX[pool[at + 7]!]!
      )
    },
  }
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
