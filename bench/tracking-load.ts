/** Callers of MLflow's protocol that cost little themselves: a kept connection each, and requests written as they are. */
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'

export interface Caller {
  /** Text of the answer. Throws where it is no success. */
  call(method: string, path: string, body: string | Buffer): Promise<string>
  close(): void
}

const HEAD_END = Buffer.from('\r\n\r\n')

/** One call at a time. */
export async function openCaller(url: string): Promise<Caller> {
  const { hostname, port } = new URL(url)
  const socket = await opened(hostname, Number(port))
  let waiting: { resolve: (text: string) => void; reject: (error: Error) => void; what: string } | undefined
  let held: Buffer = Buffer.alloc(0)
  const fail = (error: Error): void => {
    waiting?.reject(error)
    waiting = undefined
  }
  socket.on('data', bytes => {
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes])
    const answer = whole(held)
    if (answer === undefined || waiting === undefined) return
    const { resolve, reject, what } = waiting
    waiting = undefined
    held = held.subarray(answer.end)
    if (answer.status === 200) resolve(answer.body)
    else reject(new Error(`Cannot go on: ${what} answered ${answer.status} ${answer.body.slice(0, 300)}`))
  })
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('Cannot go on: the server closed the connection')))
  return {
    call: (method, path, body) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject, what: path }
        const type = typeof body === 'string' ? 'application/json' : 'application/octet-stream'
        const head = `${method} ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`
        if (typeof body === 'string') socket.write(head + body)
        else {
          socket.write(head)
          socket.write(body)
        }
      }),
    close: () => void socket.destroy(),
  }
}

function opened(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => resolve(socket))
    socket.setNoDelay(true)
    socket.once('error', reject)
  })
}

/** An answer whose length is told, or that comes in chunks. */
function whole(bytes: Buffer): { status: number; body: string; end: number } | undefined {
  const at = bytes.indexOf(HEAD_END)
  if (at < 0) return undefined
  const head = bytes.toString('latin1', 0, at)
  const status = Number(head.slice(9, 12))
  const start = at + HEAD_END.length
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) {
    const end = start + Number(length)
    return bytes.length < end ? undefined : { status, body: bytes.toString('utf8', start, end), end }
  }
  const parts: Buffer[] = []
  for (let from = start; ; ) {
    const line = bytes.indexOf('\r\n', from)
    if (line < 0) return undefined
    const size = Number.parseInt(bytes.toString('latin1', from, line), 16)
    if (bytes.length < line + 4 + size) return undefined
    if (size === 0) return { status, body: Buffer.concat(parts).toString(), end: line + 4 }
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    from = line + 4 + size
  }
}

/** Calls a second, for so long. */
export async function rate(
  callers: readonly Caller[],
  forMs: number,
  call: (caller: Caller, at: number, who: number) => Promise<unknown>,
): Promise<number> {
  const start = performance.now()
  let next = 0
  const work = async (caller: Caller, who: number): Promise<void> => {
    while (performance.now() - start < forMs) await call(caller, next++, who)
  }
  await Promise.all(callers.map(work))
  return (next / (performance.now() - start)) * 1_000
}

/** Memory that a process and its descendants hold, those that they share counted once for each. */
export function familyBytes(pid: number): number {
  const parents = new Map<number, number>()
  const resident = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8')
      parents.set(Number(name), Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]))
      resident.set(Number(name), Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1_024)
    } catch {
      // It ended while the list was read.
    }
  }
  const isOf = (one: number | undefined): boolean => one !== undefined && (one === pid || isOf(parents.get(one)))
  return [...resident].filter(([one]) => isOf(one)).reduce((sum, [, bytes]) => sum + bytes, 0)
}
