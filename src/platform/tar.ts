/** A folder as one file: POSIX tar (ustar, with pax headers for names that are too long for it). */
import { openAsBlob } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '../errors.ts'

const BLOCK = 512
const NAME_BYTES_MAX = 100
/** Eleven octal digits. */
const SIZE_MAX = 8 ** 11 - 1
const FILES_MAX = 100_000

/**
 * All plain files below a folder, in the order of their names; nothing of owners, times and permissions, so that the same
 * content is the same file. Files are read when the blob is.
 */
export async function tarOf(folder: string): Promise<Blob> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  if (paths.length > FILES_MAX) {
    throw new Problem(
      'too_large',
      `Cannot pack ${folder}: it has ${paths.length} files, at most ${FILES_MAX} are taken`,
    )
  }
  const parts: (Blob | Uint8Array<ArrayBuffer>)[] = []
  for (const path of paths.sort()) {
    const name = path.slice(folder.replace(/\/+$/, '').length + 1)
    const content = await openAsBlob(path)
    parts.push(...headersOf(name, content.size), content, padding(content.size))
  }
  parts.push(new Uint8Array(2 * BLOCK))
  return new Blob(parts)
}

/** A file that becomes part of a tar while it is read. */
export interface PackedFile {
  readonly name: string
  readonly bytes: number
  readonly content: () => AsyncIterable<Uint8Array>
}

/** As `tarOf`, of files that are read one after the other; nothing is held in memory. Throws where one has other than its bytes. */
export async function* tarPieces(files: readonly PackedFile[]): AsyncGenerator<Uint8Array, void> {
  for (const { name, bytes, content } of files) {
    yield* headersOf(name, bytes)
    let found = 0
    for await (const piece of content()) {
      found += piece.length
      yield piece
    }
    if (found !== bytes)
      throw new Problem('corrupt', `Cannot pack ${name}: it has ${found} bytes, ${bytes} were expected`)
    yield padding(bytes)
  }
  yield new Uint8Array(2 * BLOCK)
}

function headersOf(name: string, size: number): Uint8Array<ArrayBuffer>[] {
  if (size > SIZE_MAX) throw new Problem('too_large', `Cannot pack ${name}: it has more than ${SIZE_MAX} bytes`)
  if (Buffer.byteLength(name) <= NAME_BYTES_MAX) return [header(name, size, '0')]
  const record = paxRecord('path', name)
  const short = Buffer.from(name).subarray(0, NAME_BYTES_MAX).toString('latin1')
  return [header('long-name', record.length, 'x'), record, padding(record.length), header(short, size, '0')]
}

/** `27 path=…\n`: the number is the length of all of it, its own digits included. */
function paxRecord(key: string, value: string): Uint8Array<ArrayBuffer> {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + 1
  while (String(length).length + rest !== length) length = String(length).length + rest
  return new Uint8Array(Buffer.from(`${length} ${key}=${value}\n`))
}

function header(name: string, size: number, type: '0' | 'x'): Uint8Array<ArrayBuffer> {
  const block = Buffer.alloc(BLOCK)
  block.write(name, 0, NAME_BYTES_MAX)
  block.write('0000644\0', 100)
  block.write('0000000\0', 108)
  block.write('0000000\0', 116)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  block.write(`${'0'.repeat(11)}\0`, 136)
  block.write(' '.repeat(8), 148) // what stands here while the sum is made
  block.write(type, 156)
  block.write('ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return new Uint8Array(block)
}

function padding(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK)
}
