/** Ordinary routes: the door itself knows the caller, checks what came, and then calls the handler. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Problem } from '../errors.ts'
import { bodyText } from '../platform/body-text.ts'
import type { Actor, Answer, Part, Route, RouteRequest } from '../route.ts'
import { absenceCheck, bodyCheck, type Check, textCheck } from './check.ts'
import { send, writtenProblem } from './http-answer.ts'
import { type Collected, collect, requireJson } from './http-body.ts'
import { decode } from './http-encoding.ts'
import { hasBody, lingerAfter, skipRest } from './http-linger.ts'
import { admit, type Floor, type RateLimits, requestIdOf, sourceOf, toldProblem, turnedAway } from './http-request.ts'

/** Who calls a public route: nobody asks. */
const ANYBODY: Actor = { id: 'anybody', name: 'anybody', roles: [] }

/** A route with its checks compiled. */
export interface PlainRoute {
  readonly route: Route
  readonly params: Check
  readonly query: Check
  readonly body: Check | undefined
  readonly bodyMayBeAbsent: () => boolean
}

export function plainRoute(route: Route): PlainRoute {
  return {
    route,
    params: route.params === undefined ? value => value : textCheck(route.params, 'path'),
    query: route.query === undefined ? value => value : textCheck(route.query, 'query'),
    body: route.body === undefined ? undefined : bodyCheck(route.body),
    bodyMayBeAbsent: route.body === undefined ? () => false : absenceCheck(route.body),
  }
}

export interface PlainRequest {
  readonly message: IncomingMessage
  readonly response: ServerResponse
  readonly params: unknown
  readonly query: unknown
}

/** Takes a request of an ordinary route; answers it in its own time. */
export async function takePlain(floor: Floor, plain: PlainRoute, request: PlainRequest): Promise<void> {
  const { message, response } = request
  const requestId = requestIdOf(message, floor.parts.ids)
  floor.busy++
  let answer: Answer
  try {
    answer = wantsPage(plain.route, message) ? plain.route.page!() : await handled(floor, plain, request, requestId)
  } catch (error) {
    answer = writtenProblem(plain.route.problem, toldProblem(floor, error, requestId, message), requestId)
  }
  if (plain.route.page !== undefined) answer = { ...answer, headers: { ...answer.headers, vary: 'accept' } }
  const isLast = (await skipRest(message)) || floor.isClosing
  if (isLast) lingerAfter(message)
  floor.busy--
  send({ response, requestId, isLast }, answer, error =>
    floor.parts.log.error({ requestId, err: error }, 'Cannot finish the answer: its stream failed'),
  )
}

/** A browser names HTML first when a person goes somewhere; scripts and programs do not. */
function wantsPage({ page }: Route, { headers }: IncomingMessage): boolean {
  return page !== undefined && headers.accept?.startsWith('text/html') === true
}

async function handled(floor: Floor, plain: PlainRoute, request: PlainRequest, requestId: string): Promise<Answer> {
  const { rates } = floor.parts
  if (rates !== undefined && plain.route.permission !== 'public')
    return await rated(rates, floor, plain, request, requestId)
  const actor = enter(floor, plain.route, request.message)
  return plain.route.handle(await read(floor, plain, request, requestId, actor))
}

/** Whoever may not come in has asked as well: guesses are counted with their address. */
async function rated(
  rates: RateLimits,
  floor: Floor,
  plain: PlainRoute,
  request: PlainRequest,
  requestId: string,
): Promise<Answer> {
  let actor: Actor | undefined
  let refused: unknown
  try {
    actor = enter(floor, plain.route, request.message)
  } catch (error) {
    refused = error
  }
  const taken = await rates.take({ source: sourceOf(request.message, floor), actor, model: undefined })
  if (taken?.problem !== undefined) throw taken.problem
  if (actor === undefined) throw refused
  const answer = await plain.route.handle(await read(floor, plain, request, requestId, actor))
  return taken === undefined ? answer : { ...answer, headers: { ...taken.headers, ...answer.headers } }
}

function enter(floor: Floor, route: Route, message: IncomingMessage): Actor {
  // An overloaded server still tells how it is: what is only read needs no memory for a body.
  const away = route.method === 'GET' && !floor.isClosing ? undefined : turnedAway(floor)
  if (away !== undefined) throw away
  return route.permission === 'public' ? ANYBODY : admit(floor, message, route.permission)
}

async function read(
  floor: Floor,
  plain: PlainRoute,
  { message, params, query }: PlainRequest,
  requestId: string,
  actor: Actor,
): Promise<RouteRequest> {
  return {
    requestId,
    actor,
    source: sourceOf(message, floor),
    params: plain.params(params) as RouteRequest['params'],
    query: plain.query(query) as RouteRequest['query'],
    headers: message.headers as RouteRequest['headers'],
    body:
      plain.body === undefined
        ? refuseBody(plain.route, message)
        : plain.body(await readBody(floor, message, plain.bodyMayBeAbsent())),
    parts: partsOf(floor, plain.route, message),
    ...(plain.route.upload === true ? { upload: message } : {}),
  }
}

async function readBody(floor: Floor, message: IncomingMessage, isOptional: boolean): Promise<unknown> {
  const { bodyLimits, arriving } = floor
  const { bytes, problem } = await new Promise<Collected>(resolve => {
    collect(message, bodyLimits, arriving, undefined, collected => {
      decode(collected, message.headers['content-encoding'], bodyLimits, arriving, resolve)
    })
  })
  if (problem !== undefined) throw problem
  if (bytes.length === 0 && isOptional) return undefined
  requireJson(message.headers['content-type'], bytes)
  return floor.parts.readJson(bodyText(bytes))
}

function refuseBody(route: Route, message: IncomingMessage): undefined {
  if (route.multipart !== undefined || route.upload === true || !hasBody(message)) return undefined
  throw new Problem('malformed', `Cannot read the request: it has a body, ${route.method} of this path takes none`)
}

async function* partsOf(
  floor: Floor,
  { multipart: accepts }: Route,
  message: IncomingMessage,
): AsyncGenerator<Part, void> {
  if (accepts === undefined) return
  const { multipart } = await import('./http-multipart.ts') // its parser is for those who upload
  yield* multipart(message, { bytesMax: accepts.bytesMax, idleMsMax: floor.parts.limits.requestTimeoutMs })
}
