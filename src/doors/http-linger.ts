/**
 * Callers that are busy sending do not listen yet. Whoever ends a connection on which bytes are still coming resets it, and
 * the answer is lost with it, even where it had arrived; so that one reads on for a while, within limits of time and of bytes.
 */
import type { IncomingMessage } from 'node:http'

const LINGER_MS_MAX = 2_000
const LINGER_BYTES_MAX = 67_108_864

/**
 * Throws away what is still coming, before the answer. Whether the caller sent more than we wait for, so that the
 * connection must end.
 */
export async function skipRest(message: IncomingMessage): Promise<boolean> {
  if (!hasBody(message) || message.complete) {
    message.resume()
    return false
  }
  if (Number(message.headers['content-length'] ?? 0) > LINGER_BYTES_MAX || message.destroyed) return true
  return new Promise(resolve => whenOver(message, resolve))
}

/**
 * To be said before an answer that is the last of its connection: once it is written only our half is ended, and what comes
 * is thrown away until the caller ends its own.
 */
export function lingerAfter(message: IncomingMessage): void {
  if (message.complete || message.destroyed) return
  const { socket } = message
  // Node's server says this when the last answer is written, and would end both halves.
  socket.destroySoon = () => {
    socket.end()
    whenOver(message, () => socket.destroy())
  }
}

/** @param done whether the message is not at its end. */
function whenOver(message: IncomingMessage, done: (isCut: boolean) => void): void {
  let bytes = 0
  const end = (isCut: boolean): void => {
    clearTimeout(timer)
    done(isCut)
  }
  const timer = setTimeout(end, LINGER_MS_MAX, true)
  message.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > LINGER_BYTES_MAX) end(true)
  })
  message.on('end', () => end(false))
  message.on('close', () => end(true))
  message.resume()
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}
