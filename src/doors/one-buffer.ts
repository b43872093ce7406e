/**
 * Reads the connections of a server into one buffer. Node gives each piece that a socket brings 64 KiB of its own, cuts them to the piece's
 * length and hands it through a stream: memory that nobody has touched before, for every request. A socket that was made with
 * `onread` hands over the same bytes again and again, which are in the cache (https://nodejs.org/api/net.html#new-netsocketoptions).
 *
 * A server makes its sockets without it, so each is made again, around the same handle. Where Node should no longer have what that
 * takes, connections are read as they come.
 */
import type { Server } from 'node:http'
import { Socket, type SocketConstructorOpts } from 'node:net'

/** What libuv asks for when it reads. */
const BUFFER_BYTES = 65_536

let shared: Buffer | undefined

/**
 * Hears what a connection brought: `bytes` up to `length`, which somebody else's take the place of afterwards. Whoever answers
 * false leaves them to the stream.
 */
export type Take = (bytes: Buffer, length: number) => boolean

/** What of a socket is Node's own, and has been since its version 11. */
interface Inner {
  _handle?: (NonNullable<SocketConstructorOpts['handle']> & { useUserBuffer?: unknown }) | null
  _server?: Server | null
  server?: Server | null
}

/** The connection, to be used in the place of `socket`, which is nothing any more; undefined where it cannot be read so. */
export function readByOneBuffer(socket: Socket, take: Take): Socket | undefined {
  const from = socket as unknown as Inner
  const { _handle: handle, _server: server } = from
  if (typeof handle?.useUserBuffer !== 'function' || server == null) return undefined
  shared ??= Buffer.allocUnsafeSlow(BUFFER_BYTES)
  const buffer = shared
  const again: Socket = new Socket({
    handle,
    allowHalfOpen: true, // as the sockets of a server of HTTP
    onread: {
      buffer,
      callback: length => take(buffer, length) || again.push(Buffer.from(buffer.subarray(0, length))),
    },
  })
  const to = again as unknown as Inner
  to._server = server
  to.server = server
  from._handle = null
  from._server = null
  return again
}
