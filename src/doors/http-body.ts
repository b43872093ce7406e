/** Collects bodies, within limits of size, of time, and of what all of them together may hold in memory. */
import type { IncomingMessage } from 'node:http'
import { Problem } from '../errors.ts'

/** A body beyond its limit is read and thrown away up to so many times the limit, so that the caller hears the answer. */
const DISCARDED_PER_LIMIT = 4
/** Of all bodies that are arriving; one that needs more waits for the caller's next attempt. */
const ARRIVING_BYTES_MAX = 268_435_456

const COLLECTING = Symbol('collecting')

type CollectingSocket = IncomingMessage['socket'] & { [COLLECTING]?: Collection | undefined }

/** What became of a body. */
export interface Collected {
  /** Empty where there is a problem. */
  readonly bytes: Buffer
  readonly problem: Problem | undefined
  /** Whether the rest of it was left on the connection, which therefore cannot be used again. */
  readonly isCut: boolean
}

export interface BodyLimits {
  readonly bytesMax: number
}

/** Bytes of unfinished bodies: one for a door. */
export interface Arriving {
  bytes: number
}

const EMPTY = Buffer.alloc(0)

/**
 * Reads a message to its end, then calls `done` once. Bytes beyond the limit are not kept.
 *
 * @param refusal why the body is not wanted at all: it is thrown away then.
 */
export function collect(
  message: IncomingMessage,
  limits: BodyLimits,
  arriving: Arriving,
  refusal: Problem | undefined,
  done: (collected: Collected) => void,
): void {
  const length = message.headers['content-length']
  if (length === undefined && message.headers['transfer-encoding'] === undefined) {
    message.resume()
    done({ bytes: EMPTY, problem: refusal, isCut: false })
    return
  }
  const declared = length === undefined ? 0 : Number(length)
  const problem = refusal ?? (declared > limits.bytesMax ? bodyTooLarge(limits) : undefined)
  if (declared > limits.bytesMax * DISCARDED_PER_LIMIT) {
    done({ bytes: EMPTY, problem, isCut: true })
    return
  }
  new Collection(message, limits, arriving, problem, done).start()
}

/** The caller was too slow with the body that arrives on this socket; false where none does. */
export function endCollecting(socket: IncomingMessage['socket'], problem: Problem): boolean {
  const collection = (socket as CollectingSocket)[COLLECTING]
  collection?.end(problem, true)
  return collection !== undefined
}

class Collection {
  readonly #message: IncomingMessage
  readonly #limits: BodyLimits
  readonly #arriving: Arriving
  readonly #done: (collected: Collected) => void
  #problem: Problem | undefined
  /** Most bodies are one chunk. */
  #first: Buffer | undefined
  #rest: Buffer[] | undefined
  #bytes = 0
  #isOver = false

  constructor(
    message: IncomingMessage,
    limits: BodyLimits,
    arriving: Arriving,
    problem: Problem | undefined,
    done: (collected: Collected) => void,
  ) {
    this.#message = message
    this.#limits = limits
    this.#arriving = arriving
    this.#problem = problem
    this.#done = done
  }

  start(): void {
    const message = this.#message
    ;(message.socket as CollectingSocket)[COLLECTING] = this
    message.on('data', chunk => this.#take(chunk as Buffer))
    message.on('end', () => this.end(undefined, false))
    message.on('error', () => this.end(new Problem('malformed', 'Cannot read the body: the caller hung up'), true))
  }

  #take(chunk: Buffer): void {
    if (this.#isOver) return
    this.#bytes += chunk.length
    if (this.#problem === undefined) this.#keep(chunk)
    if (this.#bytes > this.#limits.bytesMax * DISCARDED_PER_LIMIT) this.end(undefined, true)
  }

  #keep(chunk: Buffer): void {
    if (this.#bytes > this.#limits.bytesMax) {
      this.#refuse(bodyTooLarge(this.#limits))
    } else if (this.#first === undefined) {
      this.#first = chunk
    } else {
      // Counted from the second chunk on: a body that comes in one is gone again before the next can arrive.
      const crowded = addArriving(this.#arriving, chunk.length)
      this.#rest ??= []
      if (crowded === undefined) this.#rest.push(chunk)
      else this.#refuse(crowded)
    }
  }

  #refuse(problem: Problem): void {
    this.#problem = problem
    this.#release()
    this.#first = undefined
    this.#rest = undefined
  }

  #release(): void {
    for (const chunk of this.#rest ?? []) this.#arriving.bytes -= chunk.length
  }

  end(problem: Problem | undefined, isCut: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    ;(this.#message.socket as CollectingSocket)[COLLECTING] = undefined
    this.#problem ??= problem
    this.#release()
    const isWhole = this.#problem === undefined
    const bytes = !isWhole || this.#first === undefined ? EMPTY : this.#joined(this.#first)
    this.#done({ bytes, problem: this.#problem, isCut })
  }

  #joined(first: Buffer): Buffer {
    return this.#rest === undefined ? first : Buffer.concat([first, ...this.#rest])
  }
}

/** Counts bytes of a body that is not whole yet; the problem where there is no room for them, which are not counted then. */
export function addArriving(arriving: Arriving, bytes: number): Problem | undefined {
  if (arriving.bytes + bytes > ARRIVING_BYTES_MAX) {
    const found = `unfinished bodies hold ${arriving.bytes} bytes`
    return new Problem('overloaded', `Cannot read the body: ${found}, too many arrive at once`)
  }
  arriving.bytes += bytes
  return undefined
}

export function bodyTooLarge({ bytesMax }: BodyLimits): Problem {
  return new Problem('too_large', `Cannot read the body: it has more than ${bytesMax} bytes, the limit`)
}

const JSON_TYPES = /^\s*application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i
const FORM_TYPE = /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i
const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)/i

/**
 * Whether a body may be read as JSON. A caller that says nothing may (Triton's client says nothing); and so may
 * `curl -d '{…}'`, which calls everything a form, where the first byte shows that it is none.
 *
 * @param others media types that are taken as well, in lower case.
 * @throws Problem `unsupported_type`.
 */
export function requireJson(contentType: string | undefined, bytes: Buffer, others?: readonly string[]): void {
  if (contentType === undefined || contentType === 'application/json') return
  const isOther = others?.includes(contentType.split(';')[0]!.trim().toLowerCase())
  const charset = CHARSET.exec(contentType)?.[1]?.toLowerCase() ?? 'utf-8'
  if (charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii') {
    throw new Problem(
      'unsupported_type',
      `Cannot read the body: its charset is ${charset.slice(0, 40)}, utf-8 was wanted`,
    )
  }
  if (isOther || JSON_TYPES.test(contentType)) return
  if (FORM_TYPE.test(contentType) && (bytes[0] === 0x7b || bytes[0] === 0x5b)) return
  const found = contentType.split(';')[0]!.slice(0, 60)
  throw new Problem(
    'unsupported_type',
    `Cannot read the body: its type is ${found}, ${['application/json', ...(others ?? [])].join(' or ')} was wanted`,
  )
}
