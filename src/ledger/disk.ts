import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  read,
  rmSync,
  unlink,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs'
import { Problem } from '../errors.ts'

/**
 * What the journal asks of the operating system, handed in because a disk that is full, broken or slow must be put before
 * it in tests. Synchronous calls are those that the writer makes on the answering thread: they touch the page cache only.
 */
export interface Disk {
  /** Opens for reading and writing; makes the file where it is missing. */
  open(path: string): number
  /** Writes at a position and says how many bytes it took: may be fewer than asked. */
  write(fd: number, bytes: Uint8Array, from: number, length: number, position: number): number
  truncate(fd: number, length: number): void
  close(fd: number): void
  remove(path: string): void
  removeIfThere(path: string): void
  /** Brings a file's data (or a folder's entries) to the device and waits for it: only while opening. */
  flushNow(fd: number): void
  /** Opens a folder, so that its entries can be flushed. */
  openFolder(path: string): number
  /** Brings a file's data (or a folder's entries) to the device, off the calling thread. */
  flush(fd: number): Promise<void>
  /** Removes a file off the calling thread. */
  removeLater(path: string): Promise<void>
  /** Reads a range off the calling thread. */
  read(fd: number, position: number, length: number): Promise<Uint8Array>
  /** Writes off the calling thread. */
  rewrite(fd: number, bytes: Uint8Array, position: number): Promise<void>
}

export const systemDisk: Disk = {
  open: path => openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600),
  write: writeSync,
  truncate: ftruncateSync,
  close: closeSync,
  remove: unlinkSync,
  removeIfThere: path => rmSync(path, { force: true }),
  flushNow: fdatasyncSync,
  openFolder: path => openSync(path, constants.O_RDONLY),
  flush: fd => new Promise((resolve, reject) => fdatasync(fd, error => (error ? reject(error) : resolve()))),
  removeLater: path => new Promise((resolve, reject) => unlink(path, error => (error ? reject(error) : resolve()))),
  read: (fd, position, length) =>
    new Promise((resolve, reject) => {
      const bytes = new Uint8Array(length)
      read(fd, bytes, 0, length, position, (error, count) =>
        error ? reject(error) : resolve(bytes.subarray(0, count)),
      )
    }),
  rewrite: (fd, bytes, position) =>
    new Promise((resolve, reject) =>
      write(fd, bytes, 0, bytes.length, position, (error, count) => {
        if (error) reject(error)
        else if (count < bytes.length) reject(Object.assign(new Error('Short write'), { code: 'ENOSPC' }))
        else resolve()
      }),
    ),
}

/** Codes that say "there is no room": the device, a quota, a limit on the size of files. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** The problem behind an error of the operating system: `storage_full` where room is missing, else `failed`. */
export function diskProblem(action: string, error: unknown): Problem {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
  if (FULL.has(code)) {
    const message = `Cannot ${action}: the disk is full (${code}), room is wanted and then it goes on by itself`
    return new Problem('storage_full', message, { cause: error, retryAfterSeconds: 1 })
  }
  return new Problem('failed', `Cannot ${action}: the disk answered ${code}`, { cause: error })
}
