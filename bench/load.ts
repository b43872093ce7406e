/**
 * A load generator for HTTP/1.1: keep-alive connections, no pipelining, each sends its next request when its answer is
 * whole. Run as a process of its own, so that it can be pinned to another core than the server:
 *
 *     node bench/load.ts --url http://127.0.0.1:8080/predict --bodies FILE --seconds 10 [--connections 64] [--rate 2000]
 *
 * Prints one JSON object. `--rate` is in requests a second over all connections; without it, as fast as answers come.
 */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { parseArgs } from 'node:util'

export interface LoadOptions {
  readonly url: string
  /** One JSON body a line; sent in turn. */
  readonly bodies: readonly string[]
  readonly seconds: number
  readonly connections: number
  readonly rate?: number
  readonly headers?: Readonly<Record<string, string>>
}

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  readonly requestsPerSecond: number
  /** Answers with another status than 200, and connections lost. */
  readonly failures: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Latencies are counted in steps of 1 %, from a microsecond to a minute. */
const STEP = Math.log(1.01)
const BUCKETS = Math.ceil(Math.log(60_000 / 0.001) / STEP)
const HEAD_END = '\r\n\r\n'

class Histogram {
  readonly #counts = new Uint32Array(BUCKETS)
  #total = 0

  add(ms: number): void {
    const bucket = Math.floor(Math.log(Math.max(ms, 0.001) / 0.001) / STEP)
    this.#counts[Math.min(BUCKETS - 1, bucket)]!++
    this.#total++
  }

  quantile(q: number): number {
    let left = Math.ceil(q * this.#total)
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#counts[bucket]!
      if (left <= 0) return 0.001 * Math.exp((bucket + 0.5) * STEP)
    }
    return 0
  }
}

export async function load(options: LoadOptions): Promise<LoadResult> {
  const { seconds, connections, bodies } = options
  const requests = bodies.map(body => requestBytes(options, body))
  const latencies = new Histogram()
  const startedAt = performance.now()
  const endAt = startedAt + seconds * 1000
  const counts = { sent: 0, done: 0, failures: 0 }
  const next = (): Buffer => requests[counts.sent++ % requests.length]!
  /** When the next request is due, with a rate: as if all connections shared one clock. */
  const dueAt = (): number => (options.rate === undefined ? 0 : startedAt + (counts.sent * 1000) / options.rate)
  const finished = (ms: number, ok: boolean): void => {
    counts.done++
    if (ok) latencies.add(ms)
    else counts.failures++
  }
  await Promise.all(
    Array.from({ length: connections }, () => connection(options.url, { next, dueAt, finished, endAt })),
  )
  const took = (performance.now() - startedAt) / 1000
  return {
    requests: counts.done,
    seconds: took,
    requestsPerSecond: counts.done / took,
    failures: counts.failures,
    p50Ms: latencies.quantile(0.5),
    p99Ms: latencies.quantile(0.99),
  }
}

function requestBytes({ url, headers = {} }: LoadOptions, body: string): Buffer {
  const { pathname, host } = new URL(url)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `POST ${pathname} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n`
  return Buffer.from(`${head}${lines.join('')}content-length: ${Buffer.byteLength(body)}${HEAD_END}${body}`)
}

interface Work {
  readonly next: () => Buffer
  readonly dueAt: () => number
  readonly finished: (ms: number, ok: boolean) => void
  readonly endAt: number
}

/** One connection until the end; one that is lost is a failure and is made anew. */
function connection(url: string, work: Work): Promise<void> {
  const { hostname, port } = new URL(url)
  return new Promise(resolve => {
    let sentAt = 0
    let received = ''
    let socket: Socket
    const send = (): void => {
      const now = performance.now()
      if (now >= work.endAt) {
        socket.destroy()
        resolve()
        return
      }
      const waitMs = work.dueAt() - now
      if (waitMs > 1) {
        setTimeout(send, Math.min(waitMs, work.endAt - now))
        return
      }
      sentAt = performance.now()
      socket.write(work.next())
    }
    const lost = (): void => {
      work.finished(0, false)
      setTimeout(open, 10)
    }
    const open = (): void => {
      received = ''
      socket = connect(Number(port), hostname, send).setNoDelay(true)
      socket.setEncoding('latin1')
      socket.on('data', (text: string) => {
        received = received === '' ? text : received + text
        const status = wholeAnswer(received)
        if (status === undefined) return
        received = ''
        work.finished(performance.now() - sentAt, status === 200)
        send()
      })
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        if (performance.now() >= work.endAt) resolve()
        else lost()
      })
    }
    open()
  })
}

/** The status of an answer that is whole, by its content length or its last chunk; undefined while it is not. */
export function wholeAnswer(text: string): number | undefined {
  const headEnd = text.indexOf(HEAD_END)
  if (headEnd === -1) return undefined
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, headEnd))?.[1]
  const isWhole =
    length === undefined ? text.endsWith(`0${HEAD_END}`) : text.length >= headEnd + HEAD_END.length + Number(length)
  return isWhole ? Number(text.slice(9, 12)) : undefined
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      bodies: { type: 'string' },
      seconds: { type: 'string', default: '10' },
      connections: { type: 'string', default: '64' },
      rate: { type: 'string' },
      header: { type: 'string', multiple: true, default: [] },
    },
  })
  const bodies = readFileSync(values.bodies!, 'utf8').trim().split('\n')
  const headers = Object.fromEntries(values.header.map(text => text.split(/: */, 2) as [string, string]))
  const result = await load({
    url: values.url!,
    bodies,
    headers,
    seconds: Number(values.seconds),
    connections: Number(values.connections),
    ...(values.rate === undefined ? {} : { rate: Number(values.rate) }),
  })
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
