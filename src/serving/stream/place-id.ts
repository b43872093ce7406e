/**
 * Ids of records by the place of a message: whoever answers a message again gives it the id that it had (docs/adr/0021).
 */
import { createHash } from 'node:crypto'

/** Where a message stands, and for whom it is answered. */
export interface Place {
  /** Consumer group. Another group's answer to the same message is another prediction. */
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Of the message, milliseconds since the epoch; part of the message, and so the same whenever it is read. */
  readonly timestamp: bigint
}

const TIMESTAMP_MAX = 2n ** 48n - 1n

/**
 * A UUIDv7 by its form (RFC 9562 §5.7): the message's milliseconds, then 74 bits of a SHA-256 of its place in place of the
 * random ones. A timestamp that no id can hold (a producer may write any) becomes the nearest.
 */
export function placeId({ group, topic, partition, offset, timestamp }: Place): string {
  const at = timestamp < 0n ? 0n : timestamp > TIMESTAMP_MAX ? TIMESTAMP_MAX : timestamp
  // Neither a group's nor a topic's name holds a line feed: no two places have the same text.
  const digest = createHash('sha256').update(`${group}\n${topic}\n${partition}\n${offset}`).digest()
  digest[0] = 0x70 | (digest[0]! & 0x0f)
  digest[2] = 0x80 | (digest[2]! & 0x3f)
  const time = at.toString(16).padStart(12, '0')
  const hex = digest.toString('hex', 0, 10)
  return `${time.slice(0, 8)}-${time.slice(8)}-${hex.slice(0, 4)}-${hex.slice(4, 8)}-${hex.slice(8)}`
}

/** The message as the id of a request: it says in record and log where to look. */
export function placeText({ topic, partition, offset }: Pick<Place, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}/${partition}/${offset}`
}
