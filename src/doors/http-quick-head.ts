/**
 * Reads the head of a request as callers nearly always send it, and nothing else: what is unusual in any way, allowed or not,
 * is left to Node's parser. A head that is taken here means the same to every reader of HTTP: one `POST` of HTTP/1.1 by path,
 * complete lines, every field once, a length in digits, no other framing (RFC 9112 §6.3, §11.2).
 */

const ZERO = 0x30
const LENGTH_DIGITS_MAX = 9

export class QuickHead {
  /** Path and query. */
  readonly url: string
  /** By name in lower case, as Node gives them. */
  readonly headers: Readonly<Record<string, string>>
  /** Of the head, with the empty line that ends it. */
  headBytes: number
  bodyBytes: number
  readonly #headers: Record<string, string>
  readonly #bytes: Buffer
  /** Where the digits of the length stand in them. */
  readonly #lengthAt: number
  readonly #lengthEnd: number

  constructor(url: string, headers: Record<string, string>, bytes: Buffer, lengthAt: number) {
    const length = headers['content-length']!
    this.url = url
    this.headers = headers
    this.headBytes = bytes.length
    this.bodyBytes = Number(length)
    this.#headers = headers
    this.#bytes = bytes
    this.#lengthAt = lengthAt
    this.#lengthEnd = lengthAt + length.length
  }

  /**
   * Whether this chunk, valid up to `chunkLength`, begins with the same head, but for the length, which is this one's from now on:
   * who keeps a connection asks for the same in the same words.
   */
  takeAgain(chunk: Buffer, chunkLength: number = chunk.length): boolean {
    const bytes = this.#bytes
    const from = this.#lengthAt
    if (chunkLength < from || bytes.compare(chunk, 0, from, 0, from) !== 0) return false
    let at = from
    let length = 0
    for (let digit = chunk[at]! - ZERO; digit >= 0 && digit <= 9; digit = chunk[at]! - ZERO) {
      length = length * 10 + digit
      at++
    }
    const end = at + bytes.length - this.#lengthEnd
    if (at === from || at - from > LENGTH_DIGITS_MAX || chunkLength < end) return false
    if (bytes.compare(chunk, at, end, this.#lengthEnd) !== 0) return false
    if (length !== this.bodyBytes || end !== this.headBytes) {
      this.#headers['content-length'] = chunk.toString('latin1', from, at)
      this.bodyBytes = length
      this.headBytes = end
    }
    return true
  }
}

const HEAD_CHARACTERS_MAX = 8_192
const FIELDS_MAX = 100
const TARGET = /^\/[!"$-~]*$/
/** Of a name; one with an underscore may be dropped or rewritten by what stands before us. */
const NAME = /^[!#$%&'*+.^`|~\dA-Za-z-]+$/
/** Of a value: no control characters but the tab; beyond ASCII as bytes (RFC 9110 §5.5). */
const VALUE = /^[\t -~\x80-\xff]*$/
const LENGTH = new RegExp(`^\\d{1,${LENGTH_DIGITS_MAX}}$`)
const VERSION = ' HTTP/1.1'
const METHOD = 'POST '

/** Fields that change how a request is framed, answered or allowed: those who send them are not in a hurry. */
const UNUSUAL: ReadonlySet<string> = new Set([
  'access-control-request-method',
  'content-encoding',
  'expect',
  'http2-settings',
  'keep-alive',
  'origin',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Names as they are sent, to lower case; undefined for those that are not taken. The same few come again and again. */
const NAMES = new Map<string, string | undefined>()
const NAMES_MAX = 1_000
const NAME_CHARACTERS_MAX = 64

/** @param chunk what arrived on a connection on which nothing is unfinished. Undefined where it begins with anything else than such a head. */
export function readQuickHead(chunk: Buffer): QuickHead | undefined {
  if (chunk[0] !== 0x50) return undefined
  const text = chunk.toString('latin1', 0, Math.min(chunk.length, HEAD_CHARACTERS_MAX))
  const end = text.indexOf('\r\n\r\n')
  if (end === -1 || !text.startsWith(METHOD)) return undefined
  const lineEnd = text.indexOf('\r\n')
  const urlEnd = lineEnd - VERSION.length
  if (!text.startsWith(VERSION, urlEnd)) return undefined
  const url = text.slice(METHOD.length, urlEnd)
  const headers = TARGET.test(url) ? readFields(text, lineEnd + 2, end) : undefined
  if (headers === undefined) return undefined
  const length = headers['content-length']
  const connection = headers['connection']
  if (length === undefined || !LENGTH.test(length) || headers['host'] === undefined) return undefined
  if (connection !== undefined && connection.toLowerCase() !== 'keep-alive') return undefined
  return new QuickHead(url, headers, Buffer.from(chunk.subarray(0, end + 4)), lengthPlace(text))
}

/** Where the digits begin that say how long the body is, in a head that says it once. */
function lengthPlace(text: string): number {
  const place = /\r\ncontent-length:[\t ]*/i.exec(text)!
  return place.index + place[0].length
}

/** The fields between two places, which are the begin of a line and the end of one. */
function readFields(text: string, from: number, end: number): Record<string, string> | undefined {
  const headers: Record<string, string> = {}
  let count = 0
  for (let at = from; at < end; ) {
    const next = text.indexOf('\r\n', at)
    const colon = text.indexOf(':', at)
    if (colon === -1 || colon >= next || ++count > FIELDS_MAX) return undefined
    const name = nameOf(text.slice(at, colon))
    if (name === undefined || headers[name] !== undefined) return undefined
    const value = trimmed(text, colon + 1, next)
    if (!VALUE.test(value)) return undefined
    headers[name] = value
    at = next + 2
  }
  return headers
}

function nameOf(sent: string): string | undefined {
  const known = NAMES.get(sent)
  if (known !== undefined) return known
  if (sent.length > NAME_CHARACTERS_MAX || !NAME.test(sent)) return undefined
  const name = sent.toLowerCase()
  // What every object answers to by itself would be taken for a field that came before.
  if (UNUSUAL.has(name) || name in Object.prototype) return undefined
  if (NAMES.size < NAMES_MAX) NAMES.set(sent, name)
  return name
}

/** Without the blanks and tabs around it. */
function trimmed(text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
