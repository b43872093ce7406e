/** A collector of traces: takes OTLP over HTTP, and keeps what came. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'

export interface Taken {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Decompressed. */
  readonly body: Buffer
}

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export interface Collector {
  readonly url: string
  readonly taken: readonly Taken[]
  /** Resolves when so many requests have come. */
  requests(count: number): Promise<readonly Taken[]>
  /** Spans of requests in JSON, as they came. */
  spans(): KeptSpan[]
  /** Resolves when there are so many spans. */
  spansOf(count: number): Promise<KeptSpan[]>
  /** What the next requests are answered, one after the other; `silent` ones never. */
  answer(...replies: (Reply | 'silent')[]): void
}

export interface KeptSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly traceState?: string
  readonly flags: number
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  /** Of the error, if it has one. */
  readonly status?: { readonly code?: number; readonly message?: string }
  /** By name. */
  readonly said: Readonly<Record<string, unknown>>
  readonly resource: Readonly<Record<string, unknown>>
}

const TAKEN: Reply = { status: 200, body: '{}' }

export async function startCollector(t: TestContext): Promise<Collector> {
  const taken: Taken[] = []
  const replies: (Reply | 'silent')[] = []
  const waiting = new Set<() => void>()
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => void pieces.push(piece))
    request.on('end', () => {
      const sent = Buffer.concat(pieces)
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
      const reply = replies.shift() ?? TAKEN
      if (reply !== 'silent') {
        response.writeHead(reply.status, reply.headers)
        response.end(request.headers['content-type'] === 'application/json' ? reply.body : bytesOf(reply))
      }
      taken.push({ path: request.url!, headers: request.headers, body })
      for (const look of waiting) look()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const whenever = <T>(find: () => T | undefined): Promise<T> =>
    new Promise(resolve => {
      const look = (): void => {
        const found = find()
        if (found === undefined) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })
  const spans = (): KeptSpan[] => taken.flatMap(({ body }) => spansIn(JSON.parse(body.toString()) as Request))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken,
    requests: count => whenever(() => (taken.length >= count ? taken : undefined)),
    spans,
    spansOf: count => whenever(() => (spans().length >= count ? spans() : undefined)),
    answer: (...next) => void replies.push(...next),
  }
}

function bytesOf({ body }: Reply): Buffer {
  return typeof body === 'string' || body === undefined ? Buffer.alloc(0) : body
}

interface Pair {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface Request {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Pair[] }
    readonly scopeSpans: readonly { readonly spans: readonly (KeptSpan & { readonly attributes: readonly Pair[] })[] }[]
  }[]
}

function spansIn({ resourceSpans }: Request): KeptSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(span => ({ ...span, said: pairsOf(span.attributes), resource: pairsOf(resource.attributes) })),
    ),
  )
}

function pairsOf(pairs: readonly Pair[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    pairs.map(({ key, value }) => [key, 'intValue' in value ? Number(value['intValue']) : Object.values(value)[0]]),
  )
}
