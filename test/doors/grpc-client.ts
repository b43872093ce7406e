/** A gRPC client on Node's HTTP/2, that can do what stock clients do not: break off, send too much, end badly. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type SecureClientSessionOptions } from 'node:http2'

export interface Answered {
  readonly status: string
  readonly message: string
  readonly headers: Readonly<Record<string, unknown>>
  /** The messages, without their frames. */
  readonly messages: readonly Buffer[]
}

export interface GrpcClient {
  /** Sends these bytes as they are, ends, and resolves when the call has ended. */
  call(path: string, bytes: Uint8Array, headers?: Readonly<Record<string, string>>): Promise<Answered>
  /** Begins a call, and leaves the rest to the caller. */
  open(path: string, headers?: Readonly<Record<string, string>>): ClientHttp2Stream
  readonly session: ClientHttp2Session
}

export function grpcClient(url: string, options: SecureClientSessionOptions = {}): GrpcClient {
  const session = connect(url, options)
  session.on('error', () => {})
  const open: GrpcClient['open'] = (path, headers = {}) =>
    session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    })
  return {
    session,
    open,
    call(path, bytes, headers) {
      const stream = open(path, headers)
      const answered = endOf(stream)
      stream.end(bytes)
      return answered
    },
  }
}

export function endOf(stream: ClientHttp2Stream): Promise<Answered> {
  return new Promise((resolve, reject) => {
    let headers: Record<string, unknown> = {}
    const chunks: Buffer[] = []
    stream.on('response', found => {
      headers = { ...headers, ...found }
    })
    stream.on('trailers', found => {
      headers = { ...headers, ...found }
    })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.on('close', () => {
      const message = decodeURIComponent(String(headers['grpc-message'] ?? ''))
      resolve({ status: String(headers['grpc-status']), message, headers, messages: messagesIn(Buffer.concat(chunks)) })
    })
  })
}

export function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

function messagesIn(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = []
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt32BE(at + 1)) {
    messages.push(bytes.subarray(at + 5, at + 5 + bytes.readUInt32BE(at + 1)))
  }
  return messages
}

/** A field of a message, up to 127 bytes. */
export function field(number: number, value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes])
}

/** A `PredictRequest` of our own interface, for the tiny model: a table of one row. */
export function predictRequest(model: string, age: number, id = ''): Buffer {
  const values = Buffer.alloc(16)
  values.writeDoubleLE(age, 0)
  values.writeDoubleLE(1, 8)
  const table = Buffer.concat([field(1, 'age'), field(1, 'tenure'), field(2, values)])
  return Buffer.concat([field(1, model), ...(id === '' ? [] : [field(3, id)]), field(5, table)])
}
