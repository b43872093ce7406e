/**
 * What is no invocation goes on to the process that owns the data folder, as it came and with the address of its caller, and
 * its answer comes back. The other door judges the caller itself; it believes the address because nobody else can reach it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { Problem, problemDocument } from '../errors.ts'
import type { Ids } from '../platform/ids.ts'
import { http } from '../platform/node-http.ts'

export type Forward = (message: IncomingMessage, response: ServerResponse, source: string) => void

/** Says for whom a request is passed on. */
const SOURCE_HEADER = 'x-forwarded-for'
/** Shorter than the other door keeps an idle connection, so that none is used that it is about to end. */
const IDLE_MS_MAX = 30_000
/** Belong to one connection, not to what is said over it (RFC 9110 §7.6.1). */
const OF_CONNECTION = new Set(['connection', 'keep-alive', 'proxy-connection', 'upgrade', 'te', 'trailer', 'expect'])

/** What the other door takes for `Proxies`: the address that `forwardTo` told. */
export const FORWARDED: { callerOf(address: string, forwarded: string | string[] | undefined): string } = {
  callerOf: (_address, forwarded) => (typeof forwarded === 'string' ? forwarded : ''),
}

/** @param socketPath of the other door. */
export function forwardTo(socketPath: string, ids: Ids): Forward {
  const agent = new http.Agent({ keepAlive: true, timeout: IDLE_MS_MAX })
  return (message, response, source) => {
    const { method = 'GET', url = '/' } = message
    const headers = [...passedOn(message.rawHeaders, SOURCE_HEADER), SOURCE_HEADER, source, ...missing(message)]
    const onward = http.request({ agent, socketPath, method, path: url, headers }, answer => {
      const { statusCode = 502, statusMessage = '' } = answer
      response.writeHead(statusCode, statusMessage, passedOn(answer.rawHeaders, 'transfer-encoding'))
      // Where one side breaks off, so does the other: a shorter answer must not look like a whole one.
      pipeline(answer, response, () => {})
    })
    // No limit of time but those of the doors: an upload, or a table that is made, may take its time.
    onward.setTimeout(0)
    onward.on('error', error => failed(response, ids, error))
    response.on('close', () => {
      if (!response.writableFinished) onward.destroy()
    })
    message.on('error', () => onward.destroy())
    message.pipe(onward)
  }
}

/** What a request of HTTP/1.0 may lack, and what a client would else add by itself: that there is a body. */
function missing({ headers }: IncomingMessage): string[] {
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
  return [...(headers.host === undefined ? ['host', 'localhost'] : []), ...(hasBody ? [] : ['content-length', '0'])]
}

function passedOn(raw: readonly string[], without: string): string[] {
  const headers: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase()
    if (!OF_CONNECTION.has(name) && name !== without) headers.push(raw[at]!, raw[at + 1]!)
  }
  return headers
}

function failed(response: ServerResponse, ids: Ids, cause: Error): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const problem = new Problem('unavailable', 'Cannot answer now: the process that keeps the records does not', {
    cause,
  })
  const text = JSON.stringify(problemDocument(problem, ids.next()))
  const headers = {
    'content-type': 'application/problem+json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  }
  response.writeHead(problem.status, { ...headers, 'retry-after': '1', connection: 'close' })
  response.end(text)
}
