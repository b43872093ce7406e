/** The data folder: everything that a server keeps, owned by one process at a time. */
import { accessSync, chmodSync, constants, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Problem } from '../errors.ts'
import type { Clock } from './clock.ts'
import { createFile, errorCode, isStorageFull, replaceFile } from './durable-file.ts'

export interface DataFolder {
  /** Absolute. */
  readonly path: string
  /** Tells others where the server on this folder answers; forgotten at `close`. */
  announce(url: string): void
  /** Gives the folder up. */
  close(): Promise<void>
}

/** A server that runs on a data folder. */
export interface RunningServer {
  readonly pid: number
  readonly url: string
}

/** Raised when an older program could no longer read what this one writes. */
const FORMAT = 1
const FORMAT_FILE = 'bellwether.json'
const LOCK_FILE = 'lock.sqlite'
const SERVER_FILE = 'server.json'

/**
 * Opens a data folder, makes it where it is not there, and holds it until `close` or until the process ends, however it
 * does. Throws `conflict` where another process holds it and `misconfigured` where it cannot be used.
 */
export async function openDataFolder(path: string, clock: Clock): Promise<DataFolder> {
  const folder = resolve(path)
  prepare(folder)
  const release = hold(folder)
  try {
    judgeFormat(folder, clock)
    // One that was left behind names a server that is no more: whoever is told of it now would find nobody.
    rmSync(join(folder, SERVER_FILE), { force: true })
  } catch (error) {
    release()
    throw error
  }
  return {
    path: folder,
    announce: url => replaceFile(join(folder, SERVER_FILE), `${JSON.stringify({ pid: process.pid, url })}\n`),
    async close(): Promise<void> {
      rmSync(join(folder, SERVER_FILE), { force: true })
      release()
    },
  }
}

/** The server that runs on a data folder, if one does. */
export function runningServer(path: string): RunningServer | undefined {
  try {
    const { pid, url } = JSON.parse(readFileSync(join(path, SERVER_FILE), 'utf8')) as Partial<RunningServer>
    if (typeof url !== 'string' || typeof pid !== 'number' || !(pid > 0)) return undefined
    return isAlive(pid) ? { pid, url } : undefined
  } catch {
    // Not there, or of a program that writes it otherwise: in both cases nobody who could be talked to.
    return undefined
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

function prepare(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new Problem('misconfigured', `Cannot use ${folder} as data folder: ${reasonOf(error)}`, { cause: error })
  }
  refuseForeign(folder)
  try {
    // Records, also those whose fields are not sealed, are for nobody else on this machine.
    chmodSync(folder, 0o700)
  } catch (error) {
    // A mounted volume may belong to somebody else and yet be ours to write.
    if (errorCode(error) !== 'EPERM') throw error
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a file is in its place',
  EEXIST: 'a file is in its place',
  ENOSPC: 'no room is left on the disk',
  ENAMETOOLONG: 'its name is too long',
}

function reasonOf(error: unknown): string {
  return REASONS[errorCode(error)] ?? (error instanceof Error ? error.message : String(error))
}

/** A folder with other things in it was meant for something else: its mode must not change, nor ours mingle with them. */
function refuseForeign(folder: string): void {
  const names = readdirSync(folder)
  if (names.includes(FORMAT_FILE)) return
  const foreign = names.filter(name => !name.startsWith('.') && !name.startsWith(LOCK_FILE) && name !== 'lost+found')
  if (foreign.length === 0) return
  const found = foreign.slice(0, 3).join(', ') + (foreign.length > 3 ? ', …' : '')
  throw new Problem(
    'misconfigured',
    `Cannot use ${folder} as data folder: it has other files in it (${found}) and no ${FORMAT_FILE}, wanted an empty folder or one made before`,
  )
}

/**
 * Takes the kernel's lock on a file, by the one thing in Node that can: SQLite. It dies with the process, whatever kills
 * it, so that there is no stale lock to judge; a file with a pid in it would have to be believed.
 */
function hold(folder: string): () => void {
  const lock = new DatabaseSync(join(folder, LOCK_FILE))
  try {
    lock.exec('pragma journal_mode = memory; begin exclusive')
    return () => lock.close()
  } catch (error) {
    lock.close()
    const busy = error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5
    if (!busy) throw error
    const server = runningServer(folder)
    const holder = server === undefined ? 'another process' : `the server with pid ${server.pid} at ${server.url}`
    throw new Problem('conflict', `Cannot open the data folder ${folder}: ${holder} holds it`, { cause: error })
  }
}

function judgeFormat(folder: string, clock: Clock): void {
  const path = join(folder, FORMAT_FILE)
  createIfMissing(path, `${JSON.stringify({ format: FORMAT, createdAt: clock.now() })}\n`)
  const format = formatOf(readFileSync(path, 'utf8'))
  if (format === undefined)
    throw new Problem('corrupt', `Cannot open the data folder ${folder}: ${FORMAT_FILE} is damaged`)
  if (format > FORMAT) {
    throw new Problem(
      'misconfigured',
      `Cannot open the data folder ${folder}: it has format ${format} of a newer version, this one knows formats up to ${FORMAT}`,
    )
  }
}

function createIfMissing(path: string, content: string): void {
  try {
    createFile(path, content)
  } catch (error) {
    const code = isStorageFull(error) ? 'storage_full' : 'misconfigured'
    throw new Problem(code, `Cannot write ${path}: ${reasonOf(error)}`, { cause: error })
  }
}

function formatOf(text: string): number | undefined {
  try {
    const { format } = JSON.parse(text) as { format?: unknown }
    return Number.isSafeInteger(format) && (format as number) > 0 ? (format as number) : undefined
  } catch {
    return undefined
  }
}
