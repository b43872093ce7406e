/**
 * One call: its messages are taken in, each is answered in its turn, and answers leave in the order of their questions. A
 * call that does not stream has one message. Whatever becomes of an invocation, also here (not in time, too large, no turn),
 * it reaches `invoke`, which writes the record.
 */
import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { asProblem, Problem } from '../errors.ts'
import type { Actor, Answer } from '../route.ts'
import { type GrpcFloor, type Procedure, timeoutOf } from './grpc-floor.ts'
import type { CallHead } from './grpc-invocation.ts'
import { framed, Messages, type Packed, unpack } from './grpc-messages.ts'
import { DONE, refusedTrailers } from './grpc-status.ts'
import { requestIdOf } from './http-request.ts'

/** Messages of one stream that are being answered at once; more are read when some of them are answered. */
const UNDER_WAY_MAX = 64
/** What unfinished messages of all calls may hold. */
const ARRIVING_BYTES_MAX = 268_435_456
/** Longer times than a timer can wait are none. */
const TIMER_MS_MAX = 2_147_483_647

/** A question in the order of answers: its answer, or why it ends the call. */
export interface Slot {
  readonly requestId: string
  answer: Answer | undefined
  problem: Problem | undefined
}

/** Answers one message: settles its slot, now or later, and says so by `call.settled(slot)`. */
export type Answering = (call: GrpcCall, slot: Slot, message: Buffer | undefined, problem: Problem | undefined) => void

export class GrpcCall implements CallHead {
  readonly headers: IncomingHttpHeaders
  readonly source: string
  readonly procedure: Procedure
  isOver: Problem | undefined = undefined
  /** Ends what sends in its own time. */
  endFeed: (() => void) | undefined
  readonly #floor: GrpcFloor
  readonly #answering: Answering
  readonly #stream: ServerHttp2Stream
  readonly #messages: Messages
  readonly #slots: Slot[] = []
  /** Bytes of unfinished messages, as the door counts them. */
  #arriving = 0
  #count = 0
  /** Whether the caller said that it sends no more, and whether all that it sent is read. */
  #hasAllArrived = false
  #isHalfClosed = false
  #hasEnded = false
  #isFlushing = false
  #callOffDeadline: (() => void) | undefined

  constructor(
    floor: GrpcFloor,
    procedure: Procedure,
    answering: Answering,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
  ) {
    this.headers = headers
    this.procedure = procedure
    this.#floor = floor
    this.#answering = answering
    this.#stream = stream
    this.#messages = new Messages(floor.parts.limits.bodyBytesMax)
    const remote = stream.session?.socket.remoteAddress ?? ''
    const address = remote.startsWith('::ffff:') ? remote.slice(7) : remote
    this.source = floor.parts.proxies?.callerOf(address, headers['x-forwarded-for']) ?? address
  }

  /** Begins to read; it answers in its own time. */
  start(): void {
    const stream = this.#stream
    stream.on('close', () => this.#closed())
    stream.on('data', (chunk: Buffer) => this.#collect(chunk))
    stream.on('end', () => this.#halfClosed())
    if (this.procedure.isStream) stream.on('drain', () => this.#flush())
    else this.#floor.arrival.begin(this)
    try {
      this.#heed(timeoutOf(this.headers['grpc-timeout']))
    } catch (error) {
      this.#noMessage(asProblem(error))
    }
  }

  admit(permission: string): Actor {
    const { authorization, origin, host } = this.headers
    const authority = this.headers[':authority'] as string | undefined
    return this.#floor.parts.admission.admit(authorization, authority ?? host, origin, permission)
  }

  /** The door closes: one that has one question is answered, others end with what was answered so far. */
  endSoon(): void {
    if (!this.procedure.isStream && this.endFeed === undefined) return
    this.isOver ??= STOPPING
    if (this.#slots.length === 0 || this.endFeed !== undefined) this.#refuse(STOPPING, undefined)
  }

  /** Its message did not come in time. */
  late(): void {
    this.#noMessage(SLOW)
  }

  /** A slot has its answer, or its problem: what is answered in order leaves. */
  settled(slot: Slot): void {
    if (this.#slots[0] === slot) this.#flush()
  }

  /** Sends without a question. */
  send(message: Buffer): void {
    if (this.#hasEnded) return
    this.#respond(undefined)
    this.#stream.write(framed(message))
  }

  /** Nobody is answered after the time that the caller gave. */
  #heed(timeoutMs: number | undefined): void {
    if (timeoutMs === undefined || timeoutMs > TIMER_MS_MAX) return
    this.#callOffDeadline = this.#floor.parts.timers.after(timeoutMs, () => {
      const late = new Problem('timeout', `Cannot answer: the ${timeoutMs} ms that the caller gave are over`)
      this.isOver = late
      if (this.#count === 0) this.#noMessage(late)
      else this.#refuse(late, undefined)
    })
  }

  #collect(chunk: Buffer): void {
    if (this.#hasEnded || (this.#count > 0 && !this.procedure.isStream)) return
    this.#messages.push(chunk)
    this.#readOn()
  }

  /** Takes the messages that are there, as many as may be under way. */
  #readOn(): void {
    try {
      while (this.#slots.length < UNDER_WAY_MAX && (this.#count === 0 || this.procedure.isStream)) {
        const packed = this.#messages.next()
        if (packed === undefined) break
        this.#take(packed)
      }
      this.#countArriving(this.#messages.size)
    } catch (error) {
      this.#noMessage(asProblem(error))
    }
    if (this.#slots.length >= UNDER_WAY_MAX) this.#stream.pause()
  }

  #countArriving(size: number): void {
    if (size === this.#arriving) return
    this.#floor.arrivingBytes += size - this.#arriving
    this.#arriving = size
    if (size > 0 && this.#floor.arrivingBytes > ARRIVING_BYTES_MAX) throw CROWDED
  }

  #take({ bytes, isCompressed }: Packed): void {
    const slot = this.#place()
    if (!isCompressed) {
      this.#answering(this, slot, bytes, undefined)
      return
    }
    const encoding = this.headers['grpc-encoding'] as string | undefined
    unpack(bytes, encoding, this.#floor.parts.limits.bodyBytesMax).then(
      unpacked => this.#answering(this, slot, unpacked, undefined),
      error => this.#answering(this, slot, undefined, asProblem(error)),
    )
  }

  /** What comes is no message, and nothing is read after it. */
  #noMessage(problem: Problem): void {
    if (this.#hasEnded || this.#isHalfClosed || (this.#count > 0 && !this.procedure.isStream)) return
    this.#isHalfClosed = true
    this.#answering(this, this.#place(), undefined, problem)
  }

  #place(): Slot {
    this.#count++
    if (!this.procedure.isStream) this.#floor.arrival.end(this)
    const requestId = this.#count === 1 ? requestIdOf(this, this.#floor.parts.ids) : this.#floor.parts.ids.next()
    const slot: Slot = { requestId, answer: undefined, problem: undefined }
    this.#slots.push(slot)
    return slot
  }

  /** The caller sends no more; what came may still wait to be read. */
  #halfClosed(): void {
    this.#hasAllArrived = true
    this.#conclude()
  }

  /** Once everything that came is read, nothing else is. */
  #conclude(): void {
    if (!this.#hasAllArrived || this.#isHalfClosed || this.#hasEnded || this.#slots.length >= UNDER_WAY_MAX) return
    if (this.#messages.isWithin || (this.#count === 0 && !this.procedure.isStream)) {
      this.#noMessage(BROKEN_OFF)
      return
    }
    this.#isHalfClosed = true
    if (this.#slots.length === 0 && this.procedure.isStream) this.#finish(DONE, undefined)
  }

  #flush(): void {
    if (this.#isFlushing || this.#hasEnded) return
    this.#isFlushing = true
    const slots = this.#slots
    while (slots.length > 0 && !this.#stream.writableNeedDrain) {
      const { answer, problem, requestId } = slots[0]!
      if (problem !== undefined) {
        this.#refuse(problem, requestId)
        return
      }
      if (answer === undefined) break
      slots.shift()
      if (!this.procedure.isStream) {
        this.#finish(DONE, answer, requestId)
        return
      }
      this.#respond(answer, requestId)
      this.#stream.write(framed(answer.body as Buffer))
    }
    this.#isFlushing = false
    if (slots.length === 0 && this.isOver !== undefined) this.#refuse(this.isOver, undefined)
    else if (slots.length === 0 && this.#isHalfClosed) this.#finish(DONE, undefined)
    else if (slots.length < UNDER_WAY_MAX / 2) this.#goOn()
  }

  #goOn(): void {
    if (this.#stream.isPaused()) this.#stream.resume()
    if (this.#isHalfClosed) return
    this.#readOn()
    this.#conclude()
  }

  #respond(answer: Answer | undefined, requestId?: string): void {
    if (this.#stream.headersSent || this.#stream.destroyed) return
    this.#stream.respond(headOf(answer, requestId), { waitForTrailers: true })
  }

  #refuse(problem: Problem, requestId: string | undefined): void {
    this.#finish(refusedTrailers(problem, requestId ?? ''), undefined, requestId)
  }

  /** The last that is sent; an answer before it. */
  #finish(trailers: OutgoingHttpHeaders, answer: Answer | undefined, requestId?: string): void {
    const stream = this.#stream
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#letGo()
    if (stream.destroyed || stream.closed) return
    if (answer === undefined && !stream.headersSent) {
      stream.respond({ ...headOf(undefined, requestId), ...trailers }, { endStream: true })
      this.#hangUp()
      return
    }
    this.#respond(answer, requestId)
    stream.on('wantTrailers', () => {
      stream.sendTrailers(trailers)
      if (!this.#hasAllArrived) setImmediate(() => this.#hangUp()) // at once, it would overtake them
    })
    if (answer === undefined) stream.end()
    else stream.end(framed(answer.body as Buffer))
  }

  /** Everything was said: who still has something to say need not. */
  #hangUp(): void {
    if (!this.#hasAllArrived && !this.#stream.closed) this.#stream.close(constants.NGHTTP2_NO_ERROR)
  }

  /** The caller is gone, or everything was said. */
  #closed(): void {
    if (!this.#hasEnded) {
      this.isOver ??= CANCELLED
      if (this.#messages.isWithin || (this.#count === 0 && !this.procedure.isStream)) this.#noMessage(BROKEN_OFF)
      this.#hasEnded = true
    }
    this.#letGo()
  }

  #letGo(): void {
    this.#callOffDeadline?.()
    if (this.#count === 0) this.#floor.arrival.end(this)
    this.#floor.arrivingBytes -= this.#arriving
    this.#arriving = 0
    this.endFeed?.()
    this.endFeed = undefined
  }
}

const SLOW = new Problem('timeout', 'Cannot read the message: it did not arrive in time')
const BROKEN_OFF = new Problem('malformed', 'Cannot read the message: the call ended before it was whole')
const CANCELLED = new Problem('timeout', 'Cannot answer: the caller called it off before its turn came')
const CROWDED = new Problem('overloaded', 'Cannot read the message: too many arrive at once')
const STOPPING = new Problem('unavailable', 'Cannot answer: the server is stopping')
const TYPE = 'application/grpc'

function headOf(answer: Answer | undefined, requestId: string | undefined): OutgoingHttpHeaders {
  const head: OutgoingHttpHeaders = { ':status': 200, 'content-type': TYPE }
  if (requestId !== undefined) head['x-request-id'] = requestId
  return answer?.headers === undefined ? head : { ...head, ...answer.headers }
}
