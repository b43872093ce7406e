/**
 * A route is data: method, path, permission, schemas, handler. Doors read it; nothing else knows about HTTP.
 *
 * There are two kinds. An ordinary route is authenticated, permitted and checked against its schemas by the door before
 * `handle` runs. An *invocation* (somebody asks a model for an answer) is handed over unread, because whatever becomes of
 * it, a refusal included, must leave a record: `invoke` itself admits the caller and reads the body.
 */
import type { Readable } from 'node:stream'
import type { TSchema } from 'typebox'
import type { Problem } from './errors.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Whoever calls: a key, a token, or the local user of a server without keys. */
export interface Actor {
  /** Stable and free of personal data, e.g. `key:7f3a…` or `local`. */
  readonly id: string
  readonly name: string
  readonly roles: readonly string[]
}

/** One part of a multipart body. A file's stream must be read to its end (or destroyed) before the next part comes. */
export type Part =
  | { readonly kind: 'field'; readonly name: string; readonly value: string }
  | { readonly kind: 'file'; readonly name: string; readonly filename: string; readonly stream: Readable }

export interface RouteRequest {
  readonly requestId: string
  readonly actor: Actor
  /** Address of the caller. */
  readonly source: string
  readonly params: Readonly<Record<string, string>>
  /** Checked against the route's schema; numbers and booleans already converted. */
  readonly query: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Parsed and checked against the route's schema. */
  readonly body: unknown
  /** The parts of a `multipart` route, in the order sent. */
  readonly parts: AsyncIterable<Part>
  /** The body of an `upload` route, while it comes: read to its end, or left alone. */
  readonly upload?: Readable
}

/** What a handler answers. Exactly one of `body` (becomes JSON), `text` or `bytes` (sent as they are) and `stream` is given, or none. */
export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly text?: string
  /** Of `text`: it is known to be ASCII, so that its characters are its bytes and nobody has to count them. */
  readonly isAscii?: boolean
  /** As `text`, of an invocation whose protocol is not text. */
  readonly bytes?: Buffer
  readonly stream?: Readable
  /** Content type of `text`, `bytes` and `stream`; default `application/json; charset=utf-8`. */
  readonly type?: string
}

interface Described {
  readonly method: Method
  /** `/models/:name/versions/:version`. A colon starts a parameter, which ends at the next slash. */
  readonly path: string
  /** A permission of `access/roles.ts`, or `public`. */
  readonly permission: string
  /** Left out of the API's document: the protocol's own authors describe it, and our docs name where. */
  readonly describedElsewhere?: true
  /** One line for the API's documentation. */
  readonly summary: string
  readonly description?: string
  /** Groups the route in the API's documentation. */
  readonly tag: string
  /** Body of each documented success, by status. */
  readonly answers: Readonly<Record<number, TSchema | 'text' | 'binary'>>
  /** Statuses of the problems it may answer with, beyond 401, 403, 429, 500 and 503 which any route may. */
  readonly problems?: readonly number[]
  readonly params?: TSchema
  readonly query?: TSchema
  /** How the protocol of this route writes a problem, whoever found it; default: `application/problem+json`. */
  readonly problem?: (problem: Problem, requestId: string) => Answer
}

export interface Route extends Described {
  readonly kind?: 'plain'
  /** JSON body. Without it, and without `multipart`, a body is refused. */
  readonly body?: TSchema
  /** A body of any type and size is handed over as it comes; the handler keeps the limits. */
  readonly upload?: true
  readonly multipart?: { readonly bytesMax: number; readonly description: string; readonly schema: TSchema }
  /**
   * What a browser is shown that is sent to this address: a page without data, which asks for the data itself and with a
   * key where one is needed. So an address means one thing to people and programs, and needs no permission to be opened.
   */
  readonly page?: () => Answer
  readonly handle: (request: RouteRequest) => Promise<Answer> | Answer
}

/** An invocation as a door hands it over. Methods throw a `Problem`; they may be called once. */
export interface InvocationRequest {
  /** Letters, digits and `_.:;,@=+/-` only, so that it stands in JSON, in a header and in a log as it is. */
  readonly requestId: string
  readonly source: string
  /** Where it came to: the path of a route with the names of its parameters, that of a procedure, or a topic. */
  readonly route?: string | undefined
  /** When it came, by the server's steady timer, milliseconds; 0 or absent where nobody noted it. */
  readonly arrivedMs?: number
  readonly params: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** What stands behind the question mark of the address, if it has one. */
  readonly query?: URLSearchParams | undefined
  /** Who calls, if they may do what `permission` names. */
  admit(permission: string): Actor
  /** The body, not decoded; throws `too_large`, `unsupported_type` or `timeout` where it could not be had. */
  bytes(): Buffer
}

export interface InvocationRoute extends Described {
  readonly kind: 'invocation'
  /** For the documentation only: the door does not check it. */
  readonly body?: TSchema
  /** Media types of bodies that are taken beside JSON, in lower case. */
  readonly takes?: readonly string[]
  /** Never rejects with a `Problem` that has not been recorded. */
  readonly invoke: (request: InvocationRequest) => Promise<Answer>
}

export type AnyRoute = Route | InvocationRoute

/**
 * A procedure is to gRPC what a route is to HTTP. Messages are whole and not unpacked: their bytes are Protocol Buffers. The
 * name of a service is that of its interface; what it is and what it takes stands in its `.proto` text.
 */
export interface RpcService {
  /** With its package: `inference.GRPCInferenceService`. */
  readonly name: string
  /** What a `.proto` file is called, and what stands in it. */
  readonly proto: { readonly name: string; readonly text: string }
  readonly procedures: Readonly<Record<string, AnyRpc>>
}

export type AnyRpc = PlainRpc | InvocationRpc | FeedRpc

export interface RpcRequest {
  readonly requestId: string
  readonly actor: Actor
  readonly message: Buffer
}

/** One message is answered by one; where the interface streams, each in its turn. */
export interface PlainRpc {
  readonly kind: 'plain'
  readonly permission: string
  readonly handle: (request: RpcRequest) => Buffer | Promise<Buffer>
}

/** Each message is an invocation of its own. */
export interface InvocationRpc {
  readonly kind: 'invocation'
  readonly permission: string
  /** The model that the message names, and headers that it gives itself; nothing where it cannot be read. Never throws. */
  readonly address: (message: Buffer) => RpcAddress
  /** As that of a route; the answer's `body` is the message. */
  readonly invoke: (request: InvocationRequest) => Promise<Answer>
  /** Given where it streams: how a problem is told without ending the stream. */
  readonly told?: (problem: Problem, message: Buffer) => Buffer
}

export interface RpcAddress {
  readonly params: Readonly<Record<string, string>>
  /** Before those of the call. */
  readonly headers?: Readonly<Record<string, string>>
}

/** One message opens it; what is sent then comes in the feed's own time. */
export interface FeedRpc {
  readonly kind: 'feed'
  readonly permission: string
  /** Returns how to end it. Throws a `Problem` where it cannot be opened. */
  readonly open: (request: RpcRequest, send: (message: Buffer) => void) => () => void
}
