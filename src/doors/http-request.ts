/** What the handlers of one HTTP door share: its parts, who may come in now, and the path from a fault to an answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { asProblem, Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Ids } from '../platform/ids.ts'
import type { Timers } from '../platform/timers.ts'
import type { Actor, AnyRoute } from '../route.ts'
import type { Cors } from './cors.ts'
import type { Crowded, Gate } from './gate.ts'
import type { Arriving, BodyLimits } from './http-body.ts'
import type { ShapeOf } from './http-paths.ts'
import type { Router } from './http-router.ts'
import type { Proxies } from './proxies.ts'
import type { TlsFiles } from './tls.ts'

/** Who may come in. Made of the access slice by the application; the door knows headers and permissions only. */
export interface Admission {
  /**
   * To be waited for before `admit`, where it is something to wait for: a token that was not judged before. Never rejects.
   * Absent: there are no tokens.
   */
  readonly judged?: ((authorization: string | undefined) => Promise<void> | undefined) | undefined
  /**
   * The caller behind the headers, if they may do what `permission` names. Throws `unauthenticated` or `forbidden`; also where
   * host or origin are not those of a page or program that the server is meant for.
   */
  admit(
    authorization: string | undefined,
    host: string | undefined,
    origin: string | undefined,
    permission: string,
  ): Actor
}

/** How often somebody may ask. Made of the access slice as well. */
export interface RateLimits {
  /** Undefined where no limit concerns it. */
  take(asking: {
    readonly source: string
    readonly actor: Actor | undefined
    readonly model: string | undefined
  }): RateTaken | undefined | Promise<RateTaken>
}

interface RateTaken {
  /** Why it is not answered now, if so. */
  readonly problem: Problem | undefined
  /** For the answer. */
  readonly headers: Readonly<Record<string, string>>
}

export interface HttpLimits {
  /** Of the body of an invocation and of any JSON body. */
  readonly bodyBytesMax: number
  /** Requests with a body that are answered at the same time; invocations beyond it wait for their turn. */
  readonly concurrencyMax: number
  /** Invocations that wait for their turn, and for how long at most; the others are refused with 503. */
  readonly queueMax: number
  readonly queueMsMax: number
  /** From the first byte of a request to its last; for an upload, from one chunk to the next. */
  readonly requestTimeoutMs: number
  /** Of these, until its headers are there. */
  readonly headerTimeoutMs: number
  readonly connectionsMax: number
}

export interface DoorLog {
  error(fields: object, message: string): void
}

export interface HttpDoorParts {
  readonly routes: readonly AnyRoute[]
  readonly admission: Admission
  /** Of ordinary routes; invocations see to it themselves, where it is recorded. Absent: there are none. */
  readonly rates?: RateLimits | undefined
  /** Reads JSON and throws a `Problem` where it is none. */
  readonly readJson: (text: string) => unknown
  readonly ids: Ids
  readonly log: DoorLog
  readonly limits: HttpLimits
  readonly timers: Timers
  /** For the date of answers. */
  readonly clock: Clock
  /** Given where it is noted when invocations come: milliseconds, steadily. */
  readonly timer?: (() => number) | undefined
  /** Which pages of other origins may call; absent: none. */
  readonly cors?: Cors | undefined
  /** Absent: plain HTTP. */
  readonly tls?: TlsFiles | undefined
  /** Proxies that say for whom they ask; absent: nobody is believed. */
  readonly proxies?: Proxies | undefined
  /** Takes requests for which there is no route; absent: there is no such path. */
  readonly beyond?: ((message: IncomingMessage, response: ServerResponse, source: string) => void) | undefined
}

/** As much of a request's message as the door asks for. */
export type Asked = Pick<IncomingMessage, 'method' | 'url' | 'headers' | 'socket'>

/** The state of an open door. */
export interface Floor {
  readonly parts: HttpDoorParts
  readonly router: Router
  /** How problems are written at paths that are not routes. */
  readonly shapeOf: ShapeOf
  readonly bodyLimits: BodyLimits
  readonly arriving: Arriving
  /** Where invocations wait for their turn. */
  readonly gate: Gate
  /** What those hear who are turned away there. */
  readonly crowded: Readonly<Record<Crowded | 'gone', Problem>>
  /** Requests of ordinary routes that are being answered. */
  busy: number
  isClosing: boolean
}

/** Made once: under overload there is no time to make a problem for each. */
export function crowdedProblems({ concurrencyMax, queueMax, queueMsMax }: HttpLimits): Floor['crowded'] {
  const waits = queueMax === 0 ? '' : ` and ${queueMax} wait`
  return {
    full: new Problem('overloaded', `Cannot answer now: ${concurrencyMax} requests at once are taken${waits}`),
    late: new Problem('overloaded', `Cannot answer now: its turn did not come within ${queueMsMax} ms`),
    gone: new Problem('overloaded', 'Cannot answer: the caller hung up before its turn came'),
  }
}

/** Characters that may stand in a log line, a record and a header without harm; 128 of them at most. */
const REQUEST_ID = /^[\w.:;,@=+/-]{1,128}$/

/** The caller's own id for the request if it is fit to be kept, else a new one. */
export function requestIdOf(message: Pick<Asked, 'headers'>, ids: Ids): string {
  const given = message.headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : ids.next()
}

/** Address of the caller: of the connection, or what a proxy says that is believed. */
export function sourceOf(message: Asked, { parts: { proxies } }: Floor): string {
  const remote = message.socket.remoteAddress ?? ''
  const address = remote.startsWith('::ffff:') ? remote.slice(7) : remote
  return proxies === undefined ? address : proxies.callerOf(address, message.headers['x-forwarded-for'])
}

export function admit(floor: Floor, message: Asked, permission: string): Actor {
  const { authorization, host, origin } = message.headers
  return floor.parts.admission.admit(authorization, host, origin, permission)
}

/** Why the door takes no more work now, if so. */
export function turnedAway(floor: Floor): Problem | undefined {
  if (floor.isClosing) return new Problem('unavailable', 'Cannot answer: the server is stopping')
  return floor.gate.isFull || floor.busy > floor.parts.limits.concurrencyMax ? floor.crowded.full : undefined
}

/**
 * The problem that the caller is told. A fault of ours is logged here, once, and nowhere else: with the id that the
 * caller has in hand.
 */
export function toldProblem(floor: Floor, error: unknown, requestId: string, message: Asked): Problem {
  const problem = asProblem(error)
  if (problem.status === 500) {
    const fields = {
      requestId,
      method: message.method,
      path: pathOf(message),
      code: problem.code,
      err: problem.cause ?? problem,
    }
    floor.parts.log.error(fields, problem.message)
  }
  return problem
}

/** The path without the query, which may hold what should not be in a log. */
export function pathOf(message: Asked): string {
  const url = message.url ?? '/'
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

/** Whether more of the body is still to come, so that this connection cannot carry another request. */
export function isUnread(message: IncomingMessage): boolean {
  return !message.complete
}
