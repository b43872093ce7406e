/**
 * The HTTP door: translates between the wire and `AnyRoute[]`, and decides nothing but what is HTTP's own: sizes, times,
 * how much at once, and how to stop. Bodies are read here, where their limits are (why without a framework:
 * `docs/adr/0037-router-without-framework.md`).
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { AddressInfo, ListenOptions, Socket } from 'node:net'
import { asProblem, Problem, problemDocument } from '../errors.ts'
import type { Route } from '../route.ts'
import { Gate } from './gate.ts'
import { send, writtenProblem } from './http-answer.ts'
import { endCollecting } from './http-body.ts'
import { type Front, openFront, retire } from './http-front.ts'
import { takeInvocation } from './http-invocation.ts'
import { type MethodsOf, methodsOf, shapesOf } from './http-paths.ts'
import { type PlainRoute, plainRoute, takePlain } from './http-plain.ts'
import {
  crowdedProblems,
  type Floor,
  type HttpDoorParts,
  pathOf,
  requestIdOf,
  sourceOf,
  toldProblem,
} from './http-request.ts'
import { type Found, routerOf } from './http-router.ts'

export interface HttpDoor {
  /** Opens the door. Port 0 takes a free one. Returns where it is, e.g. `http://127.0.0.1:8080`. */
  listen(host: string, port: number): Promise<string>
  /** Opens the door at a socket of this machine, instead. */
  listenAt(path: string): Promise<void>
  /** Where programs of this machine reach it, which need no TLS for that; as `listen` returned where there is no TLS. */
  localUrl(): string
  /**
   * Takes no more, finishes what was accepted, and resolves when every connection has ended. What has not finished
   * after `withinMs` is cut off.
   */
  close(withinMs: number): Promise<void>
  /**
   * Takes no more connections, answers what comes over those there are, and ends each with an answer, or when it says
   * nothing for a while: callers meet no error, where others go on accepting at the same address. Resolves when all have
   * ended, or after `withinMs`.
   */
  retire(withinMs: number): Promise<void>
}

/** Connections that the system keeps for us until we take them; it may allow fewer. */
const BACKLOG = 4_096

export function httpDoor(parts: HttpDoorParts): HttpDoor {
  const floor: Floor = {
    parts,
    router: routerOf(parts.routes),
    shapeOf: shapesOf(parts.routes),
    bodyLimits: { bytesMax: parts.limits.bodyBytesMax },
    arriving: { bytes: 0 },
    gate: new Gate(parts.limits, () => performance.now()),
    crowded: crowdedProblems(parts.limits),
    busy: 0,
    isClosing: false,
  }
  const front = openFront(floor, (error, socket) => answerBrokenRequest(floor, error, socket))
  front.stand(listenerOf(floor))
  return {
    async listen(host, port): Promise<string> {
      await listening(front.server, { host, port, backlog: BACKLOG }).catch((error: NodeJS.ErrnoException) => {
        throw listenProblem(error, host, port)
      })
      if (front.local !== front.server) await listening(front.local, { host: '127.0.0.1', port: 0 })
      return urlOf(front.server, parts.tls === undefined ? 'http' : 'https')
    },
    listenAt: path => listening(front.server, { path }),
    retire: withinMs => retire(front, withinMs),
    localUrl: () => urlOf(front.local, 'http'),
    close: withinMs => close(front, floor, withinMs),
  }
}

function urlOf(server: Server, scheme: string): string {
  const { address, family, port } = server.address() as AddressInfo
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

function listening(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function listenerOf(floor: Floor): RequestListener {
  const { parts, router } = floor
  const plains = new Map<Route, PlainRoute>()
  const methods = methodsOf(parts.routes)
  return (message, response) => {
    // Asked for again and again: what it invokes is remembered by its address.
    const invoked = message.method === 'POST' ? router.invoked(message.url!) : undefined
    if (invoked !== undefined) {
      takeInvocation(floor, invoked, message, response)
      return
    }
    const found = router.find(message.method!, message.url!)
    if (found === 'malformed') {
      refuse(floor, new Problem('malformed', 'Cannot read the path: it cannot be decoded'), message, response)
    } else if (found !== undefined) take(floor, found, plains, message, response)
    else if (parts.beyond === undefined) refuseRoute(floor, methods, message, response)
    else parts.beyond(message, response, sourceOf(message, floor))
  }
}

function take(
  floor: Floor,
  { route, params, query }: Found,
  plains: Map<Route, PlainRoute>,
  message: IncomingMessage,
  response: ServerResponse,
): void {
  if (route.kind === 'invocation') {
    takeInvocation(floor, { route, params }, message, response)
    return
  }
  let plain = plains.get(route)
  if (plain === undefined) {
    plain = plainRoute(route)
    plains.set(route, plain)
  }
  void takePlain(floor, plain, { message, response, params, query })
}

function refuseRoute(floor: Floor, methods: MethodsOf, message: IncomingMessage, response: ServerResponse): void {
  const path = pathOf(message)
  const allowed = methods(path)
  if (allowed.length === 0) {
    refuse(
      floor,
      new Problem('not_found', 'Cannot answer: there is no such path, /docs lists those there are'),
      message,
      response,
    )
    return
  }
  const problem = new Problem(
    'method_not_allowed',
    `Cannot answer: ${message.method} is not for this path, it takes ${allowed.join(', ')}`,
  )
  refuse(floor, problem, message, response, { allow: allowed.join(', ') })
}

/** Answers what reached no route. */
function refuse(
  floor: Floor,
  problem: Problem,
  message: IncomingMessage,
  response: ServerResponse,
  headers: Readonly<Record<string, string>> = {},
): void {
  const requestId = requestIdOf(message, floor.parts.ids)
  const write = floor.shapeOf(pathOf(message))
  const answer = writtenProblem(write, toldProblem(floor, problem, requestId, message), requestId)
  message.resume()
  const isLast = floor.isClosing || Number(message.headers['content-length'] ?? 0) > floor.bodyLimits.bytesMax
  send({ response, requestId, isLast }, { ...answer, headers: { ...answer.headers, ...headers } }, () => {})
}

/** What is not HTTP, or not in time. There is no request object yet, so the answer is written by hand. */
function answerBrokenRequest(floor: Floor, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const problem = brokenRequest(error)
  // A body that is too slow, or breaks off, belongs to a request that has begun: its own handler answers and is recorded.
  if (endCollecting(socket, problem)) return
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : problem.status
  const text = JSON.stringify({ ...problemDocument(problem, floor.parts.ids.next()), status })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_WORDS[status] ?? 'Error'}`,
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`)
}

const STATUS_WORDS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

function brokenRequest(error: NodeJS.ErrnoException): Problem {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Problem('timeout', 'Cannot read the request: it did not arrive in time')
  if (error.code === 'HPE_HEADER_OVERFLOW')
    return new Problem('too_large', 'Cannot read the request: its headers are larger than 16 KiB')
  return new Problem('malformed', `Cannot read the request: it is not HTTP/1.1 (${error.code ?? 'unknown'})`)
}

function listenProblem(error: NodeJS.ErrnoException, host: string, port: number): Problem {
  const where = `${host}:${port}`
  switch (error.code) {
    case 'EADDRINUSE':
      return new Problem(
        'conflict',
        `Cannot listen on ${where}: another program has port ${port}; choose another with --port`,
      )
    case 'EACCES':
      return new Problem(
        'misconfigured',
        `Cannot listen on ${where}: the system does not allow it; choose a port above 1023 with --port`,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new Problem(
        'misconfigured',
        `Cannot listen on ${where}: this machine has no such address; choose another with --host`,
      )
    default:
      return asProblem(error)
  }
}

async function close(front: Front, floor: Floor, withinMs: number): Promise<void> {
  floor.isClosing = true
  front.close()
  // Requests that have arrived but were not read yet are answered (with 503) instead of being reset with their connection.
  await new Promise(resolve => setImmediate(resolve))
  await new Promise(resolve => setImmediate(resolve))
  const servers = [...new Set([front.server, front.local])]
  const cut = setTimeout(() => {
    for (const server of servers) server.closeAllConnections()
  }, withinMs)
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  clearTimeout(cut)
}
