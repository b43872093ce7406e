/**
 * Content-addressed objects, encrypted at rest: `objects/ab/cdef…`, named by the SHA-256 of their plaintext.
 *
 * A file is a header (magic, then the object's own random key sealed by the keyring and bound to the name) and the sealed
 * chunks of `sealed-file.ts`.
 */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Problem } from '../errors.ts'
import { type Keyring, SEAL_BYTES } from './crypto.ts'
import { errorCode, isStorageFull } from './durable-file.ts'
import { mendRewrapping, type Rewrapped, rewrapObjects, type Wrapping } from './rewrap-objects.ts'
import { openedChunks, readExactly, SealedWriter, TAG_BYTES } from './sealed-file.ts'

export interface PutLimits {
  readonly bytesMax: number
  /** What is being stored, as error messages name it, e.g. `the artifact`. */
  readonly what: string
}

export interface Objects {
  /**
   * Stores a stream while it comes. Storing the same content again is no fault, also at the same time, and mends a damaged
   * copy. Throws `too_large`, `storage_full`, or what the source threw; nothing is left behind then.
   */
  put(
    source: AsyncIterable<Uint8Array>,
    limits: PutLimits,
  ): Promise<{ readonly sha256: string; readonly bytes: number }>
  /** Whether an object of this name is there; it is not read. */
  has(sha256: string): boolean
  /** The plaintext, from `not_found` or `corrupt` to its end: a stream that ends without an error was whole. */
  stream(sha256: string): Readable
  /** The plaintext at once. Throws `not_found` or `corrupt`. */
  bytes(sha256: string): Promise<Uint8Array>
  /** Seals the key of each object by the newest master key; the objects are not touched, and may be used meanwhile. */
  rewrap(): Promise<Rewrapped>
}

const MAGIC = Buffer.from('BWO1')
/** Of what is read ahead of whoever takes it. */
const AHEAD_BYTES = 256 * 1024
const KEY_BYTES = 32
const HEADER_BYTES = MAGIC.length + SEAL_BYTES + KEY_BYTES
const PURPOSE = 'objects'
const WRAPPING: Wrapping = { at: MAGIC.length, bytes: SEAL_BYTES + KEY_BYTES, purpose: PURPOSE }
const SHA256 = /^[0-9a-f]{64}$/
/** Tells the temporary files of this process from those of an earlier one that had the same pid, as in a container. */
const PROCESS = `${process.pid}-${randomBytes(6).toString('hex')}`

/** @param folder the data folder; objects lie in `objects/` below it. */
export function openObjects(folder: string, keyring: Keyring): Objects {
  const root = join(folder, 'objects')
  const unfinished = join(root, 'unfinished')
  mkdirSync(unfinished, { recursive: true, mode: 0o700 })
  removeAbandoned(unfinished)
  mendRewrapping(root, WRAPPING)
  const pathOf = (sha256: string): string => join(root, sha256.slice(0, 2), sha256.slice(2))
  let puts = 0
  /** Those going on, whose keys may have been sealed a moment ago. */
  const putting = new Set<Promise<unknown>>()

  const chunks = (sha256: string): AsyncGenerator<Buffer, void> => read(pathOf(sha256), sha256, keyring)
  const put = async (
    source: AsyncIterable<Uint8Array>,
    limits: PutLimits,
  ): Promise<{ sha256: string; bytes: number }> => {
    const temporary = join(unfinished, `${PROCESS}-${++puts}`)
    try {
      const stored = await write(temporary, source, limits, keyring)
      const parent = join(root, stored.sha256.slice(0, 2))
      if ((await mkdir(parent, { recursive: true, mode: 0o700 })) !== undefined) await syncFolder(root)
      await rename(temporary, pathOf(stored.sha256))
      await syncFolder(parent)
      return stored
    } catch (error) {
      await rm(temporary, { force: true })
      if (!isStorageFull(error)) throw error
      throw new Problem('storage_full', `Cannot store ${limits.what}: no room is left on the disk`, { cause: error })
    }
  }
  return {
    put(source, limits): Promise<{ sha256: string; bytes: number }> {
      const going = put(source, limits)
      putting.add(going)
      return going.finally(() => putting.delete(going))
    },
    has: sha256 => SHA256.test(sha256) && existsSync(pathOf(sha256)),
    stream: sha256 => Readable.from(chunks(sha256), { objectMode: false, highWaterMark: AHEAD_BYTES }),
    async bytes(sha256: string): Promise<Uint8Array> {
      const parts: Buffer[] = []
      for await (const chunk of chunks(sha256)) parts.push(chunk)
      return Buffer.concat(parts)
    },
    async rewrap(): Promise<Rewrapped> {
      await Promise.allSettled([...putting])
      return await rewrapObjects(root, WRAPPING, keyring)
    },
  }
}

/** Makes the names in a folder durable, off this thread. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Removes what processes left behind that are no more. */
function removeAbandoned(unfinished: string): void {
  for (const name of readdirSync(unfinished)) {
    if (name.startsWith(`${PROCESS}-`)) continue
    const pid = Number.parseInt(name, 10)
    if (pid === process.pid || !isAlive(pid)) rmSync(join(unfinished, name), { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) === 'EPERM'
  }
}

async function write(
  path: string,
  source: AsyncIterable<Uint8Array>,
  { bytesMax, what }: PutLimits,
  keyring: Keyring,
): Promise<{ sha256: string; bytes: number }> {
  const file = await open(path, 'wx', 0o600)
  const key = randomBytes(KEY_BYTES)
  const sealing = new SealedWriter(file, HEADER_BYTES, key)
  try {
    const hash = createHash('sha256')
    let bytes = 0
    for await (const part of source) {
      bytes += part.length
      if (bytes > bytesMax) throw new Problem('too_large', `Cannot store ${what}: it has more than ${bytesMax} bytes`)
      hash.update(part)
      await sealing.write(part)
    }
    await sealing.end()
    const sha256 = hash.digest('hex')
    await writeHeader(file, Buffer.concat([MAGIC, keyring.seal(PURPOSE, key, sha256)]))
    await file.sync()
    return { sha256, bytes }
  } finally {
    await sealing.settle()
    await file.close()
  }
}

async function writeHeader(file: FileHandle, header: Buffer): Promise<void> {
  for (let at = 0; at < header.length; ) at += (await file.write(header, at, header.length - at, at)).bytesWritten
}

async function* read(path: string, sha256: string, keyring: Keyring): AsyncGenerator<Buffer, void> {
  const file = await openObject(path, sha256)
  try {
    const corrupt = (found: string): Problem => new Problem('corrupt', `Cannot read object ${sha256}: ${found}`)
    const { size } = await file.stat()
    const header = await readExactly(file, 0, HEADER_BYTES)
    if (header === undefined || size < HEADER_BYTES + TAG_BYTES) throw corrupt('the file is cut off')
    if (!header.subarray(0, MAGIC.length).equals(MAGIC)) throw corrupt('the file has another format')
    const key = keyring.open(PURPOSE, header.subarray(MAGIC.length), sha256)
    const hash = createHash('sha256')
    for await (const chunk of openedChunks(file, HEADER_BYTES, size, key, corrupt)) {
      hash.update(chunk)
      yield chunk
    }
    if (hash.digest('hex') !== sha256) throw corrupt('its content has another SHA-256')
  } finally {
    await file.close()
  }
}

async function openObject(path: string, sha256: string): Promise<FileHandle> {
  const missing = (): Problem => new Problem('not_found', `Cannot read object ${sha256}: it is not there`)
  if (!SHA256.test(sha256)) throw missing()
  try {
    return await open(path, 'r')
  } catch (error) {
    throw errorCode(error) === 'ENOENT' ? missing() : error
  }
}
