/** Takes the messages of a call out of its bytes: each has a flag and a length before it, and may be compressed. */
import { promisify } from 'node:util'
import { gunzip, type InputType, inflate, type ZlibOptions } from 'node:zlib'
import { Problem } from '../errors.ts'
import { malformedMessage } from '../platform/protobuf.ts'

const PREFIX_BYTES = 5

type Decompress = (bytes: InputType, options: ZlibOptions) => Promise<Buffer>

const DECOMPRESS: Readonly<Record<string, Decompress>> = { gzip: promisify(gunzip), deflate: promisify(inflate) }

/** What is told to clients, so that they know. */
export const ENCODINGS = 'identity,deflate,gzip'

export function isEncodingKnown(encoding: string | undefined): boolean {
  return encoding === undefined || encoding === 'identity' || Object.hasOwn(DECOMPRESS, encoding)
}

/** A message as it came; a part of the memory that came with it. */
export interface Packed {
  readonly bytes: Buffer
  readonly isCompressed: boolean
}

/** Puts a message into its frame. */
export function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length)
  frame[0] = 0
  frame.writeUInt32BE(message.length, 1)
  message.copy(frame, PREFIX_BYTES)
  return frame
}

/** Collects chunks, and gives messages when they are whole. */
export class Messages {
  readonly #bytesMax: number
  /** What came and belongs to no whole message yet. */
  #chunks: Buffer[] = []
  #size = 0
  /** Of the message that is coming, with its prefix; -1 until that is there. */
  #wanted = -1

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Whether something came that is no whole message. */
  get isWithin(): boolean {
    return this.#size > 0
  }

  get size(): number {
    return this.#size
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /** The next whole message, if it is there. Throws `too_large` as soon as its length is known, or `malformed`. */
  next(): Packed | undefined {
    if (this.#wanted === -1) {
      if (this.#size < PREFIX_BYTES) return undefined
      this.#wanted = this.#lengthOf(this.#whole()) + PREFIX_BYTES
    }
    if (this.#size < this.#wanted) return undefined
    const all = this.#whole()
    const bytes = all.subarray(PREFIX_BYTES, this.#wanted)
    const isCompressed = all[0] === 1
    const rest = all.subarray(this.#wanted)
    this.#chunks = rest.length === 0 ? [] : [rest]
    this.#size = rest.length
    this.#wanted = -1
    return { bytes, isCompressed }
  }

  /** All that came, as one piece. */
  #whole(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0]!
  }

  #lengthOf(prefix: Buffer): number {
    if (prefix[0]! > 1) throw malformedMessage('its frame is none of gRPC')
    const length = prefix.readUInt32BE(1)
    if (length <= this.#bytesMax) return length
    throw tooLarge(`it has ${length} bytes`, this.#bytesMax)
  }
}

function tooLarge(found: string, bytesMax: number): Problem {
  return new Problem('too_large', `Cannot read the message: ${found}, at most ${bytesMax} bytes are taken`)
}

/** Unpacks a message. Rejects with `too_large` or `malformed`. */
export async function unpack(packed: Buffer, encoding: string | undefined, bytesMax: number): Promise<Buffer> {
  const decompress = encoding === undefined ? undefined : DECOMPRESS[encoding]
  if (decompress === undefined) throw malformedMessage('it is compressed, and grpc-encoding does not say how')
  try {
    return await decompress(packed, { maxOutputLength: bytesMax })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw tooLarge('unpacked it is larger than is taken', bytesMax)
    }
    throw malformedMessage(`it is no ${encoding}`)
  }
}
