/** Files that are there whole or not at all, whatever happens to the process or the machine meanwhile. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** The errors by which a disk, a quota or a limit of the process says that no more bytes can be stored. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** Whether a write failed because there is no room left. */
export function isStorageFull(error: unknown): boolean {
  return FULL.has(errorCode(error))
}

/** The code of a system error such as `ENOENT`; empty where it has none. */
export function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  return typeof code === 'string' ? code : ''
}

/** Makes a file's name durable: the name lives in the folder, which has a cache of its own. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Writes a file, or replaces it. A reader sees the old content or the new one, never a part. */
export function replaceFile(path: string, content: string | Uint8Array, mode = 0o600): void {
  const temporary = writeTemporary(path, content, mode)
  try {
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  syncFolder(dirname(path))
}

/** Writes a file that is not there yet, and says whether it did. Of several writers at once exactly one does. */
export function createFile(path: string, content: string | Uint8Array, mode = 0o600): boolean {
  const temporary = writeTemporary(path, content, mode)
  try {
    // A link, unlike a rename, fails where the name is taken.
    linkSync(temporary, path)
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  } finally {
    rmSync(temporary, { force: true })
  }
  syncFolder(dirname(path))
  return true
}

function writeTemporary(path: string, content: string | Uint8Array, mode: number): string {
  const temporary = `${path}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  const fd = openSync(temporary, 'wx', mode)
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written)
    fsyncSync(fd)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
  return temporary
}
