/**
 * Content-addressed objects, encrypted at rest: `objects/ab/cdef…`, named by the SHA-256 of their plaintext.
 *
 * A file is a header (magic, then the object's own random key sealed by the keyring and bound to the name) and chunks of
 * 64 KiB, each AES-256-GCM with its counter and whether it is the last in the nonce: the STREAM construction (Hoang,
 * Reyhanitabar, Rogaway, Vizár 2015, «Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance»), as age and
 * Tink use it. So chunks can be neither changed, reordered, dropped nor cut without it being found.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Problem } from '../errors.ts'
import { type Keyring, SEAL_BYTES } from './crypto.ts'
import { errorCode, isStorageFull } from './durable-file.ts'
import { mendRewrapping, type Rewrapped, rewrapObjects, type Wrapping } from './rewrap-objects.ts'

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
const CHUNK_BYTES = 64 * 1024
const TAG_BYTES = 16
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
    stream: sha256 => Readable.from(chunks(sha256), { objectMode: false, highWaterMark: CHUNK_BYTES }),
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
  try {
    const key = randomBytes(KEY_BYTES)
    const hash = createHash('sha256')
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    let [bytes, filled, counter, at] = [0, 0, 0, HEADER_BYTES]
    const flush = async (isLast: boolean): Promise<void> => {
      const sealed = sealChunk(key, counter++, isLast, chunk.subarray(0, filled))
      await writeAll(file, sealed, at)
      at += sealed.length
      filled = 0
    }
    for await (const part of source) {
      bytes += part.length
      if (bytes > bytesMax) throw new Problem('too_large', `Cannot store ${what}: it has more than ${bytesMax} bytes`)
      hash.update(part)
      for (let used = 0; used < part.length; ) {
        // A full chunk is written only when more comes: the last one must say that it is the last.
        if (filled === CHUNK_BYTES) await flush(false)
        const taken = Math.min(CHUNK_BYTES - filled, part.length - used)
        chunk.set(part.subarray(used, used + taken), filled)
        filled += taken
        used += taken
      }
    }
    await flush(true)
    const sha256 = hash.digest('hex')
    await writeAll(file, Buffer.concat([MAGIC, keyring.seal(PURPOSE, key, sha256)]), 0)
    await file.sync()
    return { sha256, bytes }
  } finally {
    await file.close()
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await file.write(bytes, written, bytes.length - written, at + written)).bytesWritten
  }
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
    for (let at = HEADER_BYTES, counter = 0; at < size; counter++) {
      const length = Math.min(CHUNK_BYTES + TAG_BYTES, size - at)
      const sealed = await readExactly(file, at, length)
      at += length
      const chunk = sealed && openChunk(key, counter, at === size, sealed)
      if (chunk === undefined) throw corrupt(`chunk ${counter} was changed, moved or cut off`)
      hash.update(chunk)
      if (chunk.length > 0) yield chunk
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

async function readExactly(file: FileHandle, at: number, length: number): Promise<Buffer | undefined> {
  const bytes = Buffer.allocUnsafe(length)
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, at + done)
    if (bytesRead === 0) return undefined
    done += bytesRead
  }
  return bytes
}

/** 11 bytes of counter, big-endian, and one that is 1 in the last chunk. The key is the object's own: no nonce repeats. */
function nonceOf(counter: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(counter, 5, 6)
  nonce[11] = isLast ? 1 : 0
  return nonce
}

function sealChunk(key: Buffer, counter: number, isLast: boolean, plaintext: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(counter, isLast))
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

function openChunk(key: Buffer, counter: number, isLast: boolean, sealed: Buffer): Buffer | undefined {
  if (sealed.length < TAG_BYTES) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(counter, isLast), { authTagLength: TAG_BYTES })
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  const plaintext = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES))
  try {
    decipher.final()
    return plaintext
  } catch {
    return undefined
  }
}
