/**
 * Asks a gRPC server the same question again and again: so many calls at once over so many connections, each asked again when it
 * is answered. Speaks HTTP/2 by hand, and no more of it than that takes, so that one core of load fills one of a server:
 *
 *   node bench/grpc-load.ts '{"address": "127.0.0.1:8081", "path": "/inference.GRPCInferenceService/ModelInfer", …}'
 *
 * Prints one line of JSON: a `GrpcLoadResult`. A call that ends without a message is a failure.
 */
import { connect, type Socket } from 'node:net'

export interface GrpcLoadPlan {
  readonly address: string
  readonly path: string
  /** The request, base64, without its frame. */
  readonly message: string
  readonly connections: number
  /** Calls at once on each connection. */
  readonly calls: number
  readonly seconds: number
  /** Not counted, before. */
  readonly warmSeconds: number
}

export interface GrpcLoadResult {
  readonly calls: number
  readonly failures: number
  readonly seconds: number
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const DATA = 0
const HEADERS = 1
const RESET = 3
const SETTINGS = 4
const PING = 6
const GOAWAY = 7
const WINDOW = 8
const END_STREAM = 1
const END_HEADERS = 4
const ACK = 1
const HEAD_BYTES = 9
const WINDOW_BYTES = 0x7fff0000

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** RFC 7541 §6.2.2: literals that are not kept, so that every call's headers are the same bytes. */
function headerBlock(path: string, authority: string): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])
  const literal = (name: string, value: string): Buffer => Buffer.concat([Buffer.from([0]), text(name), text(value)])
  const named = (index: number, value: string): Buffer => Buffer.concat([Buffer.from([index]), text(value)])
  return Buffer.concat([
    Buffer.from([0x83, 0x86]), // :method POST, :scheme http
    named(4, path),
    named(1, authority),
    literal('content-type', 'application/grpc'),
    literal('te', 'trailers'),
  ])
}

/** The bytes of one call, with room for the number of its stream in both frames. */
function callBytes({ path, address, message }: GrpcLoadPlan): {
  readonly bytes: Buffer
  readonly at: readonly number[]
} {
  const body = Buffer.from(message, 'base64')
  const head = frame(HEADERS, END_HEADERS, 0, headerBlock(path, address))
  const data = frame(DATA, END_STREAM, 0, Buffer.concat([Buffer.from([0]), uint32(body.length), body]))
  return { bytes: Buffer.concat([head, data]), at: [5, head.length + 5] }
}

interface Tally {
  calls: number
  failures: number
}

class Connection {
  readonly #socket: Socket
  readonly #call: { readonly bytes: Buffer; readonly at: readonly number[] }
  readonly #tally: Tally
  /** Streams that have brought a message. */
  readonly #answered = new Set<number>()
  #rest: Buffer = Buffer.alloc(0)
  #next = 1
  #received = 0

  constructor(plan: GrpcLoadPlan, tally: Tally) {
    const [host, port] = plan.address.split(':')
    this.#socket = connect(Number(port), host).setNoDelay(true)
    this.#call = callBytes(plan)
    this.#tally = tally
    const window = Buffer.concat([Buffer.from([0, 4]), uint32(WINDOW_BYTES)])
    const start = [
      Buffer.from(PREFACE),
      frame(SETTINGS, 0, 0, window),
      frame(WINDOW, 0, 0, uint32(WINDOW_BYTES - 65_535)),
    ]
    for (let call = 0; call < plan.calls; call++) start.push(this.#ask())
    this.#socket.write(Buffer.concat(start))
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk))
    this.#socket.on('error', (error: Error) => fail(error.message))
  }

  end(): void {
    this.#socket.removeAllListeners('error').on('error', () => {})
    this.#socket.destroy()
  }

  #ask(): Buffer {
    const bytes = Buffer.from(this.#call.bytes)
    for (const at of this.#call.at) bytes.writeUInt32BE(this.#next, at)
    this.#next += 2
    return bytes
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const answers: Buffer[] = []
    let at = 0
    while (bytes.length - at >= HEAD_BYTES) {
      const length = bytes.readUIntBE(at, 3)
      if (bytes.length - at < HEAD_BYTES + length) break
      this.#frame(bytes.subarray(at, at + HEAD_BYTES + length), length, answers)
      at += HEAD_BYTES + length
    }
    this.#rest = bytes.subarray(at)
    if (answers.length > 0) this.#socket.write(answers.length === 1 ? answers[0]! : Buffer.concat(answers))
  }

  #frame(bytes: Buffer, length: number, answers: Buffer[]): void {
    const type = bytes[3]!
    const flags = bytes[4]!
    const stream = bytes.readUInt32BE(5)
    if (type === DATA) {
      this.#received += length
      if (length > 5) this.#answered.add(stream)
      if (this.#received > 1 << 28) {
        answers.push(frame(WINDOW, 0, 0, uint32(this.#received)))
        this.#received = 0
      }
    } else if ((type === SETTINGS || type === PING) && (flags & ACK) === 0) {
      answers.push(frame(type, ACK, 0, type === PING ? bytes.subarray(HEAD_BYTES) : Buffer.alloc(0)))
    } else if (type === GOAWAY) fail('the server said goodbye')
    const isEnd = (type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0
    if (!isEnd && type !== RESET) return
    this.#tally.calls++
    if (!this.#answered.delete(stream)) this.#tally.failures++
    answers.push(this.#ask())
  }
}

function fail(why: string): never {
  process.stderr.write(`Cannot load the server: ${why}\n`)
  process.exit(1)
}

const plan = JSON.parse(process.argv[2]!) as GrpcLoadPlan
const tally: Tally = { calls: 0, failures: 0 }
const connections = Array.from({ length: plan.connections }, () => new Connection(plan, tally))
await new Promise(resolve => setTimeout(resolve, plan.warmSeconds * 1000))
const before = { ...tally, at: performance.now() }
await new Promise(resolve => setTimeout(resolve, plan.seconds * 1000))
const seconds = (performance.now() - before.at) / 1000
const result = { calls: tally.calls - before.calls, failures: tally.failures - before.failures, seconds }
for (const connection of connections) connection.end()
process.stdout.write(`${JSON.stringify(result satisfies GrpcLoadResult)}\n`)
