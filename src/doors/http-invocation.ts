/**
 * Hands invocations over unread. Whatever becomes of one, also here (no key, too large, too slow, too many), it reaches
 * `invoke`, which writes the record: the door only makes `admit` and `text` throw.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { asProblem, type Problem } from '../errors.ts'
import type { Actor, Answer, InvocationRequest, InvocationRoute } from '../route.ts'
import { sendText, wholeText, writtenProblem } from './http-answer.ts'
import { type Collected, collect, requireJson } from './http-body.ts'
import { codingFor, decode, encoded } from './http-encoding.ts'
import { lingerAfter } from './http-linger.ts'
import { type Asked, admit, type Floor, requestIdOf, sourceOf, toldProblem, turnedAway } from './http-request.ts'
import type { Addressed } from './http-router.ts'

/** Who asked: a request's message, and the way back. */
export interface Exchange extends Asked {
  /** @param isLast whether the connection is to end with this answer. */
  reply(answer: Answer, requestId: string, isLast: boolean): void
}

/** Takes a request of an invocation route; answers it in its own time. */
export function takeInvocation(
  floor: Floor,
  { route, params }: Addressed,
  message: IncomingMessage,
  response: ServerResponse,
): void {
  const invocation = new HttpInvocation(floor, route, message, params, sourceOf(message, floor))
  const { bodyLimits, arriving } = floor
  collect(message, bodyLimits, arriving, invocation.refusal, collected => {
    decode(collected, message.headers['content-encoding'], bodyLimits, arriving, decoded => {
      proceed(floor, route, invocation, decoded, new NodeExchange(message, response))
    })
  })
}

/** Goes on with an invocation once its body is there, or will not come. */
export function proceed(
  floor: Floor,
  route: InvocationRoute,
  invocation: HttpInvocation,
  collected: Collected,
  exchange: Exchange,
): void {
  invocation.receive(collected)
  if (floor.gate.enter(collected.problem !== undefined)) void answer(floor, route, invocation, exchange)
  else
    floor.gate.wait(collected.bytes.length, turnedAway => {
      invocation.turnedAway = turnedAway && floor.crowded[turnedAway]
      if (turnedAway === undefined && !exchange.socket.writable) invocation.turnedAway = givenUp(floor)
      void answer(floor, route, invocation, exchange)
    })
}

class NodeExchange implements Exchange {
  readonly #message: IncomingMessage
  readonly #response: ServerResponse

  constructor(message: IncomingMessage, response: ServerResponse) {
    this.#message = message
    this.#response = response
  }

  get method(): string | undefined {
    return this.#message.method
  }

  get url(): string | undefined {
    return this.#message.url
  }

  get headers(): IncomingMessage['headers'] {
    return this.#message.headers
  }

  get socket(): IncomingMessage['socket'] {
    return this.#message.socket
  }

  reply(answer: Answer, requestId: string, isLast: boolean): void {
    if (isLast) lingerAfter(this.#message)
    sendText({ response: this.#response, requestId, isLast }, answer, wholeText(answer))
  }
}

/** Nobody listens any more: work for who gave up would keep those waiting who did not. */
function givenUp(floor: Floor): Problem {
  floor.gate.leave()
  return floor.crowded.gone
}

async function answer(
  floor: Floor,
  route: InvocationRoute,
  invocation: HttpInvocation,
  exchange: Exchange,
): Promise<void> {
  let given: Answer
  try {
    given = await route.invoke(invocation)
  } catch (error) {
    const problem = toldProblem(floor, error, invocation.requestId, exchange)
    given = writtenProblem(route.problem, problem, invocation.requestId)
  }
  if (invocation.turnedAway === undefined) floor.gate.leave()
  const coding = codingFor(given, exchange.headers['accept-encoding'])
  if (coding !== undefined) given = await encoded(given, coding)
  exchange.reply(given, invocation.requestId, invocation.isCut || floor.isClosing)
}

export class HttpInvocation implements InvocationRequest {
  readonly requestId: string
  readonly source: string
  readonly route: string
  readonly arrivedMs: number
  readonly params: Readonly<Record<string, string>>
  readonly headers: Asked['headers']
  readonly query: URLSearchParams | undefined
  /** Why the body is not read at all: nobody who may not ask makes us keep one. */
  readonly refusal: Problem | undefined
  /** Why its turn did not come. */
  turnedAway: Problem | undefined = undefined
  readonly #floor: Floor
  readonly #message: Asked
  readonly #permission: string
  readonly #takes: readonly string[] | undefined
  #actor: Actor | undefined
  #notAdmitted: Problem | undefined
  #collected: Collected | undefined

  constructor(
    floor: Floor,
    route: InvocationRoute,
    message: Asked,
    params: Readonly<Record<string, string>>,
    source: string,
  ) {
    this.requestId = requestIdOf(message, floor.parts.ids)
    this.source = source
    this.route = route.path
    const { timer } = floor.parts
    this.arrivedMs = timer === undefined ? 0 : timer()
    this.params = params
    this.headers = message.headers
    const queryAt = message.url!.indexOf('?')
    this.query = queryAt === -1 ? undefined : new URLSearchParams(message.url!.slice(queryAt + 1))
    this.#floor = floor
    this.#message = message
    this.#permission = route.permission
    this.#takes = route.takes
    this.refusal = turnedAway(floor) ?? this.#knock()
  }

  #knock(): Problem | undefined {
    try {
      this.#actor = admit(this.#floor, this.#message, this.#permission)
      return undefined
    } catch (error) {
      this.#notAdmitted = asProblem(error)
      return this.#notAdmitted
    }
  }

  get isCut(): boolean {
    return this.#collected?.isCut ?? false
  }

  receive(collected: Collected): void {
    this.#collected = collected
  }

  admit(permission: string): Actor {
    if (this.#notAdmitted !== undefined) throw this.#notAdmitted
    if (this.#actor !== undefined && permission === this.#permission) return this.#actor
    return admit(this.#floor, this.#message, permission)
  }

  bytes(): Buffer {
    if (this.turnedAway !== undefined) throw this.turnedAway
    const { bytes, problem } = this.#collected!
    if (problem !== undefined) throw problem
    requireJson(this.headers['content-type'], bytes, this.#takes)
    return bytes
  }
}
