/**
 * Hands invocations over unread. Whatever becomes of one, also here (no key, too large, too slow, too many), it reaches
 * `invoke`, which writes the record: the door only makes `admit` and `text` throw.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { asProblem, type Problem } from '../errors.ts'
import type { Actor, Answer, InvocationRequest, InvocationRoute } from '../route.ts'
import { type Destination, problemAnswer, problemHeaders, sendText } from './http-answer.ts'
import { type Collected, collect, requireJson } from './http-body.ts'
import { admit, type Floor, requestIdOf, sourceOf, toldProblem, turnedAway } from './http-request.ts'

/** Takes a request of an invocation route; answers it in its own time. */
export function takeInvocation(
  floor: Floor,
  route: InvocationRoute,
  message: IncomingMessage,
  response: ServerResponse,
  params: Readonly<Record<string, string>>,
): void {
  const invocation = new HttpInvocation(floor, route, message, params)
  collect(message, floor.bodyLimits, floor.arriving, invocation.refusal, collected => {
    invocation.receive(collected)
    if (floor.gate.enter(collected.problem !== undefined)) void answer(floor, route, invocation, message, response)
    else
      floor.gate.wait(collected.bytes.length, turnedAway => {
        invocation.turnedAway = turnedAway && floor.crowded[turnedAway]
        if (turnedAway === undefined && !message.socket.writable) invocation.turnedAway = givenUp(floor)
        void answer(floor, route, invocation, message, response)
      })
  })
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
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let given: Answer
  try {
    given = await route.invoke(invocation)
  } catch (error) {
    const problem = toldProblem(floor, error, invocation.requestId, message)
    given = written(route, problem, invocation.requestId)
  }
  if (invocation.turnedAway === undefined) floor.gate.leave()
  const to: Destination = { response, requestId: invocation.requestId, isLast: invocation.isCut || floor.isClosing }
  sendText(to, given, given.text ?? given.bytes ?? JSON.stringify(given.body ?? null))
}

function written(route: InvocationRoute, problem: Problem, requestId: string): Answer {
  if (route.problem === undefined) return problemAnswer(problem, requestId)
  const own = route.problem(problem, requestId)
  return { ...own, headers: { ...problemHeaders(problem), ...own.headers } }
}

class HttpInvocation implements InvocationRequest {
  readonly requestId: string
  readonly source: string
  readonly params: Readonly<Record<string, string>>
  readonly headers: IncomingMessage['headers']
  readonly query: URLSearchParams | undefined
  /** Why the body is not read at all: nobody who may not ask makes us keep one. */
  readonly refusal: Problem | undefined
  /** Why its turn did not come. */
  turnedAway: Problem | undefined = undefined
  readonly #floor: Floor
  readonly #message: IncomingMessage
  readonly #permission: string
  readonly #takes: readonly string[] | undefined
  #actor: Actor | undefined
  #notAdmitted: Problem | undefined
  #collected: Collected | undefined

  constructor(
    floor: Floor,
    route: InvocationRoute,
    message: IncomingMessage,
    params: Readonly<Record<string, string>>,
  ) {
    this.requestId = requestIdOf(message, floor.parts.ids)
    this.source = sourceOf(message, floor)
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
