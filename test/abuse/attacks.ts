/**
 * What somebody may do to a server who wants it to stop answering others. Each attack says what it sent and what it met;
 * while it runs a caller with honest intentions asks on, with a connection of its own for each question.
 */
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'

export interface Target {
  readonly host: string
  readonly port: number
  /** Path that answers `row`. */
  readonly path: string
  readonly row: string
}

export interface Met {
  /** How connections ended, by the status that was read first or `closed`; how often. */
  readonly ends: Readonly<Record<string, number>>
  /** Milliseconds from the first byte to the end of the last connection. */
  readonly lastedMs: number
}

export interface Honest {
  readonly asked: number
  readonly failed: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Connections that send `parts`, each `everyMs` after the one before, and read what comes; until they are ended. */
export async function trickle(
  target: Target,
  connections: number,
  parts: (at: number) => string | undefined,
  everyMs: number,
): Promise<Met> {
  const startedAt = performance.now()
  const ends: Record<string, number> = {}
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const end = await one(target, parts, everyMs)
      ends[end] = (ends[end] ?? 0) + 1
    }),
  )
  return { ends, lastedMs: performance.now() - startedAt }
}

function one({ host, port }: Target, parts: (at: number) => string | undefined, everyMs: number): Promise<string> {
  return new Promise(resolve => {
    const socket = connect(port, host)
    let received = ''
    let at = 0
    const send = (): void => {
      const part = parts(at++)
      if (part !== undefined && socket.writable) socket.write(part)
    }
    const timer = setInterval(send, everyMs)
    socket.setEncoding('latin1')
    socket.on('connect', send)
    socket.on('data', (text: string) => {
      received = (received + text).slice(0, 64)
    })
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      clearInterval(timer)
      resolve(/^HTTP\/1\.1 (\d+)/.exec(received)?.[1] ?? 'closed')
    })
  })
}

/** Writes one text, and counts the answers of its connection until it ends, or as many came as are wanted. */
export function pour({ host, port }: Target, text: string, wanted: number): Promise<Readonly<Record<string, number>>> {
  return new Promise(resolve => {
    const statuses: Record<string, number> = {}
    let rest = ''
    let count = 0
    const socket = connect(port, host, () => socket.write(text))
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      const all = rest + chunk
      for (const [, status] of all.matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
        statuses[status!] = (statuses[status!] ?? 0) + 1
        count++
      }
      const cut = all.lastIndexOf('HTTP/1.1 ')
      rest = cut === -1 || all.length - cut >= 13 ? all.slice(-12).replace(/HTTP\/1\.1 \d{3} .*/s, '') : all.slice(cut)
      if (count >= wanted) socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(statuses))
  })
}

/** Opens connections that say nothing, so many at a time, and ends each as soon as it is there. */
export async function churn({ host, port }: Target, connections: number, atOnce: number): Promise<number> {
  let left = connections
  let failed = 0
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      await new Promise<void>(resolve => {
        const socket = connect(port, host, () => socket.destroy())
        socket.on('error', () => failed++)
        socket.on('close', () => resolve())
      })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return failed
}

/** Opens connections and keeps them; resolves when all are there or were refused. */
export async function hoard({ host, port }: Target, connections: number, first: string): Promise<readonly Socket[]> {
  const sockets: Socket[] = []
  for (let i = 0; i < connections; i++) {
    await new Promise<void>(resolve => {
      const socket = connect(port, host, () => socket.write(first, () => resolve()))
      socket.on('error', () => resolve())
      socket.resume()
      sockets.push(socket)
    })
  }
  return sockets
}

/** Asks every `everyMs` with a new connection until it is told to stop. */
export function honest(target: Target, everyMs: number): { stop(): Promise<Honest> } {
  const times: number[] = []
  const pending = new Set<Promise<void>>()
  let failed = 0
  const timer = setInterval(() => {
    const asked = ask(target).then(
      ms => void times.push(ms),
      () => void failed++,
    )
    pending.add(asked)
    void asked.then(() => pending.delete(asked))
  }, everyMs)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(pending)
      times.sort((a, b) => a - b)
      const quantile = (q: number): number => times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? 0
      return { asked: times.length + failed, failed, p50Ms: quantile(0.5), p99Ms: quantile(0.99) }
    },
  }
}

function ask({ host, port, path, row }: Target): Promise<number> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(row) }
    const asking = request({ host, port, path, method: 'POST', headers, agent: false, timeout: 5_000 }, answer => {
      answer.resume()
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(performance.now() - startedAt)
        else reject(new Error(`status ${answer.statusCode}`))
      })
    })
    asking.on('timeout', () => asking.destroy(new Error('no answer')))
    asking.on('error', reject)
    asking.end(row)
  })
}

/** A request as text. */
export function requestText({ path, row }: Target, headers: readonly string[] = []): string {
  const length = `content-length: ${Buffer.byteLength(row)}`
  const lines = ['host: localhost', 'content-type: application/json', length, ...headers]
  return `POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${row}`
}
