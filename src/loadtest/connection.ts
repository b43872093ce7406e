/** One kept connection of a load test: it sends a request, says when its answer is whole, and is made anew when it breaks. */
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { AnswerReader } from './answer-reader.ts'

export interface Endpoint {
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
}

/** What a connection tells of itself. */
export interface ConnectionEvents {
  /** It is open and nothing is under way: it can be sent over. */
  idle(connection: Connection): void
  answered(connection: Connection, status: number, sample: string): void
  /** It broke while an answer was awaited. */
  lost(connection: Connection, reason: string): void
  /** It could not be opened; it tries again by itself. */
  unreachable(reason: string): void
}

const RETRY_MS_MIN = 10
const RETRY_MS_MAX = 500

export class Connection {
  /** When the request under way should have been sent, and was, milliseconds of the caller's clock. */
  dueAt = 0
  sentAt = 0
  #state: 'opening' | 'idle' | 'busy' | 'closed' = 'opening'
  #socket: Socket | undefined
  #reader = new AnswerReader()
  #retryMs = RETRY_MS_MIN
  #retry: NodeJS.Timeout | undefined
  readonly #endpoint: Endpoint
  readonly #events: ConnectionEvents

  constructor(endpoint: Endpoint, events: ConnectionEvents) {
    this.#endpoint = endpoint
    this.#events = events
  }

  /** Whether an answer is awaited. */
  get isBusy(): boolean {
    return this.#state === 'busy'
  }

  /** Whether it can be sent over. */
  get isIdle(): boolean {
    return this.#state === 'idle'
  }

  /** Opens it; `idle` follows, as often as it can be sent over again. */
  open(): void {
    if (this.#state === 'closed') return
    this.#state = 'opening'
    const reader = new AnswerReader()
    this.#reader = reader
    const socket = this.#connect()
    this.#socket = socket
    let reason = 'the server closed the connection'
    socket.setNoDelay(true)
    socket.once(this.#endpoint.isSecure ? 'secureConnect' : 'connect', () => this.#ready())
    socket.on('data', bytes => {
      try {
        if (reader.read(bytes) && socket === this.#socket) this.#whole()
      } catch (error) {
        reason = (error as Error).message
        socket.destroy()
      }
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      reason = error.message === '' ? (error.code ?? 'unknown') : error.message
    })
    socket.on('close', () => {
      if (socket !== this.#socket) return // given up before, and another is there in its place
      if (this.#state === 'busy' && reader.end()) this.#whole()
      else this.#broken(reason)
    })
  }

  /** Only while idle. */
  send(request: Buffer, dueAt: number, sentAt: number): void {
    this.dueAt = dueAt
    this.sentAt = sentAt
    this.#state = 'busy'
    this.#socket!.write(request)
  }

  /** Waits no longer for the answer. The connection could still bring it, and is replaced. */
  abandon(): void {
    this.#replace()
  }

  close(): void {
    this.#state = 'closed'
    clearTimeout(this.#retry)
    this.#socket?.destroy()
  }

  #connect(): Socket {
    const { host, port, isSecure } = this.#endpoint
    if (!isSecure) return connectPlain(port, host)
    return connectSecure({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}) })
  }

  #ready(): void {
    this.#state = 'idle'
    this.#events.idle(this)
  }

  #whole(): void {
    if (this.#state !== 'busy') throw new Error('there is an answer that nobody asked for')
    const { status, isKept, sample } = this.#reader
    this.#retryMs = RETRY_MS_MIN
    this.#state = 'opening'
    this.#events.answered(this, status, sample)
    if (this.#isOver()) return
    if (isKept && this.#socket?.destroyed === false) this.#ready()
    else this.#replace()
  }

  #replace(): void {
    const old = this.#socket
    this.open()
    old?.destroy()
  }

  #broken(reason: string): void {
    if (this.#isOver()) return
    const was = this.#state
    this.#state = 'opening'
    if (was === 'busy') this.#events.lost(this, reason)
    else if (was === 'opening') this.#events.unreachable(reason)
    // Not at once: a server that takes connections and drops them would be asked again as fast as the machine can.
    this.#retry = setTimeout(() => this.open(), this.#retryMs)
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2)
  }

  /** Asked by a method of its own, because an event may have closed it meanwhile. */
  #isOver(): boolean {
    return this.#state === 'closed'
  }
}
