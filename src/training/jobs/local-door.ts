/**
 * The way from a command to the tracking store: an address on this machine, open while the command runs and to nobody else.
 * It speaks for whoever started the job, so that the command holds a word that is worth nothing afterwards, and no API key.
 */
import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Transport } from '../../client.ts'

export interface LocalDoor {
  readonly url: string
  close(): Promise<void>
}

/** MLflow's protocol, and what its clients ask first. */
const OPEN = /^\/(?:(?:ajax-)?api\/[23]\.0\/mlflow(?:-artifacts)?\/|version$|health$)/
const ORIGIN = 'http://localhost'
const FORWARDED = ['content-type', 'accept', 'user-agent', 'x-request-id']
const RETURNED = ['content-type', 'content-disposition', 'retry-after']

export async function openLocalDoor(transport: Transport, word: string): Promise<LocalDoor> {
  const server = createServer((request, response) => {
    pass(request, response, transport, word).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close(): Promise<void> {
      const closed = new Promise<void>(resolve => void server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

async function pass(
  request: IncomingMessage,
  response: ServerResponse,
  transport: Transport,
  word: string,
): Promise<void> {
  const { method = 'GET', url = '/' } = request
  if (!isAdmitted(request.headers.authorization, word))
    return refuse(response, 401, 'UNAUTHENTICATED', 'Cannot admit the caller: wanted the token of this job')
  // Before anything that leads elsewhere is resolved by somebody: such a path is none of the protocol's.
  const path = URL.canParse(ORIGIN + url) && url.startsWith('/') ? new URL(ORIGIN + url) : undefined
  if (path === undefined || !OPEN.test(path.pathname))
    return refuse(
      response,
      404,
      'ENDPOINT_NOT_FOUND',
      "Cannot pass this on: only MLflow's protocol is, while a job runs",
    )
  const headers = Object.fromEntries(
    FORWARDED.flatMap(name => (request.headers[name] === undefined ? [] : [[name, String(request.headers[name])]])),
  )
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const body = hasBody ? await bodyOf(request) : undefined
  let answer: Response
  try {
    answer = await transport({
      method,
      path: path.pathname + path.search,
      headers,
      ...(body === undefined ? {} : { body }),
    })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return refuse(response, 503, 'TEMPORARILY_UNAVAILABLE', why)
  }
  const kept = RETURNED.flatMap(name => (answer.headers.has(name) ? [[name, answer.headers.get(name)!]] : []))
  response.writeHead(answer.status, Object.fromEntries(kept) as Record<string, string>)
  if (answer.body === null) response.end()
  else await pipeline(Readable.fromWeb(answer.body as never), response)
}

const SMALL_BYTES = 1 << 20

/** Small bodies whole, so that they can be sent with their length; large ones as they come. */
async function bodyOf(request: IncomingMessage): Promise<Uint8Array | ReadableStream<Uint8Array>> {
  const length = Number(request.headers['content-length'] ?? Number.NaN)
  if (!(length <= SMALL_BYTES)) return Readable.toWeb(request) as ReadableStream<Uint8Array>
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function isAdmitted(given: string = '', word: string): boolean {
  const [, scheme = '', rest = ''] = /^(bearer|basic) +(\S+)$/i.exec(given) ?? []
  const shown = /^bearer$/i.test(scheme)
    ? rest
    : Buffer.from(rest, 'base64')
        .toString('utf8')
        .replace(/^[^:]*:/, '')
  const [a, b] = [Buffer.from(shown), Buffer.from(word)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
  response.end(JSON.stringify({ error_code: code, message }))
}
