/**
 * What two processes of one program say to each other over a stream that belongs to them alone: questions with answers, and
 * frames of bytes for what is said often. Both sides are the same version of the program and trust each other.
 */
import type { Duplex } from 'node:stream'
import { deserialize, serialize } from 'node:v8'
import { Problem, type ProblemCode } from '../errors.ts'
import { FRAME_BYTES_MAX, frameReader, LENGTH_BYTES } from './frames.ts'

export interface Link {
  /**
   * Asks the other side. What it answers, and the question, may be whatever the structured clone algorithm takes. Rejects with
   * what its handler threw (a `Problem` stays one), with `unavailable` where the other side is gone or goes.
   */
  ask<T>(name: string, body?: unknown): Promise<T>
  /** Answers the other side's questions of this name. A question that comes before has waited. */
  answer<Body>(name: string, handle: (body: Body) => unknown): void
  /**
   * Sends a frame that begins with `LINK_HEAD_BYTES` for us to fill. Its bytes must stay as they are until `sent` is called,
   * which may be never.
   *
   * @param kind 0 to 250.
   */
  send(kind: number, frame: Buffer, sent?: () => void): void
  /** Takes the frames of a kind, without their heads; the bytes must not be looked at after the call. */
  onFrame(kind: number, take: (bytes: Buffer) => void): void
  /** Resolves when the other side is gone. */
  readonly gone: Promise<void>
  readonly isGone: boolean
  close(): void
}

const KIND_BYTES = 1
/** Bytes that a sender leaves free before a frame's own. */
export const LINK_HEAD_BYTES: number = LENGTH_BYTES + KIND_BYTES
const ASK = 255
const ANSWER = 254
const FAILURE = 253
const ID_BYTES = 4
/** Questions that nobody answers yet; beyond it something is wrong. */
const EARLY_MAX = 1_000

interface Question {
  readonly name: string
  readonly body: unknown
}

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

export function linkOver(stream: Duplex): Link {
  return new StreamLink(stream)
}

class StreamLink implements Link {
  readonly gone: Promise<void>
  readonly #stream: Duplex
  readonly #waiting = new Map<number, Waiting>()
  readonly #handlers = new Map<string, (body: never) => unknown>()
  readonly #takers: (((bytes: Buffer) => void) | undefined)[] = []
  #early: { readonly id: number; readonly question: Question }[] = []
  #nextId = 0
  #isGone = false

  constructor(stream: Duplex) {
    this.#stream = stream
    const read = frameReader(frame => this.#take(frame))
    stream.on('data', (chunk: Buffer) => read(chunk))
    const { promise, resolve } = Promise.withResolvers<void>()
    this.gone = promise
    stream.on('error', () => {}) // a stream that fails closes as well
    stream.on('end', () => stream.destroy())
    stream.on('close', () => {
      this.#isGone = true
      for (const { reject } of this.#waiting.values()) reject(goneProblem())
      this.#waiting.clear()
      resolve()
    })
  }

  get isGone(): boolean {
    return this.#isGone
  }

  ask<T>(name: string, body?: unknown): Promise<T> {
    if (this.#isGone) return Promise.reject(goneProblem())
    return new Promise<T>((resolve, reject) => {
      this.#nextId = (this.#nextId + 1) % 0x1_0000_0000
      const id = this.#nextId
      this.#waiting.set(id, { resolve, reject })
      try {
        this.#write(ASK, id, { name, body })
      } catch (error) {
        this.#waiting.delete(id)
        reject(error)
      }
    })
  }

  answer<Body>(name: string, handle: (body: Body) => unknown): void {
    this.#handlers.set(name, handle)
    const early = this.#early
    this.#early = []
    for (const { id, question } of early) this.#hear(id, question)
  }

  send(kind: number, frame: Buffer, sent?: () => void): void {
    if (this.#isGone) return
    frame.writeUInt32LE(frame.length - LENGTH_BYTES, 0)
    frame[LENGTH_BYTES] = kind
    this.#stream.write(frame, sent)
  }

  onFrame(kind: number, take: (bytes: Buffer) => void): void {
    this.#takers[kind] = take
  }

  close(): void {
    this.#stream.destroy()
  }

  #take(frame: Buffer): void {
    const kind = frame[0]!
    if (kind < FAILURE) {
      this.#takers[kind]?.(frame.subarray(KIND_BYTES))
      return
    }
    const id = frame.readUInt32LE(KIND_BYTES)
    const value: unknown = deserialize(frame.subarray(KIND_BYTES + ID_BYTES))
    if (kind === ASK) {
      this.#hear(id, value as Question)
      return
    }
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (kind === ANSWER) waiting?.resolve(value as never)
    else waiting?.reject(errorOf(value as SentError))
  }

  #hear(id: number, question: Question): void {
    const handle = this.#handlers.get(question.name)
    if (handle !== undefined) void this.#reply(id, question, handle)
    else if (this.#early.length < EARLY_MAX) this.#early.push({ id, question })
    else this.#fail(id, new Error(`Cannot answer ${question.name}: ${EARLY_MAX} questions wait already`))
  }

  async #reply(id: number, { body }: Question, handle: (body: never) => unknown): Promise<void> {
    try {
      this.#write(ANSWER, id, await handle(body as never))
    } catch (error) {
      this.#fail(id, error)
    }
  }

  #fail(id: number, error: unknown): void {
    this.#write(FAILURE, id, sentError(error))
  }

  #write(kind: number, id: number, value: unknown): void {
    if (this.#isGone) return
    const content = serialize(value)
    if (content.length > FRAME_BYTES_MAX - 64) throw new RangeError(`Cannot send ${content.length} bytes at once`)
    const frame = Buffer.allocUnsafe(LINK_HEAD_BYTES + ID_BYTES + content.length)
    frame.writeUInt32LE(id, LINK_HEAD_BYTES)
    frame.set(content, LINK_HEAD_BYTES + ID_BYTES)
    this.send(kind, frame)
  }
}

function goneProblem(): Problem {
  return new Problem('unavailable', 'Cannot ask the other process of this server: it is gone')
}

interface SentError {
  readonly message: string
  /** Of a `Problem`. */
  readonly problem?: Pick<Problem, 'code' | 'fields' | 'retryAfterSeconds'>
  /** Of a system or database error. */
  readonly code?: string
}

function sentError(error: unknown): SentError {
  if (error instanceof Problem) {
    const { message, code, fields, retryAfterSeconds } = error
    return { message, problem: { code, fields, retryAfterSeconds } }
  }
  if (!(error instanceof Error)) return { message: String(error) }
  return { message: error.message, ...('code' in error && { code: String(error.code) }) }
}

function errorOf({ message, problem, code }: SentError): Error {
  if (problem === undefined) return Object.assign(new Error(message), code !== undefined && { code })
  const { fields, retryAfterSeconds } = problem
  return problemOf(problem.code, message, fields, retryAfterSeconds)
}

function problemOf(
  code: ProblemCode,
  message: string,
  fields: Problem['fields'],
  retryAfterSeconds: number | undefined,
): Problem {
  return new Problem(code, message, { fields, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) })
}
