/** The owner's half of a seal: moves what the engine built to its place, and commits it. Nothing here waits on a thread. */
import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { SignedHead } from './evidence.ts'
import { MANIFEST_FORMAT, type Manifest, manifestPath, SEALING_FOLDER, type SegmentContent } from './segments.ts'

/** Names the places of files that are moved, so that a start after a crash can take them away again. */
const PLACES = 'places.json'

/** Where the engine writes the files of a segment. Only the owner of the data folder moves them from there. */
export function stagingFolder(folder: string, segment: number): string {
  return join(folder, SEALING_FOLDER, String(segment))
}

/**
 * Puts a built segment into the ledger: files to their places, then the manifest, which is the commit point. What a crash
 * leaves before it, `undoHalfSeals` takes back; after it the segment is whole.
 */
export async function commitSegment(
  folder: string,
  segment: number,
  { first, count, files, schemas }: SegmentContent,
  head: SignedHead,
): Promise<void> {
  const staging = stagingFolder(folder, segment)
  await writeDurably(join(staging, PLACES), JSON.stringify(files.map(({ path }) => path)))
  const touched = new Set<string>()
  for (const [index, file] of files.entries()) {
    const path = join(folder, file.path)
    const made = await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    for (let parent = dirname(path); parent.length >= folder.length; parent = dirname(parent)) {
      touched.add(parent)
      if (made === undefined || parent.length < made.length) break
    }
    await rename(join(staging, `${index}.parquet`), path)
  }
  for (const path of touched) await flushFolder(path)
  const manifest: Manifest = { format: MANIFEST_FORMAT, segment, first, count, head, files, schemas }
  await mkdir(dirname(manifestPath(folder, segment)), { recursive: true, mode: 0o700 })
  await flushFolder(folder)
  await writeDurably(manifestPath(folder, segment), `${JSON.stringify(manifest)}\n`)
  await rm(staging, { recursive: true, force: true })
}

/** Takes back what seals left that did not come to their commit point. */
export async function undoHalfSeals(folder: string): Promise<void> {
  const sealing = join(folder, SEALING_FOLDER)
  for (const name of await entriesOf(sealing)) {
    const places = await readFile(join(sealing, name, PLACES), 'utf8').catch(() => '[]')
    if (!existsSync(manifestPath(folder, Number(name)))) {
      for (const path of parsePlaces(places)) await rm(join(folder, path), { force: true })
    }
  }
  await rm(sealing, { recursive: true, force: true })
}

/** Places of the files of seals that did not come to their end, or run. */
export async function placesOfSeals(folder: string): Promise<string[]> {
  const sealing = join(folder, SEALING_FOLDER)
  const lists = (await entriesOf(sealing)).map(name => readFile(join(sealing, name, PLACES), 'utf8').catch(() => '[]'))
  return (await Promise.all(lists)).flatMap(parsePlaces)
}

/** A list that is only half there was never acted upon. */
function parsePlaces(text: string): string[] {
  try {
    return JSON.parse(text) as string[]
  } catch {
    return []
  }
}

async function entriesOf(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}

async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await flushFolder(dirname(path))
}

async function flushFolder(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
