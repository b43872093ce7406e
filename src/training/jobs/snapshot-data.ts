/** What a job reads, told by its bytes: the SHA-256 of each file, and one for all files of a name. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { glob, readdir, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Problem } from '../../errors.ts'

export interface FileSnapshot {
  /** From the folder of the data, or the name of the one file; slashes between its parts. */
  readonly path: string
  readonly sha256: string
  readonly bytes: number
}

export interface DataSnapshot {
  readonly name: string
  /** As the job has it. */
  readonly source: string
  /**
   * Of a file: its own. Of several: that of the lines `SHA-256, two spaces, path`, in the order of the paths' UTF-16 units,
   * which is what `sha256sum` prints.
   */
  readonly sha256: string
  readonly bytes: number
  readonly files: readonly FileSnapshot[]
  /** Where it lies, for the command. Of a pattern: the folder that its paths start from. */
  readonly place: string
}

const FILES_MAX = 1_000_000

/** @throws Problem `not_found` where nothing is there, naming the field. */
export async function snapshotData(folder: string, name: string, source: string): Promise<DataSnapshot> {
  const { place, paths } = await filesOf(folder, name, source)
  const files: FileSnapshot[] = []
  for (const path of paths) files.push(await snapshotFile(place, path))
  const whole = resolve(folder, source)
  const isFile = paths.length === 1 && join(place, paths[0]!) === whole
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const sha256 = isFile ? files[0]!.sha256 : digestOf(files)
  return { name, source, sha256, bytes, files, place: isFile ? whole : place }
}

/** One digest for several files. */
export function digestOf(files: readonly Pick<FileSnapshot, 'path' | 'sha256'>[]): string {
  const lines = [...files].sort((a, b) => (a.path < b.path ? -1 : 1)).map(file => `${file.sha256}  ${file.path}\n`)
  return createHash('sha256').update(lines.join('')).digest('hex')
}

async function snapshotFile(place: string, path: string): Promise<FileSnapshot> {
  const hash = createHash('sha256')
  let bytes = 0
  const content = createReadStream(join(place, path))
  content.on('data', chunk => {
    bytes += chunk.length
  })
  await pipeline(content, hash).catch((error: Error) => {
    throw new Problem('not_found', `Cannot read ${join(place, path)}: ${error.message}`, { cause: error })
  })
  return { path: path.split(sep).join('/'), sha256: hash.digest('hex'), bytes }
}

interface Found {
  readonly place: string
  readonly paths: readonly string[]
}

async function filesOf(folder: string, name: string, source: string): Promise<Found> {
  const whole = resolve(folder, source)
  const found = await stat(whole).catch(() => undefined)
  if (found?.isFile()) {
    const place = resolve(whole, '..')
    return { place, paths: [relative(place, whole)] }
  }
  const isPattern = found === undefined && /[*?[{]/.test(source)
  const place = isPattern ? resolve(folder, fixedPart(source)) : whole
  const paths = isPattern ? await matching(folder, source, place) : found === undefined ? [] : await below(place)
  if (paths.length === 0) {
    const why = isPattern ? 'nothing matches' : found === undefined ? 'it is not there' : 'there are no files in it'
    const field = `data.${name}`
    throw new Problem('not_found', `Cannot take ${field}: ${whole}, ${why}`, { fields: [{ field, problem: why }] })
  }
  if (paths.length > FILES_MAX)
    throw new Problem('too_large', `Cannot take data.${name}: it has more than ${FILES_MAX} files`)
  return { place, paths: [...paths].sort() }
}

/** The folders before the first part of a pattern that has anything special in it. */
function fixedPart(pattern: string): string {
  const parts = pattern.split('/')
  const first = parts.findIndex(part => /[*?[{]/.test(part))
  return parts.slice(0, first).join('/') || (pattern.startsWith('/') ? '/' : '.')
}

async function matching(folder: string, pattern: string, place: string): Promise<string[]> {
  const paths: string[] = []
  for await (const path of glob(pattern, { cwd: folder })) {
    const whole = resolve(folder, path)
    if ((await stat(whole)).isFile()) paths.push(relative(place, whole))
    if (paths.length > FILES_MAX) break
  }
  return paths
}

/** Files below a folder. What a link leads to is read as if it lay there, but folders behind links are not entered. */
async function below(place: string): Promise<string[]> {
  const paths: string[] = []
  for (const entry of await readdir(place, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() || (entry.isSymbolicLink() && (await stat(path)).isFile())) paths.push(relative(place, path))
  }
  return paths
}

/** What is not as it was when the snapshot was made: a sentence for each name of data. */
export async function changedData(folder: string, before: readonly DataSnapshot[]): Promise<readonly string[]> {
  const changes: string[] = []
  for (const { name, source, sha256, files } of before) {
    const now = await snapshotData(folder, name, source).catch((error: Error) => error)
    if (now instanceof Error) changes.push(`data.${name} cannot be read any more: ${now.message}`)
    else if (now.sha256 !== sha256) changes.push(`data.${name} has changed: ${firstDifference(files, now.files)}`)
  }
  return changes
}

/** The first file that two snapshots do not have in common. */
export function firstDifference(before: readonly FileSnapshot[], now: readonly FileSnapshot[]): string {
  const known = new Map(before.map(file => [file.path, file.sha256]))
  const other = now.find(file => known.get(file.path) !== file.sha256)
  if (other !== undefined) return known.has(other.path) ? `${other.path} has other bytes` : `${other.path} is new`
  const left = new Set(now.map(file => file.path))
  return `${before.find(file => !left.has(file.path))?.path ?? 'a file'} is gone`
}
