/**
 * Keeps the number of connections bounded, and lets go of those first that have brought nothing: whoever opens thousands and
 * sends a byte now and then must not keep others out.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const FRESH = Symbol('fresh')
type CountedSocket = Socket & { [FRESH]?: boolean }

/** Idle connections are let go of at most so often. */
const IDLE_MS = 1_000
/** Requests of one connection that are wait behind others; more are read once half of them are answered. */
const PIPELINED_MAX = 32
/** A connection on which nothing moved for so long is ended: its caller does not read what it asked for. */
const SILENCE_MS = 300_000

export interface Connections {
  /** Begins to count what comes to this server. */
  watch(server: Server): void
  /** To be told of each request, before it is answered. */
  used(message: IncomingMessage): void
}

/** @param timer milliseconds, never going back. */
export function connections(max: number, timer: () => number): Connections {
  /** Have not brought a whole head of a request yet; in order. */
  const fresh = new Set<CountedSocket>()
  const servers: Server[] = []
  let count = 0
  let idleClosedAt = Number.NEGATIVE_INFINITY

  const makeRoom = (): void => {
    for (const socket of fresh) {
      socket.destroy()
      return
    }
    const now = timer()
    if (now - idleClosedAt < IDLE_MS) return
    idleClosedAt = now
    for (const server of servers) server.closeIdleConnections()
  }
  const gone = function (this: CountedSocket): void {
    count--
    fresh.delete(this)
  }
  return {
    watch(server) {
      servers.push(server)
      server.setTimeout(SILENCE_MS)
      server.on('connection', (socket: CountedSocket) => {
        if (count >= max) makeRoom()
        count++
        socket.once('close', gone)
        if (count > max && fresh.size === 0) {
          socket.destroy()
          return
        }
        socket[FRESH] = true
        fresh.add(socket)
      })
    },
    used(message) {
      const socket = message.socket as CountedSocket
      if (socket[FRESH] !== true) return
      socket[FRESH] = false
      fresh.delete(socket)
    },
  }
}

const PIPELINED = Symbol('pipelined')
type PipelinedSocket = Socket & { [PIPELINED]?: number }

/**
 * Stops reading a connection that sends request after request without waiting for answers, until some are answered. What is
 * alone on its connection has it at once, and costs nothing here.
 */
export function pace(message: IncomingMessage, response: ServerResponse): void {
  if (response.socket !== null) return
  const socket = message.socket as PipelinedSocket
  const waiting = (socket[PIPELINED] ?? 0) + 1
  socket[PIPELINED] = waiting
  if (waiting === PIPELINED_MAX) socket.pause()
  response.once('close', () => {
    socket[PIPELINED]!--
    if (socket[PIPELINED] === PIPELINED_MAX / 2) socket.resume()
  })
}
