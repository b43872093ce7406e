/** Content codings of bodies (RFC 9110 §8.4): requests that come compressed, and answers for callers that take them so. */
import type { Transform } from 'node:stream'
import { Problem } from '../errors.ts'
import type { Answer } from '../route.ts'
import { type Arriving, addArriving, type BodyLimits, bodyTooLarge, type Collected } from './http-body.ts'

/** Shorter answers are not worth the time: they fit into a few packets anyway. */
const ENCODED_BYTES_MIN = 8_192
/** The fastest: what is asked for again and again has to be compressed each time. */
const LEVEL = 1
const EMPTY = Buffer.alloc(0)

const TAKEN = 'gzip, deflate'
/** Of the first byte of a zlib stream (RFC 1950 §2.2): the method, deflate. Some send the bare stream (RFC 1951) instead. */
const ZLIB_METHOD = 8
const ZLIB_CHECK = 31

/**
 * Decodes what was collected, then calls `done` once: at once where the body came as it is. No more than the limit of a body is
 * ever decoded, whatever was promised, and all that are being decoded share the memory of those that arrive.
 *
 * @param encoding the header `Content-Encoding`.
 */
export function decode(
  collected: Collected,
  encoding: string | undefined,
  limits: BodyLimits,
  arriving: Arriving,
  done: (collected: Collected) => void,
): void {
  if (encoding === undefined || collected.problem !== undefined || collected.bytes.length === 0) {
    done(collected)
    return
  }
  const coding = encoding.trim().toLowerCase()
  if (coding === 'identity' || coding === '') done(collected)
  else if (CODINGS.has(coding)) void decodeBytes(collected, coding, limits, arriving).then(done)
  else done({ ...collected, bytes: EMPTY, problem: unknownCoding(encoding) })
}

const CODINGS: ReadonlySet<string> = new Set(['gzip', 'x-gzip', 'deflate'])

/** Never rejects. */
async function decodeBytes(
  collected: Collected,
  coding: string,
  limits: BodyLimits,
  arriving: Arriving,
): Promise<Collected> {
  const parts: Buffer[] = []
  let length = 0
  try {
    // Loaded when the first such body comes: most servers never see one.
    const decoder = await decoderOf(coding, collected.bytes)
    decoder.end(collected.bytes)
    for await (const part of decoder as AsyncIterable<Buffer>) {
      if (length + part.length > limits.bytesMax) throw bodyTooLarge(limits)
      const crowded = addArriving(arriving, part.length)
      if (crowded !== undefined) throw crowded
      length += part.length
      parts.push(part)
    }
    return { ...collected, bytes: Buffer.concat(parts, length) }
  } catch (error) {
    const problem = error instanceof Problem ? error : notEncoded(coding)
    return { ...collected, bytes: EMPTY, problem }
  } finally {
    arriving.bytes -= length
  }
}

async function decoderOf(coding: string, bytes: Buffer): Promise<Transform> {
  const { createGunzip, createInflate, createInflateRaw } = await import('node:zlib')
  if (coding !== 'deflate') return createGunzip()
  const isZlib = (bytes[0]! & 15) === ZLIB_METHOD && bytes.length > 1 && bytes.readUInt16BE(0) % ZLIB_CHECK === 0
  return isZlib ? createInflate() : createInflateRaw()
}

function notEncoded(coding: string): Problem {
  return new Problem('malformed', `Cannot read the body: its bytes are not ${coding}, as Content-Encoding says`)
}

function unknownCoding(encoding: string): Problem {
  const found = `its Content-Encoding is ${encoding.slice(0, 40)}`
  // RFC 9110 §12.5.3: a 415 for a coding says which ones are taken.
  const headers = { 'accept-encoding': TAKEN }
  return new Problem('unsupported_type', `Cannot read the body: ${found}, one of ${TAKEN} was wanted`, { headers })
}

/** The coding that an answer should have; undefined where it goes as it is. */
export function codingFor(answer: Answer, accepted: string | string[] | undefined): 'gzip' | 'deflate' | undefined {
  if (accepted === undefined || (answer.text ?? answer.bytes ?? '').length < ENCODED_BYTES_MIN) return undefined
  const weights = new Map<string, number>()
  for (const item of String(accepted).toLowerCase().split(',')) {
    const [coding, ...parameters] = item.split(';').map(part => part.trim())
    const weight = parameters.find(parameter => parameter.startsWith('q='))
    weights.set(coding!, weight === undefined ? 1 : Number(weight.slice(2)) || 0)
  }
  const of = (coding: string): number => weights.get(coding) ?? weights.get('*') ?? 0
  const [gzip, deflate] = [of('gzip'), of('deflate')]
  if (gzip === 0 && deflate === 0) return undefined
  return gzip >= deflate ? 'gzip' : 'deflate'
}

/**
 * An answer in a coding. No cache keeps answers to POST, so that they need no `Vary`. What it says of its own bytes, as `Inference-Header-Content-Length` does, is of those before.
 */
export async function encoded(answer: Answer, coding: 'gzip' | 'deflate'): Promise<Answer> {
  const { gzip, deflate } = await import('node:zlib')
  const { text, bytes, ...rest } = answer
  const encoder = coding === 'gzip' ? gzip : deflate
  const whole = await new Promise<Buffer>((resolve, reject) => {
    encoder(text ?? bytes!, { level: LEVEL }, (error, result) => (error === null ? resolve(result) : reject(error)))
  })
  return { ...rest, bytes: whole, headers: { ...answer.headers, 'content-encoding': coding } }
}
