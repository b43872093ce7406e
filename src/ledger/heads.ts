import { hash } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { Problem } from '../errors.ts'
import { type Signer, verifySignature } from '../platform/crypto.ts'
import { canonical } from './canonical.ts'
import { diskProblem } from './disk.ts'
import type { SignedHead } from './evidence.ts'

/** What a head says before it is signed. */
export type HeadStatement = Omit<SignedHead, 'signature' | 'keyId'>

/** `previous` of the first head. */
export const NO_PREVIOUS: string = '0'.repeat(64)

export function signHead(statement: HeadStatement, signer: Signer): SignedHead {
  const { size, root, at, previous } = statement
  const unsigned = { at, keyId: signer.keyId, previous, root, size }
  return { ...unsigned, signature: signer.sign(Buffer.from(canonical(unsigned))) }
}

/** Whether the head was signed with the key behind this raw public key (base64). */
export function verifyHead(head: SignedHead, publicKey: string): boolean {
  const { signature, ...unsigned } = head
  return verifySignature(publicKey, Buffer.from(canonical(unsigned)), signature)
}

/** What the next head names as `previous`: SHA-256 of the canonical bytes, hex. */
export function headDigest(head: SignedHead): string {
  return hash('sha256', canonical(head), 'hex')
}

/**
 * `heads.jsonl`: every head that was signed, one canonical line each, in order; sizes grow. Only appended to. What a crash
 * left of a line is cut when it is opened; a damaged line throws `corrupt`.
 */
export interface Heads {
  readonly last: SignedHead | undefined
  /** The newest heads, oldest first: all of more than `size` records, and the newest one of at most that many. */
  since(size: number): SignedHead[]
  /** The head of exactly this size. */
  find(size: number): SignedHead | undefined
  /** Adds heads and brings them to the device. Throws `storage_full` or `failed` where nothing was kept. */
  append(heads: readonly SignedHead[]): void
  close(): void
}

const CHUNK_BYTES = 1 << 16
const LINE_FEED = 0x0a

export function openHeads(path: string): Heads {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  let bytes = cutTornLine(fd)
  flushFolder(dirname(path))
  let last: SignedHead | undefined = linesFromEnd(fd, bytes).next().value ?? undefined

  function collect(until: (head: SignedHead) => boolean): SignedHead[] {
    const found: SignedHead[] = []
    for (const head of linesFromEnd(fd, bytes)) {
      found.push(head)
      if (until(head)) break
    }
    return found.reverse()
  }

  return {
    get last(): SignedHead | undefined {
      return last
    },
    since: size => collect(head => head.size <= size),
    find(size): SignedHead | undefined {
      const head = collect(({ size: found }) => found <= size)[0]
      return head?.size === size ? head : undefined
    },
    append(heads): void {
      const text = Buffer.from(heads.map(head => `${canonical(head)}\n`).join(''))
      try {
        for (let done = 0; done < text.length; ) done += writeSync(fd, text, done, text.length - done, bytes + done)
        fsyncSync(fd)
      } catch (error) {
        ftruncateSync(fd, bytes)
        throw diskProblem('keep a signed head', error)
      }
      bytes += text.length
      last = heads.at(-1) ?? last
    },
    close: () => closeSync(fd),
  }
}

/** The heads of a file from the newest to the oldest, reading no more than is asked for. */
function* linesFromEnd(fd: number, size: number): Generator<SignedHead> {
  let start = size
  let rest = '' // of a line that began before what was read so far
  while (start > 0) {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, start))
    start -= chunk.length
    readSync(fd, chunk, 0, chunk.length, start)
    const lines = (chunk.toString('latin1') + rest).split('\n') // a head is ASCII; what is not is refused all the same
    rest = start > 0 ? lines.shift()! : ''
    for (const line of lines.reverse()) if (line !== '') yield parseHead(line)
  }
}

function cutTornLine(fd: number): number {
  let end = fstatSync(fd).size
  const byte = Buffer.alloc(1)
  const size = end
  while (end > 0) {
    readSync(fd, byte, 0, 1, end - 1)
    if (byte[0] === LINE_FEED) break
    end--
  }
  if (end < size) ftruncateSync(fd, end)
  return end
}

function flushFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

const HEX_64 = /^[0-9a-f]{64}$/

/** A head from its line. Throws `corrupt` for anything that is not the canonical form of a head. */
export function parseHead(line: string): SignedHead {
  try {
    const head = JSON.parse(line) as SignedHead
    const isWhole =
      Number.isSafeInteger(head.size) &&
      Number.isSafeInteger(head.at) &&
      HEX_64.test(head.root) &&
      HEX_64.test(head.previous) &&
      typeof head.keyId === 'string' &&
      typeof head.signature === 'string' &&
      canonical(head) === line
    if (isWhole) return head
  } catch {
    // Told below in one way.
  }
  throw new Problem('corrupt', `Cannot read a signed head: found "${line.slice(0, 100)}", wanted its canonical form`)
}
