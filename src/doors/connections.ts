/**
 * Keeps the number of connections bounded, and lets go of those first that have brought nothing: whoever opens thousands and
 * sends a byte now and then must not keep others out.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** When it came, while it has brought nothing; 0 from its first request on. */
const CAME_AT = Symbol('came at')
type CountedSocket = Socket & { [CAME_AT]?: number }

/** A request may take so long to follow its connection, however many come. */
const GRACE_MS = 250
/** Where none was idle, it is not looked again for so long. */
const IDLE_MS = 100
/** Requests of one connection that are wait behind others; more are read once half of them are answered. */
const PIPELINED_MAX = 32
/** A caller that takes nothing of its answer from one look to the next is let go of, milliseconds. */
const STALLED_MS = 60_000

export interface Connections {
  /** Begins to look after what comes to this server. */
  watch(server: Server): void
  /** Counts a connection; false where there was no room for it, and it was let go of. */
  admits(socket: Socket): boolean
  /** To be told of each request, before it is answered. */
  used(message: Pick<IncomingMessage, 'socket'>): void
}

/** @param timer milliseconds, never going back. */
export function connections(max: number, timer: () => number, stalledMs: number = STALLED_MS): Connections {
  const all = new Set<CountedSocket>()
  /** Of these, those that have not brought a whole head of a request yet. Both in the order in which they came. */
  const fresh = new Set<CountedSocket>()
  const servers: Server[] = []
  let noneIdleAt = Number.NEGATIVE_INFINITY

  const evict = (socket: CountedSocket): void => {
    socket.destroy()
    all.delete(socket)
    fresh.delete(socket)
  }
  /** The first that brought nothing, if it came long enough ago. */
  const evictFresh = (before: number): boolean => {
    const [first] = fresh
    if (first === undefined || first[CAME_AT]! > before) return false
    evict(first)
    return true
  }
  /** Whether there is room for another. A newcomer of today must not pay for those who came long ago and are silent. */
  const makeRoom = (): boolean => {
    const now = timer()
    if (evictFresh(now - GRACE_MS)) return true
    if (now - noneIdleAt < IDLE_MS) return evictFresh(now)
    for (const server of servers) server.closeIdleConnections()
    for (const socket of all) if (socket.destroyed) evict(socket)
    if (all.size < max) return true
    noneIdleAt = now
    return evictFresh(now)
  }
  const gone = function (this: CountedSocket): void {
    all.delete(this)
    fresh.delete(this)
  }
  return {
    watch(server) {
      servers.push(server)
      const looking = setInterval(() => [...all].filter(isStalled).forEach(evict), stalledMs).unref()
      server.on('close', () => clearInterval(looking))
    },
    admits(socket: CountedSocket) {
      if (all.size >= max && !makeRoom()) {
        socket.destroy()
        return false
      }
      socket.once('close', gone)
      socket[CAME_AT] = timer()
      all.add(socket)
      fresh.add(socket)
      return true
    },
    used(message) {
      const socket = message.socket as CountedSocket
      if (socket[CAME_AT] === 0) return
      fresh.delete(socket[CAME_AT] === undefined ? under(socket, fresh) : socket)
      socket[CAME_AT] = 0
    },
  }
}

/** What was counted is the connection that TLS is spoken over: both have the same other end. */
function under(secure: CountedSocket, fresh: ReadonlySet<CountedSocket>): CountedSocket {
  for (const socket of fresh) {
    if (socket.remotePort === secure.remotePort && socket.remoteAddress === secure.remoteAddress) return socket
  }
  return secure
}

const TAKEN = Symbol('taken')
type ReadSocket = Socket & { [TAKEN]?: number }

/** Whether there is something for the caller to take, and it has taken nothing since it was asked last. */
function isStalled(socket: ReadSocket): boolean {
  const waiting = socket.writableLength
  const taken = waiting === 0 ? undefined : socket.bytesWritten - waiting
  const isSame = taken !== undefined && taken === socket[TAKEN]
  if (taken === undefined) delete socket[TAKEN]
  else socket[TAKEN] = taken
  return isSame
}

const LINE = Symbol('line')
type PipeliningSocket = Socket & { [LINE]?: Line }
type Take = (message: IncomingMessage, response: ServerResponse) => void

/** Requests of one connection behind the one that is being answered. */
interface Line {
  begun: number
  /** Not begun yet. */
  readonly held: (readonly [IncomingMessage, ServerResponse])[]
}

/**
 * Begins so many requests of one connection and holds back the others, unread, until some are answered: one caller that sends
 * thousands without waiting has one place among the others. What is alone on its connection costs nothing here.
 */
export function paced(next: Take): Take {
  return (message, response) => {
    // A request that has to wait for the answer before it has no socket to answer on yet.
    if (response.socket !== null) {
      next(message, response)
      return
    }
    const socket = message.socket as PipeliningSocket
    socket[LINE] ??= { begun: 0, held: [] }
    socket[LINE].held.push([message, response])
    goOn(socket, socket[LINE], next)
  }
}

function goOn(socket: Socket, line: Line, next: Take): void {
  while (line.begun < PIPELINED_MAX && line.held.length > 0) {
    const [message, response] = line.held.shift()!
    line.begun++
    response.once('close', () => {
      line.begun--
      goOn(socket, line, next)
    })
    next(message, response)
  }
  if (line.held.length > 0) socket.pause()
  else if (socket.isPaused()) socket.resume()
}
