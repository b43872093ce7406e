/**
 * Files by the SHA-256 of their content, encrypted at rest. An object is never changed; storing it again stores nothing.
 *
 * On disk: magic ‖ data key wrapped by the keyring ‖ chunks. Each chunk of 64 KiB is AES-256-GCM under the data key with a
 * nonce that counts and marks the last one (the STREAM construction; Hoang, Reyhanitabar, Rogaway, Vizár 2015), so that a
 * cut, a swap or a changed byte shows.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Problem } from '../errors.ts'
import type { Keyring } from './crypto.ts'
import { syncFolder } from './files.ts'

const MAGIC = Buffer.from('BWO1')
const KEY_BYTES = 32
const WRAPPED_BYTES = 12 + KEY_BYTES + 16
const CHUNK_BYTES = 65_536
const TAG_BYTES = 16
const PURPOSE = 'objects'
const INCOMING = 'incoming'

export interface StoredObject {
  /** Of the content, hex. */
  readonly sha256: string
  readonly bytes: number
}

export interface PutLimits {
  readonly bytesMax: number
  /** For the message: `artifact`, `reference`. */
  readonly what: string
}

export interface Objects {
  /** Streams into the store; visible only when it is whole. Throws `too_large`, `storage_full`. */
  put(source: AsyncIterable<Uint8Array>, limits: PutLimits): Promise<StoredObject>
  has(sha256: string): Promise<boolean>
  /** The content; ends with the error `corrupt` where it is not what was stored. Throws `not_found` on the stream. */
  stream(sha256: string): Readable
  bytes(sha256: string): Promise<Uint8Array>
}

export async function openObjects(folder: string, keyring: Keyring): Promise<Objects> {
  const incoming = join(folder, INCOMING)
  // Whoever left half an upload here is dead: the data folder has one owner at a time.
  await rm(incoming, { recursive: true, force: true })
  await mkdir(incoming, { recursive: true, mode: 0o700 })
  let uploads = 0

  const place = (sha256: string): { readonly shelf: string; readonly path: string } => {
    const shelf = join(folder, sha256.slice(0, 2))
    return { shelf, path: join(shelf, sha256.slice(2)) }
  }
  const stream = (sha256: string): Readable =>
    Readable.from(contentOf(place(sha256).path, sha256, keyring), { objectMode: false })

  return {
    async put(source, limits): Promise<StoredObject> {
      const temporary = join(incoming, String(++uploads))
      try {
        const stored = await encryptTo(temporary, source, limits, keyring)
        const { shelf, path } = place(stored.sha256)
        if ((await mkdir(shelf, { recursive: true, mode: 0o700 })) !== undefined) await syncFolder(folder)
        await rename(temporary, path)
        await syncFolder(shelf)
        return stored
      } catch (error) {
        await rm(temporary, { force: true })
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        throw new Problem('storage_full', `Cannot store the ${limits.what}: the disk is full`, { cause: error })
      }
    },
    async has(sha256): Promise<boolean> {
      return await access(place(sha256).path).then(
        () => true,
        () => false,
      )
    },
    stream,
    async bytes(sha256): Promise<Uint8Array> {
      const parts: Buffer[] = []
      for await (const part of stream(sha256)) parts.push(part as Buffer)
      return Buffer.concat(parts)
    },
  }
}

/** Names of all objects, for whoever looks after them. */
export async function listObjects(folder: string): Promise<readonly string[]> {
  const shelves = (await readdir(folder)).filter(name => /^[0-9a-f]{2}$/.test(name))
  const names = await Promise.all(
    shelves.map(async shelf => (await readdir(join(folder, shelf))).map(rest => shelf + rest)),
  )
  return names.flat().sort()
}

async function encryptTo(
  path: string,
  source: AsyncIterable<Uint8Array>,
  limits: PutLimits,
  keyring: Keyring,
): Promise<StoredObject> {
  const key = randomBytes(KEY_BYTES)
  const sha256 = createHash('sha256')
  const file = await open(path, 'wx', 0o600)
  try {
    await file.write(Buffer.concat([MAGIC, keyring.seal(PURPOSE, key)]))
    let bytes = 0
    let chunk = 0
    let pending: Buffer = Buffer.alloc(0)
    for await (const part of source) {
      bytes += part.length
      if (bytes > limits.bytesMax) {
        throw new Problem(
          'too_large',
          `Cannot store the ${limits.what}: it has more than ${limits.bytesMax} bytes, the limit`,
        )
      }
      sha256.update(part)
      pending = pending.length === 0 ? Buffer.from(part) : Buffer.concat([pending, part])
      // One chunk is always kept back: only at the end is it known to be the last.
      for (; pending.length > CHUNK_BYTES; pending = pending.subarray(CHUNK_BYTES)) {
        await file.write(sealChunk(key, chunk++, false, pending.subarray(0, CHUNK_BYTES)))
      }
    }
    await file.write(sealChunk(key, chunk, true, pending))
    await file.sync()
    return { sha256: sha256.digest('hex'), bytes }
  } finally {
    await file.close()
  }
}

async function* contentOf(path: string, sha256: string, keyring: Keyring): AsyncGenerator<Buffer> {
  const damaged = (what: string): Problem => new Problem('corrupt', `Cannot read the object ${sha256}: ${what}`)
  const hash = createHash('sha256')
  let key: Buffer | undefined
  let chunk = 0
  let pending: Buffer = Buffer.alloc(0)
  const openNext = (sealed: Buffer, isLast: boolean): Buffer => {
    const content = openChunk(key!, chunk++, isLast, sealed)
    if (content === undefined) throw damaged(`chunk ${chunk - 1} is damaged`)
    hash.update(content)
    return content
  }
  try {
    for await (const part of createReadStream(path, { highWaterMark: 4 * CHUNK_BYTES })) {
      pending = pending.length === 0 ? (part as Buffer) : Buffer.concat([pending, part as Buffer])
      if (key === undefined) {
        if (pending.length < MAGIC.length + WRAPPED_BYTES) continue
        if (!pending.subarray(0, MAGIC.length).equals(MAGIC)) throw damaged('it does not begin as an object does')
        key = keyring.open(PURPOSE, pending.subarray(MAGIC.length, MAGIC.length + WRAPPED_BYTES))
        pending = pending.subarray(MAGIC.length + WRAPPED_BYTES)
      }
      const sealedBytes = CHUNK_BYTES + TAG_BYTES
      for (; pending.length > sealedBytes; pending = pending.subarray(sealedBytes)) {
        yield openNext(pending.subarray(0, sealedBytes), false)
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new Problem('not_found', `Cannot read the object ${sha256}: it is not stored here`)
    }
    throw error
  }
  if (key === undefined || pending.length < TAG_BYTES) throw damaged('it was cut short')
  yield openNext(pending, true)
  if (hash.digest('hex') !== sha256) throw damaged('its content has another SHA-256')
}

function nonceOf(chunk: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(chunk, 5, 6)
  nonce[11] = isLast ? 1 : 0
  return nonce
}

function sealChunk(key: Uint8Array, chunk: number, isLast: boolean, content: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(chunk, isLast))
  return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()])
}

function openChunk(key: Uint8Array, chunk: number, isLast: boolean, sealed: Uint8Array): Buffer | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(chunk, isLast))
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES)), decipher.final()])
  } catch {
    return undefined
  }
}
