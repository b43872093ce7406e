/**
 * How far the scoring of a file has come, beside its output: a first line that says what is being done, then a line for each
 * block that is on disk. After a kill at any moment, going on from the last whole line scores every row once.
 */
import { type FileHandle, open, readFile, unlink } from 'node:fs/promises'
import type { RowGroup } from 'hyparquet'
import { Problem } from '../../errors.ts'

/** What must be the same to go on. */
export interface Identity {
  readonly input: string
  readonly inputBytes: number
  readonly inputModifiedAt: number
  readonly model: string
  readonly version: string
  readonly artifact: string
  readonly rejected: string
}

export interface Progress {
  /** Where the next block begins: bytes of the unpacked text, or rows of Parquet; and with which line. */
  readonly offset: number
  readonly line: number
  readonly outputBytes: number
  readonly rejectedBytes: number
  readonly predicted: number
  readonly rejected: number
}

export interface Done extends Progress {
  /** The group that this block added to a Parquet output. */
  readonly group?: RowGroup
}

export interface ProgressFile {
  /** What earlier attempts did. */
  readonly reached: Progress | undefined
  readonly groups: readonly RowGroup[]
  /** Appends blocks whose output is on disk. */
  append(done: readonly Done[]): Promise<void>
  /** All is done: nothing is left to go on with. */
  remove(): Promise<void>
  close(): Promise<void>
}

/** Throws `conflict` where an earlier attempt was interrupted and nobody said what to do, or where it was another work. */
export async function openProgress(
  path: string,
  identity: Identity,
  how: 'new' | 'resume' | 'restart',
): Promise<ProgressFile> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const { first, done, bytes } = linesOf(text)
  if (first !== undefined && how === 'new') {
    const rows = done.at(-1)?.predicted ?? 0
    const found = `it was begun before and stands at ${rows} rows (${path})`
    throw new Problem('conflict', `Cannot begin: ${found}; --resume goes on, --restart begins again`)
  }
  const goesOn = how === 'resume' && first !== undefined
  if (goesOn) requireSame(first, identity)
  const file = await open(path, goesOn ? 'r+' : 'w').catch((error: NodeJS.ErrnoException) => {
    throw new Problem('unavailable', `Cannot write ${path}: ${error.message}`, { cause: error })
  })
  if (goesOn) await file.truncate(bytes)
  else await file.write(`${JSON.stringify(identity)}\n`)
  return progressFile(path, file, goesOn ? done : [])
}

async function progressFile(path: string, file: FileHandle, earlier: readonly Done[]): Promise<ProgressFile> {
  let at = (await file.stat()).size
  return {
    reached: earlier.at(-1),
    groups: earlier.flatMap(({ group }) => (group === undefined ? [] : [group])),
    async append(done): Promise<void> {
      if (done.length === 0) return
      const { bytesWritten } = await file.write(done.map(line => `${JSON.stringify(line, tagged)}\n`).join(''), at)
      at += bytesWritten
      await file.datasync()
    },
    async remove(): Promise<void> {
      await file.close()
      await unlink(path)
    },
    close: () => file.close(),
  }
}

/** The whole lines, and how many bytes they take: a torn last one is as if it were not. */
function linesOf(text: string): { first: Identity | undefined; done: Done[]; bytes: number } {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const [first, ...rest] = whole.split('\n').slice(0, -1)
  const done = rest.map(line => JSON.parse(line, untagged) as Done)
  return {
    first: first === undefined ? undefined : (JSON.parse(first) as Identity),
    done,
    bytes: Buffer.byteLength(whole),
  }
}

function requireSame(found: Identity, wanted: Identity): void {
  for (const key of Object.keys(wanted) as (keyof Identity)[]) {
    if (found[key] === wanted[key]) continue
    const detail = `${key} was ${found[key]} when it was begun, and is ${wanted[key]} now`
    throw new Problem('conflict', `Cannot go on: ${detail}; --restart begins again`)
  }
}

/** Row groups have whole numbers of 64 bits and bytes, which JSON has not. */
function tagged(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return { $int: String(value) }
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
  return value
}

function untagged(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('$int' in value) return BigInt(value.$int as string)
  if ('$bytes' in value) return new Uint8Array(Buffer.from(value.$bytes as string, 'base64'))
  return value
}
