/** The parts of a multipart body (RFC 7578), one after another, as they arrive. */
import type { IncomingMessage } from 'node:http'
import { PassThrough, type Readable } from 'node:stream'
import { Busboy, type BusboyInstance } from '@fastify/busboy'
import { Problem } from '../errors.ts'
import type { Part } from '../route.ts'

const PARTS_MAX = 32
const FIELD_BYTES_MAX = 1_048_576

export interface MultipartLimits {
  /** Of the whole body. */
  readonly bytesMax: number
  /** Between one chunk and the next. */
  readonly idleMsMax: number
}

/** An unread end: what the consumer has not asked for yet. */
interface Queue {
  readonly parts: Part[]
  failure: Problem | undefined
  isComplete: boolean
  wake: () => void
}

/**
 * Reads parts while they arrive: the next chunk is taken from the connection when the part at hand was read. A part
 * that the consumer leaves or destroys is skipped.
 *
 * @throws Problem `unsupported_type`, `malformed`, `too_large` or `timeout`, out of the iteration and out of the stream of a file.
 */
export async function* multipart(message: IncomingMessage, limits: MultipartLimits): AsyncGenerator<Part, void> {
  const parser = parserOf(message)
  const queue: Queue = { parts: [], failure: undefined, isComplete: false, wake: () => {} }
  const stop = feed(message, parser, limits, queue)
  try {
    for (;;) {
      const part = queue.parts.shift()
      if (part !== undefined) {
        yield part
        if (part.kind === 'file') part.stream.destroy()
      } else if (queue.failure !== undefined) throw queue.failure
      else if (queue.isComplete) return
      else {
        await new Promise<void>(resolve => {
          queue.wake = resolve
        })
      }
    }
  } finally {
    stop()
  }
}

function parserOf(message: IncomingMessage): BusboyInstance {
  const type = message.headers['content-type'] ?? ''
  if (!/^\s*multipart\/form-data\s*;/i.test(type)) {
    const found = type === '' ? 'no type' : `the type ${type.slice(0, 60)}`
    throw new Problem('unsupported_type', `Cannot read the body: it has ${found}, multipart/form-data was wanted`)
  }
  try {
    return new Busboy({
      headers: message.headers as { 'content-type': string },
      limits: { parts: PARTS_MAX, fieldSize: FIELD_BYTES_MAX },
    })
  } catch (error) {
    throw malformed(error)
  }
}

/** Connects message, parser and queue; returns how to let go of them. */
function feed(message: IncomingMessage, parser: BusboyInstance, limits: MultipartLimits, queue: Queue): () => void {
  const files = new Set<PassThrough>()
  let bytes = 0
  const fail = (problem: Problem): void => {
    queue.failure ??= problem
    for (const file of files) file.destroy(queue.failure)
    queue.wake()
  }
  const idle = setTimeout(() => {
    // Standing still because the consumer is busy is not the caller's fault.
    if (message.isPaused()) idle.refresh()
    else fail(new Problem('timeout', `Cannot read the body: nothing came for ${limits.idleMsMax} ms`))
  }, limits.idleMsMax)
  const onData = (chunk: Buffer): void => {
    idle.refresh()
    bytes += chunk.length
    if (bytes > limits.bytesMax)
      fail(new Problem('too_large', `Cannot read the body: it has more than ${limits.bytesMax} bytes`))
  }
  const onGone = (): void => fail(new Problem('malformed', 'Cannot read the body: the caller hung up'))

  parser.on('field', (name, value, _nameCut, valueCut) => {
    if (valueCut) fail(new Problem('too_large', `Cannot read the field: it has more than ${FIELD_BYTES_MAX} bytes`))
    else queue.parts.push({ kind: 'field', name: String(name), value })
    queue.wake()
  })
  parser.on('file', (name, source, filename) => {
    queue.parts.push({ kind: 'file', name: String(name), filename: filename ?? '', stream: handedOut(source, files) })
    queue.wake()
  })
  parser.on('partsLimit', () =>
    fail(new Problem('too_large', `Cannot read the body: it has more than ${PARTS_MAX} parts`)),
  )
  parser.on('error', error => fail(malformed(error)))
  parser.on('finish', () => {
    queue.isComplete = true
    clearTimeout(idle) // what is left is the consumer's to read, at its own pace
    queue.wake()
  })
  message.on('data', onData)
  message.on('error', onGone)
  message.pipe(parser)
  return () => {
    clearTimeout(idle)
    message.unpipe(parser)
    message.off('data', onData)
    for (const file of files) file.destroy()
  }
}

/** A stream that may be destroyed: the parser's own would then never be asked again, and the body would stand still. */
function handedOut(source: Readable, files: Set<PassThrough>): PassThrough {
  const out = new PassThrough()
  files.add(out)
  source.on('error', error => out.destroy(malformed(error)))
  out.on('error', () => {}) // told by the iteration; a consumer that reads the stream hears it from there too
  out.on('close', () => {
    files.delete(out)
    source.unpipe(out)
    source.resume()
  })
  source.pipe(out)
  return out
}

function malformed(error: unknown): Problem {
  const reason = error instanceof Error ? error.message : String(error)
  return new Problem('malformed', `Cannot read the body: it is not multipart/form-data (${reason})`, { cause: error })
}
