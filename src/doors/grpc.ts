/**
 * The gRPC door, on Node's own HTTP/2: translates between calls and `RpcService[]`, and decides nothing but what is gRPC's own:
 * frames, sizes, times, how a call ends. Beside the services it is given it has health and reflection.
 */
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { asProblem, Problem } from '../errors.ts'
import { protoFile } from '../platform/proto-file.ts'
import type { AnyRpc, RpcService } from '../route.ts'
import { Gate } from './gate.ts'
import { feedAnswering, invocationAnswering, plainAnswering } from './grpc-answering.ts'
import { type Answering, GrpcCall } from './grpc-call.ts'
import type { GrpcDoorParts, GrpcFloor, Procedure } from './grpc-floor.ts'
import { healthService } from './grpc-health.ts'
import { ENCODINGS, isEncodingKnown } from './grpc-messages.ts'
import { reflectionServices } from './grpc-reflection.ts'
import { statusTrailers, UNIMPLEMENTED } from './grpc-status.ts'
import { crowdedProblems } from './http-request.ts'
import { patience } from './patience.ts'
import { readTls, watchTls } from './tls.ts'

export interface GrpcDoor {
  /** Opens the door. Port 0 takes a free one. Returns where it is, e.g. `127.0.0.1:8081`. */
  listen(host: string, port: number): Promise<string>
  /** Takes no more, finishes what was accepted, and resolves when every connection has ended, by force after `withinMs`. */
  close(withinMs: number): Promise<void>
}

/** A connection on which nothing moves for so long is asked whether anybody is there, or ended. */
const SILENCE_MS = 300_000
/** What a caller may send before we take it: without it a large message comes in steps of 64 KiB, a round trip each. */
const WINDOW_BYTES = 1_048_576
const STREAMS_MAX = 1_024
const SETTINGS: Settings = { initialWindowSize: WINDOW_BYTES, maxConcurrentStreams: STREAMS_MAX, enablePush: false }

interface Entry {
  readonly procedure: Procedure
  readonly answering: Answering
}

export function grpcDoor(parts: GrpcDoorParts): GrpcDoor {
  const { limits, tls, timers, log } = parts
  const timer = (): number => performance.now()
  const floor: GrpcFloor = {
    parts,
    gate: new Gate(limits, timer),
    crowded: crowdedProblems(limits),
    arrival: patience(limits.requestTimeoutMs, timers, timer, call => call.late()),
    arrivingBytes: 0,
    isClosing: false,
  }
  const entries = entriesOf(floor)
  const calls = new Set<GrpcCall>()
  const sessions = new Set<ServerHttp2Session>()
  const server = serverOf(parts)
  server.maxConnections = limits.connectionsMax
  server.on('session', session => attend(session, sessions))
  server.on('sessionError', nothing) // its connection ends, and its calls with it
  server.on('stream', (stream, headers) => takeStream(floor, entries, calls, stream, headers))
  const onError = (error: unknown): void =>
    log.error({ err: error }, 'Cannot use the new certificate: the old one stays in force')
  const apply = (options: Parameters<Http2SecureServer['setSecureContext']>[0]): void =>
    (server as Http2SecureServer).setSecureContext(options)
  const stopWatch = tls === undefined ? nothing : watchTls({ files: tls, timers, apply, onError })
  return {
    listen: (host, port) => listen(server, host, port),
    async close(withinMs) {
      stopWatch()
      floor.isClosing = true
      const closed = new Promise<void>(resolve => void server.close(() => resolve()))
      for (const call of calls) call.endSoon()
      for (const session of sessions) session.close()
      const callOff = timers.after(withinMs, () => {
        for (const session of sessions) session.destroy()
      })
      await closed
      callOff()
    },
  }
}

function nothing(): void {}

function serverOf({ tls, limits: { headerTimeoutMs } }: GrpcDoorParts): Http2Server | Http2SecureServer {
  const options = { settings: SETTINGS, unknownProtocolTimeout: headerTimeoutMs }
  if (tls === undefined) return createServer(options)
  return createSecureServer({ ...options, ...readTls(tls), ALPNProtocols: ['h2'] })
}

function listen(server: Http2Server | Http2SecureServer, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(listenProblem(error, host, port)))
    server.listen(port, host, () => {
      const { address, family, port: found } = server.address() as AddressInfo
      resolve(`${family === 'IPv6' ? `[${address}]` : address}:${found}`)
    })
  })
}

function listenProblem(error: NodeJS.ErrnoException, host: string, port: number): Problem {
  if (error.code === 'EADDRINUSE') {
    const found = `another program has port ${port}; choose another with --grpc-port`
    return new Problem('conflict', `Cannot listen on ${host}:${port} for gRPC: ${found}`)
  }
  if (error.code === 'EACCES' || error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new Problem('misconfigured', `Cannot listen on ${host}:${port} for gRPC: ${error.message}`)
  }
  return asProblem(error)
}

function attend(session: ServerHttp2Session, sessions: Set<ServerHttp2Session>): void {
  sessions.add(session)
  session.on('close', () => sessions.delete(session))
  session.on('error', nothing)
  session.setLocalWindowSize(4 * WINDOW_BYTES)
  session.setTimeout(SILENCE_MS, () => {
    // One that waits for what comes seldom is well; one without a call is nobody's.
    const isAsked = session.state.outboundQueueSize !== undefined && !session.destroyed && session.ping(nothing)
    if (!isAsked) session.destroy()
  })
}

function entriesOf(floor: GrpcFloor): ReadonlyMap<string, Entry> {
  const given = floor.parts.services
  const health = healthService({ ...floor.parts, names: given.map(({ name }) => name) })
  const services = [...given, health]
  const all = [...services, ...reflectionServices(services)]
  return new Map(
    all.flatMap(service => proceduresOf(service)).map(procedure => [procedure.path, entryOf(floor, procedure)]),
  )
}

/** What the interface has and the service does not is answered with UNIMPLEMENTED. Throws where the service has more. */
function proceduresOf({ name, proto, procedures }: RpcService): Procedure[] {
  const file = protoFile(proto.name, proto.text)
  const service = file.services.find(({ fullName }) => fullName === name)
  return Object.entries(procedures).map(([method, rpc]) => {
    const described = service?.methods.find(found => found.name === method)
    if (described === undefined) throw new Error(`${name} has no ${method} in ${proto.name}`)
    return { path: `/${name}/${method}`, rpc, isStream: described.inputStream }
  })
}

function entryOf(floor: GrpcFloor, procedure: Procedure): Entry {
  return { procedure, answering: answeringOf(floor, procedure.rpc) }
}

function answeringOf(floor: GrpcFloor, rpc: AnyRpc): Answering {
  if (rpc.kind === 'invocation') return invocationAnswering(floor, rpc)
  return rpc.kind === 'plain' ? plainAnswering(floor, rpc) : feedAnswering(floor, rpc)
}

function takeStream(
  floor: GrpcFloor,
  entries: ReadonlyMap<string, Entry>,
  calls: Set<GrpcCall>,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): void {
  stream.on('error', nothing) // 'close' follows
  const type = headers['content-type']
  if (type === undefined || !GRPC_TYPE.test(type) || headers[':method'] !== 'POST') {
    // As the protocol wants it of what is not gRPC at all.
    stream.respond({ ':status': 415, 'content-type': 'text/plain' }, { endStream: false })
    stream.end('Cannot answer: this port speaks gRPC, content-type application/grpc\n')
    stream.resume()
    return
  }
  const entry = entries.get(headers[':path']!)
  const encoding = headers['grpc-encoding'] as string | undefined
  if (entry === undefined || !isEncodingKnown(encoding)) {
    const found = entry === undefined ? 'there is no such procedure' : 'grpc-encoding is not known'
    const wanted = entry === undefined ? 'reflection lists those there are' : `one of ${ENCODINGS} was wanted`
    const trailers = statusTrailers(UNIMPLEMENTED, `Cannot answer: ${found}, ${wanted}`)
    const head = { ':status': 200, 'content-type': 'application/grpc', 'grpc-accept-encoding': ENCODINGS, ...trailers }
    stream.respond(head, { endStream: true })
    stream.resume()
    return
  }
  const call = new GrpcCall(floor, entry.procedure, entry.answering, stream, headers)
  if (entry.procedure.isStream || entry.procedure.rpc.kind === 'feed') {
    calls.add(call)
    stream.on('close', () => calls.delete(call))
  }
  call.start()
}

/** `application/grpc`, or with `+proto`; not `+json`, and not `application/grpc-web`. */
const GRPC_TYPE = /^application\/grpc(?:\+proto)?(?:;|$)/
