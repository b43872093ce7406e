/** Seals the keys of stored objects by the newest master key, in their place; the objects themselves are not touched. */
import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { type FileHandle, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '../errors.ts'
import type { Keyring } from './crypto.ts'
import { errorCode, replaceFile } from './durable-file.ts'
import { readIfThere } from './master-keys.ts'

export interface Rewrapped {
  readonly rewrapped: number
  /** Objects whose key no master key opens: they could not be read before either. */
  readonly damaged: readonly string[]
}

/** Where the sealed key stands in a file, and what it was sealed for. */
export interface Wrapping {
  readonly at: number
  readonly bytes: number
  readonly purpose: string
}

/** Headers are written in batches, each after it is known that a crash in between can be mended. */
const BATCH = 256
const JOURNAL = 'rewrap.journal'
const FOLDER = /^[0-9a-f]{2}$/
const REST = /^[0-9a-f]{62}$/

/** The sealed key of an object before and after, base64. */
type Change = readonly [before: string, after: string]

/** @param root folder of the objects. */
export async function rewrapObjects(
  root: string,
  wrapping: Wrapping,
  keyring: Pick<Keyring, 'rewrap'>,
): Promise<Rewrapped> {
  let rewrapped = 0
  const damaged: string[] = []
  let batch = new Map<string, Change>()
  for await (const sha256 of objectsIn(root)) {
    const sealed = await wrappedKey(root, sha256, wrapping)
    if (sealed === undefined) continue // removed meanwhile
    try {
      const made = keyring.rewrap(wrapping.purpose, sealed, sha256)
      if (made !== undefined) batch.set(sha256, [sealed.toString('base64'), made.toString('base64')])
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'corrupt') throw error
      damaged.push(sha256)
    }
    if (batch.size < BATCH) continue
    rewrapped += await writeBatch(root, batch, wrapping)
    batch = new Map()
  }
  rewrapped += await writeBatch(root, batch, wrapping)
  return { rewrapped, damaged }
}

async function* objectsIn(root: string): AsyncGenerator<string, void> {
  for (const folder of (await readdir(root)).filter(name => FOLDER.test(name))) {
    for (const rest of (await readdir(join(root, folder))).filter(name => REST.test(name))) yield folder + rest
  }
}

/** Ends what a crash broke off; for the start, when nobody reads or writes objects yet. */
export function mendRewrapping(root: string, wrapping: Wrapping): void {
  const journal = join(root, JOURNAL)
  const stored = readIfThere(journal)
  if (stored === undefined) return
  for (const [sha256, [, after]] of Object.entries(JSON.parse(stored) as Record<string, Change>)) {
    const path = pathOf(root, sha256)
    if (!existsSync(path)) continue
    const fd = openSync(path, 'r+')
    try {
      writeSync(fd, Buffer.from(after, 'base64'), 0, wrapping.bytes, wrapping.at)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  }
  rmSync(journal, { force: true })
}

async function writeBatch(root: string, batch: ReadonlyMap<string, Change>, { at }: Wrapping): Promise<number> {
  if (batch.size === 0) return 0
  replaceFile(join(root, JOURNAL), JSON.stringify(Object.fromEntries(batch)))
  for (const [sha256, [before, after]] of batch) {
    await inFile(root, sha256, 'r+', async file => {
      const [old, made] = [Buffer.from(before, 'base64'), Buffer.from(after, 'base64')]
      // Who stores the same content meanwhile puts another file, with another key, in the place of this one.
      if ((await headerOf(file, at, old.length)).equals(old)) await file.write(made, 0, made.length, at)
      await file.sync()
    })
  }
  await rm(join(root, JOURNAL), { force: true })
  return batch.size
}

async function wrappedKey(root: string, sha256: string, { at, bytes }: Wrapping): Promise<Buffer | undefined> {
  return await inFile(root, sha256, 'r', file => headerOf(file, at, bytes))
}

async function headerOf(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const header = Buffer.alloc(bytes)
  await file.read(header, 0, bytes, at)
  return header
}

function pathOf(root: string, sha256: string): string {
  return join(root, sha256.slice(0, 2), sha256.slice(2))
}

async function inFile<T>(
  root: string,
  sha256: string,
  flags: 'r' | 'r+',
  work: (file: FileHandle) => Promise<T>,
): Promise<T | undefined> {
  let file: FileHandle
  try {
    file = await open(pathOf(root, sha256), flags)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}
