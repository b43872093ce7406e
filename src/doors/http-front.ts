/**
 * What stands before all routes: the servers themselves, and what every request passes before anybody looks where it wants to
 * go. Beside the server for the network there is, with TLS, a plain one for programs of this machine.
 */
import type { IncomingMessage, RequestListener, Server, ServerOptions, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { Server as NetServer, type Socket } from 'node:net'
import { PROBLEMS } from '../errors.ts'
import { http } from '../platform/node-http.ts'
import { connections, paced } from './connections.ts'
import type { Cors } from './cors.ts'
import { type QuickLimits, type QuickWay, quickWay } from './http-quick.ts'
import type { Floor, HttpDoorParts } from './http-request.ts'
import { readTls, watchTls } from './tls.ts'

export interface Front {
  /** For the network. */
  readonly server: Server
  /** For programs of this machine, without TLS; the same server where there is none. */
  readonly local: Server
  readonly quick: QuickWay
  /** Puts what a request passes here before `listener`. */
  stand(listener: RequestListener): void
  /** Stops looking for new certificates. */
  close(): void
}

const KEEP_ALIVE_MS = 65_000 // longer than the 60 s of common load balancers, so that they end idle connections, not we
const CHECK_EVERY_MS_MAX = 1_000
/**
 * Bodies are cut from slabs of memory. V8 takes a slab that is in use while it collects for an old one, and collects the old
 * generation after a few megabytes of them, which callers feel: of Node's usual 8 KiB that was every five seconds at 30,000 requests/s.
 */
const SLAB_BYTES = 1_024
/** Two for each header: its name and its value. */
const RAW_HEADERS_MAX = 200

export function openFront(floor: Floor, onBroken: (error: Error, socket: Socket) => void): Front {
  const { parts } = floor
  const { limits, tls } = parts
  Buffer.poolSize = SLAB_BYTES
  const timer = (): number => performance.now()
  const open = connections(limits.connectionsMax, timer)
  const server = tls === undefined ? http.createServer(optionsOf(parts)) : tlsServer(parts)
  const local = tls === undefined ? server : http.createServer(optionsOf(parts))
  const quick = quickWay(floor, quickLimits(parts), open.used, socket => onBroken(new SilentConnection(), socket))
  for (const each of new Set([server, local])) open.watch(each)
  quick.lead(local, 'connection', '', open.admits)
  if (server !== local) {
    server.on('connection', open.admits)
    quick.lead(server, 'secureConnection', `${SECURED.join(': ')}\r\n`)
  }
  for (const each of new Set([server, local]))
    each.on('clientError', (error, socket) => onBroken(error, socket as Socket))
  const stop = tls === undefined ? () => {} : renewed(parts, server)
  return {
    server,
    local,
    stand(listener) {
      const passed = passing(parts, open.used, listener)
      local.on('request', passed)
      if (server !== local) server.on('request', secured(passed))
    },
    quick,
    close: stop,
  }
}

/** As Node tells that a request did not come. */
class SilentConnection extends Error {
  readonly code = 'ERR_HTTP_REQUEST_TIMEOUT'
}

function quickLimits({ limits }: HttpDoorParts): QuickLimits {
  const { requestTimeoutMs, headerTimeoutMs } = limits
  const firstMs = Math.min(headerTimeoutMs, requestTimeoutMs)
  return { keepAliveMs: KEEP_ALIVE_MS, firstMs, checkEveryMs: checkEveryMs(firstMs) }
}

function checkEveryMs(headersTimeout: number): number {
  return Math.min(CHECK_EVERY_MS_MAX, Math.ceil(headersTimeout / 4))
}

function optionsOf({ limits }: HttpDoorParts): ServerOptions {
  const { requestTimeoutMs, headerTimeoutMs } = limits
  const headersTimeout = Math.min(headerTimeoutMs, requestTimeoutMs)
  return {
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: requestTimeoutMs,
    headersTimeout,
    connectionsCheckingInterval: checkEveryMs(headersTimeout),
  }
}

function tlsServer(parts: HttpDoorParts): Server {
  // A server of TLS is one of HTTP in all that is used here; only its types do not say so.
  return createTlsServer({ ...optionsOf(parts), ...readTls(parts.tls!) }) as unknown as Server
}

function renewed({ tls, timers, log }: HttpDoorParts, server: Server): () => void {
  return watchTls({
    files: tls!,
    timers,
    apply: options => (server as unknown as ReturnType<typeof createTlsServer>).setSecureContext(options),
    onError: error => log.error({ err: error }, 'Cannot use the new certificate: the old one stays in force'),
  })
}

/** Connections that say nothing for so long are ended by a server that retires. */
const QUIET_MS = 3_000

/** See `HttpDoor.retire`. */
export async function retire({ server, local, quick }: Front, withinMs: number): Promise<void> {
  const servers = [...new Set([server, local])]
  quick.retire()
  const ended = servers.map(each => {
    // The last answer says so: whoever keeps a connection then asks over another one.
    each.prependListener('request', (_message, response) => {
      response.shouldKeepAlive = false
    })
    // As of any server: that of HTTP would end the connections that wait for a request, which may be on its way.
    return new Promise<void>(resolve => void NetServer.prototype.close.call(each, () => resolve()))
  })
  const quiet = setInterval(() => {
    for (const each of servers) each.closeIdleConnections()
  }, QUIET_MS)
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, withinMs)
  await Promise.race([Promise.all(ended), late.promise])
  clearInterval(quiet)
  clearTimeout(timer)
}

/** Browsers that were here by TLS once come by nothing else for a year (RFC 6797). */
const SECURED = ['strict-transport-security', 'max-age=31536000'] as const

function secured(next: Passed): Passed {
  return (message, response) => {
    response.setHeader(...SECURED)
    next(message, response)
  }
}

type Passed = (message: IncomingMessage, response: ServerResponse) => void

function passing({ admission, cors }: HttpDoorParts, used: (message: IncomingMessage) => void, next: Passed): Passed {
  const allowed = cors === undefined ? next : withCors(cors, next)
  const known = paced(admission.judged === undefined ? allowed : judgedFirst(admission.judged, allowed))
  return (message, response) => {
    used(message)
    if (message.rawHeaders.length > RAW_HEADERS_MAX) refuseHeaders(message, response)
    else known(message, response)
  }
}

function withCors(cors: Cors, next: Passed): Passed {
  return (message, response) => {
    if (!cors.answer(message, response)) next(message, response)
  }
}

/** A token that nobody has seen yet is judged before anybody asks whose it is. */
function judgedFirst(judged: NonNullable<HttpDoorParts['admission']['judged']>, next: Passed): Passed {
  return (message, response) => {
    const judging = judged(message.headers.authorization)
    if (judging === undefined) next(message, response)
    else judging.then(() => next(message, response))
  }
}

function refuseHeaders(message: IncomingMessage, response: ServerResponse): void {
  message.resume()
  const { title } = PROBLEMS.too_large
  const detail = `Cannot read the request: it has more than ${RAW_HEADERS_MAX / 2} headers`
  const text = JSON.stringify({ type: 'about:blank', title, status: 431, detail, code: 'too_large' })
  const type = 'application/problem+json; charset=utf-8'
  response.writeHead(431, { 'content-type': type, 'content-length': Buffer.byteLength(text), connection: 'close' })
  response.end(text)
}
