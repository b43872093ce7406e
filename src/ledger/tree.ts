import {
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../errors.ts'
import { foldInPlace, HASH_BYTES, inclusionPath, treeRoot } from './merkle.ts'

/**
 * The Merkle tree of the ledger on disk: `level-0.bin` holds the leaves' hashes, `level-8.bin` the roots of the complete
 * subtrees of 2^8 leaves, and so on by eight levels; 32 bytes each, in order. Whatever lies between is folded from at most
 * 255 hashes per file, so that a root or an audit path in a tree of 10^9 leaves reads some kilobytes.
 *
 * It is a cache: all of it follows from the records. Upper files that a crash left short are made again from those below.
 */
export interface Tree {
  readonly size: number
  /** Adds leaves' hashes, one behind the other; what fails half-way (a full disk) has added nothing and can be repeated. */
  append(leaves: Uint8Array): void
  rootAt(size: number): Uint8Array
  /** RFC 6962 audit path of a leaf in the tree of the first `size` leaves. */
  path(index: number, size: number): Uint8Array[]
  leaf(index: number): Uint8Array
  /** Forgets all leaves from `size` on. */
  truncate(size: number): void
  /** Brings it to the device. */
  flush(): void
  close(): void
}

const LEVELS_PER_FILE = 8
const FAN = 2 ** LEVELS_PER_FILE

interface LevelFile {
  readonly fd: number
  count: number
}

export function openTree(folder: string): Tree {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return new FileTree(folder)
}

class FileTree implements Tree {
  private readonly folder: string
  private readonly files: LevelFile[] = []

  constructor(folder: string) {
    this.folder = folder
    let below = this.open(Number.MAX_SAFE_INTEGER)
    while (existsSync(this.pathOfNext())) below = this.open(Math.floor(below.count / FAN))
    this.fillUp()
  }

  get size(): number {
    return this.files[0]!.count
  }

  append(leaves: Uint8Array): void {
    if (leaves.length === 0) return
    const file = this.files[0]!
    writeAll(file, leaves)
    const { count } = file
    file.count += leaves.length / HASH_BYTES
    try {
      this.fillUp()
    } catch (error) {
      this.truncate(count)
      throw error
    }
  }

  rootAt(size: number): Uint8Array {
    this.check(size, this.size)
    return treeRoot(size, this.subtree)
  }

  path(index: number, size: number): Uint8Array[] {
    this.check(size, this.size)
    return inclusionPath(index, size, this.subtree)
  }

  leaf(index: number): Uint8Array {
    this.check(index, this.size - 1)
    return this.subtree(0, index)
  }

  truncate(size: number): void {
    let count = size
    for (const file of this.files) {
      file.count = Math.min(file.count, count)
      ftruncateSync(file.fd, file.count * HASH_BYTES)
      count = Math.floor(count / FAN)
    }
  }

  flush(): void {
    for (const { fd } of this.files) fdatasyncSync(fd)
  }

  close(): void {
    for (const { fd } of this.files) closeSync(fd)
  }

  private check(size: number, sizeMax: number): void {
    if (size >= 0 && size <= sizeMax) return
    throw new Problem('invalid', `Cannot read the tree: ${size} was asked for, it holds ${this.size} leaves`)
  }

  private pathOfNext(): string {
    return join(this.folder, `level-${this.files.length * LEVELS_PER_FILE}.bin`)
  }

  /** Opens the next file above and cuts off what cannot be right. */
  private open(countMax: number): LevelFile {
    const fd = openSync(this.pathOfNext(), constants.O_RDWR | constants.O_CREAT, 0o600)
    const count = Math.min(countMax, Math.floor(fstatSync(fd).size / HASH_BYTES))
    ftruncateSync(fd, count * HASH_BYTES)
    const file = { fd, count }
    this.files.push(file)
    return file
  }

  /** Brings each file up to what the one below it has. */
  private fillUp(): void {
    for (let at = 1, below = this.files[0]!; below.count >= FAN; at++) {
      const complete = Math.floor(below.count / FAN)
      const file = this.files[at] ?? this.open(0)
      if (file.count < complete) {
        const roots: Uint8Array[] = []
        for (let index = file.count; index < complete; index++)
          roots.push(foldInPlace(readHashes(below, index * FAN, FAN)))
        writeAll(file, Buffer.concat(roots))
        file.count = complete
      }
      below = file
    }
  }

  private readonly subtree = (level: number, index: number): Uint8Array => {
    const at = Math.floor(level / LEVELS_PER_FILE)
    const width = 2 ** (level % LEVELS_PER_FILE)
    return foldInPlace(readHashes(this.files[at]!, index * width, width))
  }
}

function writeAll(file: LevelFile, bytes: Uint8Array): void {
  const start = file.count * HASH_BYTES
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file.fd, bytes, done, bytes.length - done, start + done)
  }
}

function readHashes(file: LevelFile, first: number, count: number): Buffer {
  const bytes = Buffer.allocUnsafe(count * HASH_BYTES)
  const read = readSync(file.fd, bytes, 0, bytes.length, first * HASH_BYTES)
  if (read === bytes.length) return bytes
  throw new Problem(
    'corrupt',
    `Cannot read the tree: hash ${first} of ${file.count} is missing; remove its folder and restart`,
  )
}
