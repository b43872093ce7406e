/** A text file as blocks of whole rows, to be read by threads side by side. */
import { createReadStream } from 'node:fs'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Problem } from '../../errors.ts'

const BLOCK_BYTES = 1 << 20
/** A row longer than this is a file that is something else. */
const ROW_BYTES_MAX = 8 << 20
const READ_BYTES = 1 << 20
const LINE_FEED = 0x0a
const QUOTE = 0x22

export interface TextBlock {
  readonly line: number
  readonly bytes: Buffer
  /** Where the next block begins in the unpacked file, and with which line. */
  readonly nextOffset: number
  readonly nextLine: number
}

export interface TextFile {
  readonly path: string
  readonly gzip: boolean
  /** Whether a line end inside quotes ends no row. */
  readonly quotes: boolean
  /** Bytes of a block, about; 2 MiB. */
  readonly blockBytes?: number
  /** Hears all bytes as they stand in the file. */
  readonly onBytes?: (bytes: Buffer) => void
}

/** Where reading begins: after what an earlier attempt did. */
export interface Start {
  readonly offset: number
  readonly line: number
}

/** Throws `not_found` for a file that is not there, `invalid` for a damaged archive or a row without an end. */
export async function* splitText(file: TextFile, start: Start): AsyncGenerator<TextBlock, void, undefined> {
  const { path, blockBytes = BLOCK_BYTES } = file
  let offset = start.offset
  let line = start.line
  let toSkip = start.offset
  let held: Buffer[] = []
  let heldBytes = 0
  const cut = (bytes: Buffer): TextBlock => {
    const block = { line, bytes, nextOffset: offset + bytes.length, nextLine: line + lineEnds(bytes) }
    offset = block.nextOffset
    line = block.nextLine
    return block
  }
  for await (const chunk of chunksOf(file)) {
    const fresh = toSkip > 0 ? chunk.subarray(Math.min(toSkip, chunk.length)) : chunk
    toSkip -= chunk.length - fresh.length
    if (fresh.length === 0) continue
    held.push(fresh)
    heldBytes += fresh.length
    if (heldBytes < blockBytes) continue
    const bytes = Buffer.concat(held, heldBytes)
    const end = lastRowEnd(bytes, file.quotes)
    if (end === 0) {
      if (heldBytes > ROW_BYTES_MAX) throw endless(path, line, bytes, file.quotes)
      held = [bytes]
      continue
    }
    yield cut(bytes.subarray(0, end))
    held = [bytes.subarray(end)]
    heldBytes -= end
  }
  if (toSkip > 0) throw new Problem('conflict', `Cannot go on with ${path}: it is shorter than it was`)
  const rest = Buffer.concat(held, heldBytes)
  if (rest.length > 0) yield cut(rest)
}

async function* chunksOf({ path, gzip, onBytes }: TextFile): AsyncGenerator<Buffer> {
  const source = createReadStream(path, { highWaterMark: READ_BYTES })
  if (onBytes !== undefined) source.on('data', chunk => onBytes(chunk as Buffer))
  const unpacked: Readable = gzip ? pipeline(source, createGunzip({ chunkSize: READ_BYTES }), () => {}) : source
  let isFirst = true
  try {
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      const bytes = isFirst ? withoutMark(chunk) : chunk
      isFirst = false
      yield bytes
    }
  } catch (error) {
    throw readProblem(path, error as NodeJS.ErrnoException)
  } finally {
    source.destroy()
  }
}

/** The byte order mark counts for nothing, neither here nor in offsets. */
function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
}

/** Just after the last line end that ends a row; 0 where there is none. A block begins outside quotes. */
function lastRowEnd(bytes: Buffer, quotes: boolean): number {
  let end = bytes.lastIndexOf(LINE_FEED)
  if (!quotes || bytes.indexOf(QUOTE) === -1) return end + 1
  // A quote inside quotes is written twice, so that outside them the number of quotes before is always even.
  let isOpen = quotesIn(bytes) % 2 === 1
  for (let at = bytes.length; at > 0 && end !== -1; isOpen = !isOpen) {
    const quote = bytes.lastIndexOf(QUOTE, at - 1)
    if (!isOpen && end > quote) return end + 1
    if (quote <= 0) return 0
    if (end > quote) end = bytes.lastIndexOf(LINE_FEED, quote - 1)
    at = quote
  }
  return 0
}

function quotesIn(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(QUOTE); at !== -1; at = bytes.indexOf(QUOTE, at + 1)) count++
  return count
}

function lineEnds(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) count++
  return count
}

function endless(path: string, line: number, bytes: Buffer, quotes: boolean): Problem {
  const isQuoted = quotes && bytes.indexOf(QUOTE) !== -1
  const found = isQuoted ? `in line ${line} or after it a quote is opened and never closed` : `line ${line} has no end`
  return new Problem('invalid', `Cannot read ${path}: ${found} within ${ROW_BYTES_MAX} bytes`)
}

function readProblem(path: string, error: NodeJS.ErrnoException): Error {
  if (error instanceof Problem || error.code === undefined) return error
  if (error.code.startsWith('Z_')) {
    return new Problem('invalid', `Cannot read ${path}: it cannot be unpacked (${error.message})`, { cause: error })
  }
  const found = error.code === 'ENOENT' ? 'there is no such file' : error.message
  return new Problem('not_found', `Cannot read ${path}: ${found}`, { cause: error })
}
