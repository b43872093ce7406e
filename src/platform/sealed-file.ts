/**
 * Content as chunks of 64 KiB, each AES-256-GCM with its counter and whether it is the last in the nonce: the STREAM
 * construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015, «Online Authenticated-Encryption and its Nonce-Reuse
 * Misuse-Resistance»), as age and Tink use it. So chunks can be neither changed, reordered, dropped nor cut without it being found.
 *
 * The disk works while the next chunks are sealed or opened: many of them go to it, or come from it, at once.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'

const CHUNK_BYTES = 64 * 1024
export const TAG_BYTES = 16
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES
/** So many chunks go to the disk, or come from it, at once. */
const CHUNKS_AT_ONCE = 16
/** The disk begins to keep what was written after so many bytes: at the end there is little left to wait for. */
const SYNC_BYTES = 8 << 20

/** Writes a content that comes in pieces. */
export class SealedWriter {
  readonly #file: FileHandle
  readonly #key: Buffer
  readonly #chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  #filled = 0
  #counter = 0
  #at: number
  #sealed: Buffer[] = []
  #unsynced = 0
  #writing: Promise<void> = Promise.resolve()
  #syncing: Promise<void> | undefined
  #failure: unknown

  /**
   * @param at where in the file the first chunk begins.
   * @param key of 32 bytes, for this content alone.
   */
  constructor(file: FileHandle, at: number, key: Buffer) {
    this.#file = file
    this.#at = at
    this.#key = key
  }

  /** The bytes may be used again once it has resolved. Throws what the disk has said of earlier ones, too. */
  async write(part: Uint8Array): Promise<void> {
    for (let used = 0; used < part.length; ) {
      // A full chunk is sealed only when more comes: the last one must say that it is the last.
      if (this.#filled === CHUNK_BYTES) {
        this.#seal(false)
        if (this.#sealed.length >= 2 * CHUNKS_AT_ONCE) await this.#send()
      }
      const taken = Math.min(CHUNK_BYTES - this.#filled, part.length - used)
      this.#chunk.set(part.subarray(used, used + taken), this.#filled)
      this.#filled += taken
      used += taken
    }
  }

  /** Resolves when all is written, but for what has to be synchronised yet. */
  async end(): Promise<void> {
    this.#seal(true)
    await this.#send()
    await this.settle()
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Resolves when nothing of it is under way any more: then the file may be closed. */
  async settle(): Promise<void> {
    await this.#writing
    await this.#syncing
  }

  #seal(isLast: boolean): void {
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonceOf(this.#counter++, isLast))
    this.#sealed.push(cipher.update(this.#chunk.subarray(0, this.#filled)))
    cipher.final() // of this cipher nothing is left for it
    this.#sealed.push(cipher.getAuthTag())
    this.#filled = 0
  }

  /** Hands on what is sealed, once the disk has taken what came before. */
  async #send(): Promise<void> {
    const pieces = this.#sealed
    this.#sealed = []
    await this.#writing
    if (this.#failure !== undefined) throw this.#failure
    const at = this.#at
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
    this.#at += bytes
    this.#unsynced += bytes
    this.#writing = this.#noting(writeAll(this.#file, pieces, at))
    if (this.#unsynced < SYNC_BYTES || this.#syncing !== undefined) return
    this.#unsynced = 0
    this.#syncing = this.#noting(this.#file.datasync()).then(() => {
      this.#syncing = undefined
    })
  }

  #noting(work: Promise<unknown>): Promise<void> {
    return work.then(
      () => {},
      error => {
        this.#failure ??= error
      },
    )
  }
}

async function writeAll(file: FileHandle, pieces: Buffer[], from: number): Promise<void> {
  let [left, at] = [pieces, from]
  while (left.length > 0) {
    const { bytesWritten } = await file.writev(left, at)
    at += bytesWritten
    left = behind(left, bytesWritten)
  }
}

function behind(pieces: readonly Buffer[], bytes: number): Buffer[] {
  let [first, done] = [0, bytes]
  while (first < pieces.length && done >= pieces[first]!.length) done -= pieces[first++]!.length
  const rest = pieces.slice(first)
  if (done > 0) rest[0] = rest[0]!.subarray(done)
  return rest
}

/**
 * The content's chunks, in their order; each is whole and unchanged. After the last one nothing is missing.
 *
 * @param damaged makes the error to be thrown.
 */
export async function* openedChunks(
  file: FileHandle,
  from: number,
  to: number,
  key: Buffer,
  damaged: (found: string) => Error,
): AsyncGenerator<Buffer, void> {
  const blockBytes = Math.min(SEALED_BYTES * CHUNKS_AT_ONCE, to - from)
  // One is read into while the other is opened, which copies what is in it.
  const blocks: Buffer[] = []
  let turn = 0
  const blockAt = (at: number): Promise<Buffer | undefined> => {
    turn = 1 - turn
    blocks[turn] ??= Buffer.allocUnsafeSlow(blockBytes)
    return fill(file, at, blocks[turn]!.subarray(0, to - at))
  }
  let coming = blockAt(from)
  // Whoever stops before the end never asks what came of it.
  coming.catch(() => {})
  for (let at = from, counter = 0; at < to; ) {
    const block = await coming
    if (block === undefined) throw damaged('the file is cut off')
    const next = at + block.length
    if (next < to) coming = blockAt(next)
    coming.catch(() => {})
    try {
      for (let used = 0; used < block.length; used += SEALED_BYTES, counter++) {
        const sealed = block.subarray(used, used + SEALED_BYTES)
        const chunk = openChunk(key, counter, at + used + sealed.length === to, sealed)
        if (chunk === undefined) throw damaged(`chunk ${counter} was changed, moved or cut off`)
        if (chunk.length > 0) yield chunk
      }
    } finally {
      // The file is closed when we return: nothing may be read from it any more then.
      await coming.catch(() => {})
    }
    at = next
  }
}

/** Undefined where the file ends before. */
export async function readExactly(file: FileHandle, at: number, length: number): Promise<Buffer | undefined> {
  return await fill(file, at, Buffer.allocUnsafe(length))
}

async function fill(file: FileHandle, at: number, bytes: Buffer): Promise<Buffer | undefined> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, at + done)
    if (bytesRead === 0) return undefined
    done += bytesRead
  }
  return bytes
}

/** 11 bytes of counter, big-endian, and one that is 1 in the last chunk. The key is the content's own: no nonce repeats. */
function nonceOf(counter: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(counter, 5, 6)
  nonce[11] = isLast ? 1 : 0
  return nonce
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
