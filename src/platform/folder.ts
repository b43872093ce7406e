/** The data folder: private to its owner, held by one process at a time, marked with the format it is written in. */
import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Problem } from '../errors.ts'
import type { Clock } from './clock.ts'
import { writeDurably } from './files.ts'
import { openSqlite, SqliteError } from './sqlite-connection.ts'

/** Raised when a newer program could no longer be followed by an older one. */
export const FORMAT = 1
const FORMAT_FILE = 'bellwether.json'
const LOCK_FILE = 'lock.sqlite'
const SERVER_FILE = 'server.json'
const SQLITE_BUSY = 5

export interface DataFolder {
  /** Absolute. */
  readonly path: string
  close(): Promise<void>
}

/** Where the server on a data folder listens. */
export interface ServerPlace {
  readonly pid: number
  readonly url: string
}

/**
 * Makes the folder where it is missing and takes hold of it. Throws `conflict` while another process has it,
 * `misconfigured` where it cannot be written or is of a newer format.
 */
export async function openDataFolder(folder: string, clock: Clock): Promise<DataFolder> {
  const path = resolve(folder)
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    const release = await hold(path)
    try {
      await checkFormat(path, clock)
    } catch (error) {
      await release()
      throw error
    }
    return { path, close: release }
  } catch (error) {
    if (error instanceof Problem) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new Problem('misconfigured', `Cannot use the data folder ${path}: ${reason}`, { cause: error })
  }
}

/** A transaction kept open on a database of its own: the kernel frees its lock when the process dies, however it dies. */
async function hold(path: string): Promise<() => Promise<void>> {
  const lock = openSqlite(join(path, LOCK_FILE), { journal: 'delete', waitMs: 0 })
  try {
    await lock.run('begin exclusive', [])
  } catch (error) {
    await lock.close()
    if (error instanceof SqliteError && error.errcode === SQLITE_BUSY) throw await held(path)
    throw error
  }
  return () => lock.close()
}

async function held(path: string): Promise<Problem> {
  const server = await serverOf(path)
  const who = server === undefined ? 'another process' : `process ${server.pid}, which answers at ${server.url},`
  return new Problem(
    'conflict',
    `Cannot open the data folder ${path}: ${who} has it; stop that one, or name another folder with --data`,
  )
}

async function checkFormat(path: string, clock: Clock): Promise<void> {
  const file = join(path, FORMAT_FILE)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    await writeDurably(file, `${JSON.stringify({ format: FORMAT, createdAt: clock.now() })}\n`)
    return
  }
  const format = formatOf(text)
  if (format === FORMAT) return
  const found =
    format === undefined ? `${FORMAT_FILE} is not readable` : `it is of format ${format}, a newer program wrote it`
  throw new Problem('misconfigured', `Cannot use the data folder ${path}: ${found}, wanted format ${FORMAT}`)
}

function formatOf(text: string): number | undefined {
  try {
    const { format } = JSON.parse(text) as { format?: unknown }
    return typeof format === 'number' ? format : undefined
  } catch {
    return undefined
  }
}

/** What the server on the folder wrote of itself, whether or not it still lives. */
export async function serverOf(path: string): Promise<ServerPlace | undefined> {
  try {
    const { pid, url } = JSON.parse(await readFile(join(path, SERVER_FILE), 'utf8')) as Partial<ServerPlace>
    return typeof pid === 'number' && typeof url === 'string' ? { pid, url } : undefined
  } catch {
    return undefined
  }
}

/** Path of the file that tells commands where the server is. */
export function serverFile(path: string): string {
  return join(path, SERVER_FILE)
}
