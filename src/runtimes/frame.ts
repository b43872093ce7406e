/**
 * What goes over the socket between the server and a Python worker. A frame is a header of 16 bytes (kind: u32, bytes of JSON: u32,
 * bytes of body: u64; little-endian), the JSON, the body. `docs/python-models.md` says what is in each.
 */
import { Problem } from '../errors.ts'

export const FRAME = { versions: 1, load: 2, columns: 3, predict: 4, done: 5, problem: 6 } as const

export type FrameKind = (typeof FRAME)[keyof typeof FRAME]

export interface Frame {
  readonly kind: number
  readonly told: Readonly<Record<string, unknown>>
  readonly body: Buffer
}

const HEADER_BYTES = 16
/** A worker's own words are few; a longer text is no frame of ours. */
const JSON_BYTES_MAX = 1 << 24

export function frameHead(kind: FrameKind, told: object, bodyBytes: number): Buffer {
  const text = Buffer.from(JSON.stringify(told))
  const head = Buffer.allocUnsafe(HEADER_BYTES + text.length)
  head.writeUInt32LE(kind, 0)
  head.writeUInt32LE(text.length, 4)
  head.writeBigUInt64LE(BigInt(bodyBytes), 8)
  text.copy(head, HEADER_BYTES)
  return head
}

/**
 * Puts frames together from pieces as they come.
 *
 * @param bodyBytesMax of an answer: more is refused before it is kept.
 */
export class FrameReader {
  readonly #hear: (frame: Frame) => void
  #pieces: Buffer[] = []
  #bytes = 0
  #wanted = HEADER_BYTES
  #head: { readonly kind: number; readonly jsonBytes: number; readonly bodyBytes: number } | undefined
  bodyBytesMax = 0

  constructor(hear: (frame: Frame) => void) {
    this.#hear = hear
  }

  /** Throws `failed` where the pieces are no frames. */
  take(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#bytes += piece.length
    while (this.#bytes >= this.#wanted) {
      const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces)
      const part = all.subarray(0, this.#wanted)
      const rest = all.subarray(this.#wanted)
      this.#pieces = rest.length === 0 ? [] : [rest]
      this.#bytes = rest.length
      this.#part(part)
    }
  }

  #part(part: Buffer): void {
    if (this.#head === undefined) {
      const [kind, jsonBytes] = [part.readUInt32LE(0), part.readUInt32LE(4)]
      const bodyBytes = Number(part.readBigUInt64LE(8))
      const isKnown = kind === FRAME.done || kind === FRAME.problem
      if (!isKnown || jsonBytes > JSON_BYTES_MAX || bodyBytes > this.bodyBytesMax) throw noFrame()
      this.#head = { kind, jsonBytes, bodyBytes }
      this.#wanted = jsonBytes + bodyBytes
      if (this.#wanted > 0) return
    }
    const { kind, jsonBytes } = this.#head
    this.#head = undefined
    this.#wanted = HEADER_BYTES
    this.#hear({ kind, told: parsed(part.subarray(0, jsonBytes)), body: part.subarray(jsonBytes) })
  }
}

function parsed(text: Buffer): Frame['told'] {
  try {
    const told: unknown = JSON.parse(text.toString())
    if (typeof told === 'object' && told !== null && !Array.isArray(told)) return told as Frame['told']
  } catch {
    // told below
  }
  throw noFrame()
}

function noFrame(): Problem {
  return new Problem(
    'failed',
    'Cannot read what the Python worker says: it is no frame of ours; does the model write to file descriptor 3?',
  )
}
