/**
 * The quick way through the door: invocations that come as callers nearly always send them (`http-quick-head.ts`), one at a time
 * and whole, are answered on their socket directly. Whatever else arrives on a connection hands it over to Node's own server,
 * with every byte that was read of what is not answered yet, and for good: nothing unusual is decided here. What a request means
 * and how it is answered is the same either way; `docs/adr/0029-quick-way.md` says what it saves.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { Problem } from '../errors.ts'
import { httpDate } from '../platform/http-date.ts'
import { http } from '../platform/node-http.ts'
import type { Answer } from '../route.ts'
import { JSON_TYPE, wholeText } from './http-answer.ts'
import { type Exchange, HttpInvocation, proceed } from './http-invocation.ts'
import { type QuickHead, readQuickHead } from './http-quick-head.ts'
import { type Asked, type Floor, sourceOf } from './http-request.ts'
import type { Addressed } from './http-router.ts'
import { readByOneBuffer } from './one-buffer.ts'

/** A request whose body is still coming after so long goes the other way, where the limits of time are. */
const PATIENCE_MS = 200
/** Longer requests go the other way when they do not come at once. */
const REQUEST_BYTES_MAX = 65_536
const NO_BYTES = Buffer.alloc(0)

export interface QuickLimits {
  /** A connection that was used is ended when it says nothing for so long. */
  readonly keepAliveMs: number
  /** The first request has to begin within so long. */
  readonly firstMs: number
  readonly checkEveryMs: number
}

export interface QuickWay {
  /**
   * Stands before a server's own way of taking connections.
   *
   * @param event with which the server says that a connection can be read.
   * @param headers written with every answer: complete lines.
   * @param admits counts a connection; false where there was no room for it, and it was let go of.
   */
  lead(
    server: Server,
    event: 'connection' | 'secureConnection',
    headers: string,
    admits?: (socket: Socket) => boolean,
  ): void
  /** From now on the answer of each connection is its last. */
  retire(): void
}

/** What the connections of one door share. */
interface Shared {
  readonly floor: Floor
  readonly limits: QuickLimits
  readonly endings: Endings
  /** To be told of a connection's first request. */
  readonly used: (message: Pick<Asked, 'socket'>) => void
  /** To be told of a connection that brought nothing in time. */
  readonly onSilent: (socket: Socket) => void
  /** Hand themselves over when they have waited for the rest of a request. */
  readonly waiting: Set<QuickConnection>
  isRetiring: boolean
}

export function quickWay(
  floor: Floor,
  limits: QuickLimits,
  used: Shared['used'],
  onSilent: Shared['onSilent'],
): QuickWay {
  const endings = endingsOf(httpDate(floor.parts.clock), limits.keepAliveMs)
  const shared: Shared = { floor, limits, endings, used, onSilent, waiting: new Set(), isRetiring: false }
  return {
    lead(server, event, headers, admits) {
      const [own] = server.listeners(event) as ((this: unknown, socket: Socket) => void)[]
      server.removeAllListeners(event)
      const all = new Set<QuickConnection>()
      const handOver = (socket: Socket): void => own!.call(server, socket)
      server.on(event, (socket: Socket) => {
        if (socket.destroyed) return
        const connection = new QuickConnection(shared, socket, all, headers, handOver)
        if (admits?.(connection.socket) !== false) all.add(connection)
      })
      const checking = setInterval(() => {
        for (const connection of all) connection.check()
      }, limits.checkEveryMs).unref()
      server.on('close', () => clearInterval(checking))
      alsoClosing(server, all)
    },
    retire() {
      shared.isRetiring = true
    },
  }
}

/** Whoever closes the connections of a server means these as well. */
function alsoClosing(server: Server, all: ReadonlySet<QuickConnection>): void {
  const { closeIdleConnections, closeAllConnections } = server
  server.closeIdleConnections = () => {
    closeIdleConnections.call(server)
    for (const connection of all) connection.endIfIdle()
  }
  server.closeAllConnections = () => {
    closeAllConnections.call(server)
    for (const connection of all) connection.socket.destroy()
  }
}

/** One connection, while everything on it is usual. */
class QuickConnection implements Exchange {
  readonly method = 'POST'
  readonly socket: Socket
  readonly #shared: Shared
  readonly #all: Set<QuickConnection>
  readonly #extraHeaders: string
  readonly #handOver: (socket: Socket) => void
  /** Left: handed over to Node's server. */
  #state: 'idle' | 'waiting' | 'answering' | 'ended' | 'left' = 'idle'
  /** What is not answered yet: the begin of a request, or what came behind one that is being answered. */
  #held: Buffer[] = []
  #heldBytes = 0
  /** The latest. */
  #head: QuickHead | undefined
  #addressed: Addressed | undefined
  #source = ''
  #wasUsed = false
  /** Whether the caller sends no more. */
  #isHalf = false
  #silentMs = 0

  constructor(
    shared: Shared,
    socket: Socket,
    all: Set<QuickConnection>,
    extraHeaders: string,
    handOver: (socket: Socket) => void,
  ) {
    this.#shared = shared
    this.#all = all
    this.#extraHeaders = extraHeaders
    this.#handOver = handOver
    const again = readByOneBuffer(socket, this.#take)
    this.socket = again ?? socket
    if (again === undefined) socket.on('data', this.#onData)
    this.socket.on('end', this.#onEnd)
    this.socket.on('error', this.#onError)
    this.socket.on('close', this.#onClose)
  }

  get url(): string {
    return this.#head!.url
  }

  get headers(): Asked['headers'] {
    return this.#head!.headers
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#take(chunk, chunk.length)
  }

  /** @param bytes another connection's, as soon as this one's have been looked at. */
  readonly #take = (bytes: Buffer, length: number): boolean => {
    if (this.#state === 'idle') this.#read(bytes, length)
    else if (this.#state === 'left') return false
    else if (this.#state !== 'ended') {
      this.#hold(bytes, length)
      // What comes behind a request waits, where it was sent from.
      if (this.#state === 'answering') this.socket.pause()
      else if (this.#heldBytes >= this.#head!.headBytes + this.#head!.bodyBytes) this.#readHeld()
    }
    return true
  }

  #hold(bytes: Buffer, length: number): void {
    this.#held.push(Buffer.from(bytes.subarray(0, length)))
    this.#heldBytes += length
  }

  /** Everything that is held, which is held no more. */
  #taken(): Buffer {
    const bytes = Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    return bytes
  }

  #readHeld(): void {
    this.#shared.waiting.delete(this)
    this.#state = 'idle'
    const bytes = this.#taken()
    this.#read(bytes, bytes.length)
  }

  #read(bytes: Buffer, length: number): void {
    if (this.#head?.takeAgain(bytes, length) !== true && !this.#takeHead(bytes.subarray(0, length))) {
      this.#leave(Buffer.from(bytes.subarray(0, length)))
      return
    }
    const { headBytes, bodyBytes } = this.#head!
    const wanted = headBytes + bodyBytes
    const isAllowed = bodyBytes <= this.#shared.floor.bodyLimits.bytesMax
    if (length === wanted && isAllowed) {
      const body = Buffer.allocUnsafe(bodyBytes)
      bytes.copy(body, 0, headBytes, wanted)
      this.#ask(body)
    } else if (length < wanted && wanted <= REQUEST_BYTES_MAX && isAllowed) this.#wait(bytes, length)
    else this.#leave(Buffer.from(bytes.subarray(0, length)))
  }

  /** Whether the chunk begins with a head that is answered here. */
  #takeHead(chunk: Buffer): boolean {
    const { floor } = this.#shared
    const head = readQuickHead(chunk)
    const addressed = head && floor.router.invoked(head.url)
    if (addressed === undefined) return false
    this.#head = head
    this.#addressed = addressed
    this.#source = sourceOf(this, floor)
    return true
  }

  #wait(bytes: Buffer, length: number): void {
    const { waiting } = this.#shared
    this.#state = 'waiting'
    this.#hold(bytes, length)
    if (waiting.size === 0) setTimeout(handOverAll, PATIENCE_MS, waiting).unref()
    waiting.add(this)
  }

  #ask(body: Buffer): void {
    const { floor, used } = this.#shared
    this.#state = 'answering'
    this.#silentMs = 0
    if (!this.#wasUsed) {
      this.#wasUsed = true
      used(this)
    }
    // A token that nobody has seen yet is judged before anybody asks whose it is.
    const judging = floor.parts.admission.judged?.(this.#head!.headers['authorization'])
    if (judging === undefined) this.#invoke(body, undefined)
    else void judging.then(() => this.#invoke(body, undefined))
  }

  /** @param broken why the body is not whole, if so. */
  #invoke(body: Buffer, broken: Problem | undefined): void {
    const { floor } = this.#shared
    const { route, params } = this.#addressed!
    const invocation = new HttpInvocation(floor, route, this, params, this.#source)
    const problem = invocation.refusal ?? broken
    const bytes = problem === undefined ? body : NO_BYTES
    proceed(floor, route, invocation, { bytes, problem, isCut: broken !== undefined }, this)
  }

  reply(answer: Answer, requestId: string, isLast: boolean): void {
    const { socket } = this
    if (socket.destroyed || this.#state !== 'answering') return
    const ends = isLast || this.#isHalf || this.#shared.isRetiring
    this.#write(answer, requestId, ends)
    this.#state = 'idle'
    if (ends) this.#end()
    else if (this.#heldBytes > 0) this.#leave(this.#taken())
    else if (socket.isPaused()) socket.resume()
  }

  #write(answer: Answer, requestId: string, ends: boolean): void {
    const { socket } = this
    const content = wholeText(answer)
    const length = answer.isAscii === true ? content.length : Buffer.byteLength(content)
    const head = this.#answerHead(answer, requestId, length, ends)
    if (typeof content !== 'string') {
      socket.cork()
      socket.write(head, 'latin1')
      socket.write(content)
      socket.uncork()
    } else socket.write(head + content, length === content.length ? 'latin1' : 'utf8')
  }

  #answerHead({ status = 200, type, headers }: Answer, requestId: string, length: number, ends: boolean): string {
    const { endings } = this.#shared
    const start = status === 200 && type === undefined ? USUAL_START : startOf(status, type)
    const more = headers === undefined ? this.#extraHeaders : this.#extraHeaders + lines(headers)
    return `${start}${length}\r\nx-request-id: ${requestId}\r\n${more}${ends ? endings.last() : endings.open()}`
  }

  check(): void {
    if (this.#state !== 'idle') return
    const { limits, onSilent } = this.#shared
    this.#silentMs += limits.checkEveryMs
    if (this.#silentMs < (this.#wasUsed ? limits.keepAliveMs : limits.firstMs)) return
    if (this.#wasUsed) this.#end()
    else {
      this.#state = 'ended'
      onSilent(this.socket)
    }
  }

  /** At once: its place may be wanted. One that was not used yet is not idle, as in Node: its request is on its way. */
  endIfIdle(): void {
    if (this.#state !== 'idle' || !this.#wasUsed) return
    this.#end()
    if (this.socket.writableLength === 0) this.socket.destroy()
  }

  #end(): void {
    this.#state = 'ended'
    this.socket.destroySoon()
  }

  handOver(): void {
    this.#leave(this.#taken())
  }

  /** Hands the connection over, for good, with what was read and not answered. */
  #leave(bytes: Buffer): void {
    const { socket } = this
    this.#state = 'left'
    this.#all.delete(this)
    socket.off('data', this.#onData)
    socket.off('end', this.#onEnd)
    socket.off('error', this.#onError)
    socket.off('close', this.#onClose)
    socket.pause()
    socket.unshift(bytes)
    this.#handOver(socket)
    socket.resume()
  }

  readonly #onEnd = (): void => {
    this.#isHalf = true
    if (this.#state === 'waiting') this.#breakOff()
    else if (this.#state === 'idle') this.#end()
  }

  /** The caller is gone or will send no more, and half a request is here: that is answered, and recorded, as such. */
  #breakOff(): void {
    this.#shared.waiting.delete(this)
    this.#taken()
    this.#state = 'answering'
    this.#invoke(NO_BYTES, new Problem('malformed', 'Cannot read the body: the caller hung up'))
  }

  readonly #onError = (): void => {
    this.socket.destroy()
  }

  readonly #onClose = (): void => {
    this.#all.delete(this)
    if (this.#state === 'waiting') this.#breakOff()
    if (this.#state === 'idle') this.#state = 'ended'
  }
}

/** Of an answer, up to the number of its bytes. */
function startOf(status: number, type: string = JSON_TYPE): string {
  return `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}\r\ncontent-type: ${type}\r\ncontent-length: `
}

const USUAL_START = startOf(200)

/** What the heads of answers end with: the same for all of a second. */
interface Endings {
  open(): string
  /** Of a connection's last answer. */
  last(): string
}

function endingsOf(date: () => string, keepAliveMs: number): Endings {
  let dated = ''
  let text = ''
  return {
    open() {
      const now = date()
      if (now !== dated) {
        dated = now
        text = `Date: ${now}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${keepAliveMs / 1_000}\r\n\r\n`
      }
      return text
    },
    last: () => `Date: ${date()}\r\nConnection: close\r\n\r\n`,
  }
}

function handOverAll(waiting: Set<QuickConnection>): void {
  const all = [...waiting]
  waiting.clear()
  for (const connection of all) connection.handOver()
}

/** Headers of an answer as lines; throws where a value could be taken for more than one. */
function lines(headers: Readonly<Record<string, string>>): string {
  let text = ''
  for (const name in headers) {
    const value = headers[name]!
    http.validateHeaderValue(name, value)
    text += `${name}: ${value}\r\n`
  }
  return text
}
