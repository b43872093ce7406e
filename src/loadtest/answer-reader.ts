/**
 * Finds where an answer of HTTP/1.1 ends (RFC 9112 §6.3), and what it says of itself; the body itself is only counted. A
 * tool that measures others must cost less than they do: a whole answer in one piece is one search and three matches.
 */

const HEAD_END = Buffer.from('\r\n\r\n')
const HEAD_BYTES_MAX = 65_536
const SIZE_LINE_MAX = 4096
/** Of the body of an answer that is no success, to tell what was wrong. */
const SAMPLE_BYTES_MAX = 2048
const NO_BYTES = Buffer.alloc(0)

type Phase = 'head' | 'length' | 'chunk size' | 'chunk' | 'chunk end' | 'trailer' | 'until close'

export class AnswerReader {
  /** Of the answer that was whole last. */
  status = 0
  /** Whether the connection may be used again. */
  isKept = true
  #phase: Phase = 'head'
  /** A head or a line that is not whole yet. */
  #held: Buffer = NO_BYTES
  /** Bytes of the body, or of its chunk, that are to come. */
  #left = 0
  #sample: Buffer[] = []
  #sampled = 0

  /** The beginning of the body of the last answer, where its status was not 2xx. */
  get sample(): string {
    return Buffer.concat(this.#sample).toString('utf8')
  }

  /**
   * Takes bytes as they come; true once the answer is whole, after which the next call begins the next one.
   * Throws an `Error` where the bytes are no answer, or more than one.
   */
  read(bytes: Buffer): boolean {
    let at = 0
    while (at < bytes.length) {
      const next = this.#phase === 'head' ? this.#head(bytes, at) : this.#body(bytes, at)
      if (next < 0) {
        if (-next - 1 < bytes.length) throw new Error('there are bytes behind the answer')
        return true
      }
      at = next
    }
    return false
  }

  /** The connection has ended; true where that makes an answer whole. */
  end(): boolean {
    if (this.#phase !== 'until close') return false
    this.#phase = 'head'
    return true
  }

  /** Reads on in a head. Like `#body`, returns where to go on, or −1 − that where the answer is whole there. */
  #head(bytes: Buffer, at: number): number {
    const isFirst = this.#held.length === 0
    const all = isFirst ? bytes.subarray(at) : Buffer.concat([this.#held, bytes.subarray(at)])
    const end = all.indexOf(HEAD_END)
    if (end === -1) {
      if (all.length > HEAD_BYTES_MAX) throw new Error(`its head is longer than ${HEAD_BYTES_MAX} bytes`)
      this.#held = isFirst ? Buffer.from(all) : all
      return bytes.length
    }
    const next = at + end + HEAD_END.length - this.#held.length
    this.#held = NO_BYTES
    return this.#begin(all.toString('latin1', 0, end)) ? -1 - next : next
  }

  /** Decides by the head how the body ends; true where there is none. */
  #begin(head: string): boolean {
    const [, minor, code] = /^HTTP\/1\.([01]) (\d{3})(?: |\r|$)/.exec(head) ?? []
    if (code === undefined) throw new Error('it does not begin like an answer of HTTP/1.1')
    this.status = Number(code)
    // An interim answer: the final one follows (RFC 9110 §15.2).
    if (this.status < 200) return false
    const connection = /\r\nconnection:[ \t]*([^\r]*)/i.exec(head)?.[1]?.toLowerCase()
    this.isKept = minor === '1' ? connection?.includes('close') !== true : connection?.includes('keep-alive') === true
    this.#sample = []
    this.#sampled = 0
    if (this.status === 204 || this.status === 304) return true
    if (/\r\ntransfer-encoding:[^\r]*chunked/i.test(head)) {
      this.#phase = 'chunk size'
      return false
    }
    const length = /\r\ncontent-length:[ \t]*(\d+)/i.exec(head)?.[1]
    if (length === undefined) {
      this.isKept = false
      this.#phase = 'until close'
      return false
    }
    this.#left = Number(length)
    this.#phase = this.#left === 0 ? 'head' : 'length'
    return this.#left === 0
  }

  #body(bytes: Buffer, at: number): number {
    switch (this.#phase) {
      case 'length':
      case 'chunk': {
        const end = Math.min(bytes.length, at + this.#left)
        this.#keep(bytes, at, end)
        this.#left -= end - at
        if (this.#left > 0) return end
        if (this.#phase === 'chunk') {
          this.#phase = 'chunk end'
          return end
        }
        this.#phase = 'head'
        return -1 - end
      }
      case 'until close':
        this.#keep(bytes, at, bytes.length)
        return bytes.length
      default:
        return this.#line(bytes, at)
    }
  }

  /** The lines between chunks: a size, the end of a chunk, and the trailer, which an empty line ends. */
  #line(bytes: Buffer, at: number): number {
    const feed = bytes.indexOf(0x0a, at)
    const end = feed === -1 ? bytes.length : feed
    const part = bytes.subarray(at, end)
    const line = this.#held.length === 0 ? part : Buffer.concat([this.#held, part])
    if (line.length > SIZE_LINE_MAX) throw new Error(`a line of its chunks is longer than ${SIZE_LINE_MAX} bytes`)
    if (feed === -1) {
      this.#held = Buffer.from(line)
      return bytes.length
    }
    this.#held = NO_BYTES
    const text = line.toString('latin1').replace(/\r$/, '')
    if (this.#phase === 'chunk end') {
      if (text !== '') throw new Error('a chunk is longer than its size says')
      this.#phase = 'chunk size'
    } else if (this.#phase === 'trailer') {
      if (text === '') {
        this.#phase = 'head'
        return -2 - feed
      }
    } else this.#size(text)
    return feed + 1
  }

  #size(text: string): void {
    const digits = /^([0-9a-f]{1,12})[ \t]*(?:;|$)/i.exec(text)?.[1]
    if (digits === undefined) throw new Error('the size of a chunk is no hexadecimal number')
    this.#left = Number.parseInt(digits, 16)
    this.#phase = this.#left === 0 ? 'trailer' : 'chunk'
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    if (this.status < 300 || this.#sampled >= SAMPLE_BYTES_MAX) return
    const part = Buffer.from(bytes.subarray(from, Math.min(to, from + SAMPLE_BYTES_MAX - this.#sampled)))
    this.#sample.push(part)
    this.#sampled += part.length
  }
}
