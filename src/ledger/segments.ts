/**
 * Sealed segments: which Parquet files hold which records. A segment's manifest (`segments/<number>.json`) is the commit
 * point of its seal: files that no manifest names are no part of the ledger.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '../errors.ts'
import type { SignedHead } from './evidence.ts'
import type { Column } from './schema.ts'

/** What a Parquet file of a segment holds. */
export interface SealedFile {
  /** Relative to the ledger's folder, with slashes. */
  readonly path: string
  readonly kind?: string
  readonly model?: string
  readonly version?: string
  /** UTC date of all its records; absent where they have no time. */
  readonly date?: string
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
  readonly positionMin: number
  readonly positionMax: number
  /** Of the records that have one, like all ranges here; absent where none has. */
  readonly atMin?: number
  readonly atMax?: number
  readonly idMin?: string
  readonly idMax?: string
  /** Index in `schemas`. */
  readonly schema: number
}

export interface SegmentContent {
  /** Index of the first record in the log. */
  readonly first: number
  readonly count: number
  readonly files: readonly SealedFile[]
  /** Columns of the files, all but `position`; here each member has its exact name. */
  readonly schemas: readonly (readonly Column[])[]
}

export interface Manifest extends SegmentContent {
  readonly format: typeof MANIFEST_FORMAT
  readonly segment: number
  /** The tree's head right after the segment's last record. */
  readonly head: SignedHead
}

export const MANIFEST_FORMAT = 'bellwether-segment/1'
export const SEGMENTS_FOLDER = 'segments'
/** Where files of a seal wait until all of them are written. */
export const SEALING_FOLDER = 'sealing'

const MANIFEST_NAME = /^(\d{8})\.json$/

function eightDigits(segment: number): string {
  return String(segment).padStart(8, '0')
}

export function manifestPath(folder: string, segment: number): string {
  return join(folder, SEGMENTS_FOLDER, `${eightDigits(segment)}.json`)
}

/** Numbers of the segments that have a manifest, in order. */
export async function listSegments(folder: string): Promise<number[]> {
  const names = await readdir(join(folder, SEGMENTS_FOLDER)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const numbers = names.flatMap(name => MANIFEST_NAME.exec(name)?.[1] ?? []).map(Number)
  return numbers.sort((a, b) => a - b)
}

/** Number of segments before the first that has no manifest. */
export function unbroken(segments: readonly number[]): number {
  const missing = segments.findIndex((number, index) => number !== index)
  return missing === -1 ? segments.length : missing
}

/** Number of sealed segments. Throws `corrupt` where a manifest is missing between others. */
export async function countSegments(folder: string): Promise<number> {
  const segments = await listSegments(folder)
  const count = unbroken(segments)
  if (count === segments.length) return count
  throw new Problem('corrupt', `Cannot read the ledger: ${missingText(folder, segments)}`)
}

export function missingText(folder: string, segments: readonly number[]): string {
  return `${manifestPath(folder, unbroken(segments))} is missing, there are manifests up to ${segments.at(-1)}`
}

export async function readManifest(folder: string, segment: number): Promise<Manifest> {
  const path = manifestPath(folder, segment)
  try {
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest
    if (manifest.format === MANIFEST_FORMAT && manifest.segment === segment && isSound(manifest)) return manifest
  } catch (error) {
    throw new Problem('corrupt', `Cannot read the ledger: ${path} could not be read as JSON`, { cause: error })
  }
  throw new Problem(
    'corrupt',
    `Cannot read the ledger: ${path} is not a manifest of segment ${segment} in a known format`,
  )
}

function isSound({ first, count, files, schemas }: Manifest): boolean {
  return (
    Number.isSafeInteger(first) &&
    Number.isSafeInteger(count) &&
    Array.isArray(files) &&
    Array.isArray(schemas) &&
    files.every(({ path, schema }) => typeof path === 'string' && isInside(path) && Array.isArray(schemas[schema]))
  )
}

/** A manifest that was tampered with must not make us read elsewhere. */
function isInside(path: string): boolean {
  return path.startsWith('kind=') && !path.split('/').includes('..')
}

/** What Hive, and engines after it, call the partition of rows without a value. */
const NO_VALUE = '__HIVE_DEFAULT_PARTITION__'
const COMPONENT_LENGTH_MAX = 120

export interface Partition {
  readonly kind?: string | undefined
  readonly model?: string | undefined
  readonly version?: string | undefined
  readonly date?: string | undefined
}

/**
 * Where the file of a partition lies. Names are percent-encoded but for letters, digits and `._-`; what would be too long
 * for a file system is shortened and told apart by a hash. Paths in `taken`, compared without case, are not used again.
 */
export function partitionPath(segment: number, partition: Partition, taken: Set<string>): string {
  const { kind, model, version, date } = partition
  const folder = `kind=${component(kind)}/model=${component(model)}/date=${component(date)}`
  const name = eightDigits(segment) + (version === undefined ? '' : `-${component(version)}`)
  let path = `${folder}/${name}.parquet`
  for (let number = 2; taken.has(path.toLowerCase()); number++) path = `${folder}/${name}~${number}.parquet`
  taken.add(path.toLowerCase())
  return path
}

function component(value: string | undefined): string {
  if (value === undefined || value === '') return NO_VALUE
  const encoded = percentEncoded(value)
  if (encoded.length <= COMPONENT_LENGTH_MAX) return encoded
  const hash = createHash('sha256').update(value).digest('hex').slice(0, 16)
  return `${encoded.slice(0, COMPONENT_LENGTH_MAX - 17).replace(/%[0-9A-F]?$/, '')}~${hash}`
}

function percentEncoded(value: string): string {
  const encoded = encodeURIComponent(value.toWellFormed()).replace(
    /[!'()*~]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return encoded.replace(/^\./, '%2E').replace(/^__/, '%5F_') // neither hidden, nor `..`, nor what means no value
}
