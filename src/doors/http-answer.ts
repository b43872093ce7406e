/** Writes answers and problem documents to the wire. */
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { type Problem, problemDocument } from '../errors.ts'
import type { Answer, AnyRoute } from '../route.ts'

export const JSON_TYPE = 'application/json; charset=utf-8'
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/**
 * On every answer but an invocation's: nobody keeps it, and a page that a browser makes of it may load nothing and be
 * framed by nobody. A page that is meant to be one brings its own policy.
 */
const LOCKED: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
}

/** Seconds after which a caller may try again where the problem itself says nothing better. */
const RETRY_AFTER_SECONDS = 1

/** Where an answer goes: the response and what the door knows about its request. */
export interface Destination {
  readonly response: ServerResponse
  readonly requestId: string
  /** Whether the connection is to end with this answer, because its body was not read or the server is stopping. */
  readonly isLast: boolean
}

/**
 * Sends an answer that is whole in memory, as every answer of an invocation is. Answers to POST are kept by no cache and
 * run by no page, so that they go without the headers that forbid it: each costs its share of a request's time.
 */
export function sendText(to: Destination, answer: Answer, text: string | Buffer): void {
  const { response } = to
  // A flat list goes to the wire as it is; an object would be walked and checked name by name.
  const headers: (string | number)[] = [
    'content-type',
    answer.type ?? JSON_TYPE,
    'content-length',
    Buffer.byteLength(text),
    'x-request-id',
    to.requestId,
  ]
  if (answer.headers !== undefined) append(headers, answer.headers)
  if (to.isLast) headers.push('connection', 'close')
  response.writeHead(answer.status ?? 200, headers as string[])
  response.end(text)
}

/** What an answer of an invocation says. */
export function wholeText({ text, bytes, body }: Answer): string | Buffer {
  return text ?? bytes ?? JSON.stringify(body ?? null)
}

/** Sends any answer of an ordinary route. */
export function send(to: Destination, answer: Answer, onStreamError: (error: Error) => void): void {
  const headers = { ...LOCKED, ...answer.headers }
  const whole: Answer = { ...answer, headers }
  const text = answer.text ?? (answer.body === undefined ? undefined : JSON.stringify(answer.body))
  if (answer.stream !== undefined) sendStream(to, whole, onStreamError)
  else if (text !== undefined) sendText(to, whole, text)
  else sendNothing(to, whole)
}

function sendNothing(to: Destination, answer: Answer): void {
  const last = to.isLast ? { connection: 'close' } : {}
  to.response.writeHead(answer.status ?? 204, { 'x-request-id': to.requestId, ...answer.headers, ...last })
  to.response.end()
}

/** A problem as an answer: RFC 9457, with the headers that HTTP wants beside some statuses. */
function problemAnswer(problem: Problem, requestId: string): Answer {
  return {
    status: problem.status,
    type: PROBLEM_TYPE,
    headers: problemHeaders(problem),
    text: JSON.stringify(problemDocument(problem, requestId)),
  }
}

/** A problem as the protocol of a route writes it, which is as above where it has no way of its own. */
export function writtenProblem(write: AnyRoute['problem'], problem: Problem, requestId: string): Answer {
  if (write === undefined) return problemAnswer(problem, requestId)
  const own = write(problem, requestId)
  return { ...own, headers: { ...problemHeaders(problem), ...own.headers } }
}

/** Headers that go with a problem whatever protocol its body is written in. */
function problemHeaders(problem: Problem): Readonly<Record<string, string>> {
  // A problem repeats a little of what was sent: no browser shall take it for anything but text.
  const nosniff = { 'x-content-type-options': 'nosniff', ...problem.headers }
  if (problem.status === 401) return { ...nosniff, 'www-authenticate': 'Bearer realm="bellwether"' }
  if (problem.status !== 503 && problem.status !== 429) return nosniff
  return { ...nosniff, 'retry-after': String(problem.retryAfterSeconds ?? RETRY_AFTER_SECONDS) }
}

function sendStream(to: Destination, answer: Answer, onStreamError: (error: Error) => void): void {
  const { response } = to
  const stream = answer.stream!
  response.writeHead(answer.status ?? 200, {
    'content-type': answer.type ?? JSON_TYPE,
    'x-request-id': to.requestId,
    ...answer.headers,
    ...(to.isLast ? { connection: 'close' } : {}),
  })
  if (response.req.method === 'HEAD') {
    stream.destroy()
    response.end()
    return
  }
  // A stream that fails half-way ends the connection: the caller sees an incomplete answer, not a shorter one.
  pipeline(stream, response, error => {
    if (error !== null && error !== undefined && !isGone(error)) onStreamError(error)
  })
}

/** The caller hung up: nothing failed on our side. */
function isGone(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ERR_STREAM_PREMATURE_CLOSE' || error.code === 'ECONNRESET' || error.code === 'EPIPE'
}

function append(headers: (string | number)[], more: Readonly<Record<string, string>>): void {
  for (const name in more) headers.push(name, more[name]!)
}
