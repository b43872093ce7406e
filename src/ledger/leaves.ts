/**
 * The hashes of records, computed again from what is stored, and whether it is stored as it should be. Verification is made
 * of these; it runs in engine processes.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import { Problem } from '../errors.ts'
import { isLayoutOf, isRowOf } from './columns.ts'
import type { Duck } from './duck.ts'
import type { SignedHead } from './evidence.ts'
import { recordOf } from './journal-line.ts'
import { HASH_BYTES, leafHash } from './merkle.ts'
import { parquetSource, readParquet } from './parquet.ts'
import { type Column, POSITION, REST, SQL_TYPES, utcDate } from './schema.ts'
import { type Manifest, partitionPath, readManifest, type SealedFile } from './segments.ts'
import { literal } from './sql-text.ts'

const LINE_FEED = 0x0a

/** Something that is not as it was written, in a sentence's second half: "a.parquet was changed". */
export interface Fault {
  readonly what: string
  /** Of the records it is about, where that is known. */
  readonly position?: number
}

export interface Leaves {
  readonly first: number
  readonly count: number
  /** `count` hashes; zeros where a record is missing. */
  readonly hashes: Uint8Array
  readonly faults: readonly Fault[]
  /** Bytes on disk. */
  readonly bytes: number
}

export interface SegmentLeaves extends Leaves {
  readonly segment: number
  readonly head: SignedHead
}

/** So many faults of one file are told one by one. */
const FAULTS_MAX = 20

export async function segmentLeaves(duck: Duck, folder: string, segment: number): Promise<SegmentLeaves> {
  const manifest = await readManifest(folder, segment)
  const { first, count } = manifest
  const hashes = Buffer.alloc(count * HASH_BYTES)
  const times = new Uint8Array(count)
  const faults: Fault[] = []
  const tell = (what: string, position?: number): void => {
    if (faults.length < FAULTS_MAX) faults.push(position === undefined ? { what } : { what, position })
  }
  let bytes = 0
  for (const file of manifest.files) {
    const path = `${folder}/${file.path}`
    try {
      const found = await measure(path)
      bytes += found.bytes
      if (found.sha256 !== file.sha256) tell(`${file.path} is not the file that was sealed (its SHA-256 differs)`)
      await duck.use(connection => readFileLeaves(connection, manifest, file, path, hashes, times, tell))
    } catch (error) {
      tell(`${file.path} cannot be read: ${error instanceof Error ? firstLine(error.message) : String(error)}`)
    }
  }
  for (const [index, seen] of times.entries()) {
    if (seen === 1) continue
    tell(
      seen === 0 ? `record ${first + index} is missing` : `record ${first + index} is there ${seen} times`,
      first + index,
    )
    if (faults.length === FAULTS_MAX) break
  }
  return { segment, head: manifest.head, first, count, hashes, faults, bytes }
}

type Tell = (what: string, position?: number) => void

async function readFileLeaves(
  connection: DuckDBConnection,
  manifest: Manifest,
  file: SealedFile,
  path: string,
  hashes: Buffer,
  times: Uint8Array,
  tell: Tell,
): Promise<void> {
  const columns = manifest.schemas[file.schema]!
  await checkLayout(connection, manifest, file, path, tell)
  const restAt = columns.findIndex(({ name }) => name === REST)
  let rows = 0
  await readParquet(connection, { ...file, path, columns }, '', async lines => {
    const rest = lines.cells[restAt]
    for (let row = 0; row < lines.rows; row++) {
      const position = lines.position(row)
      const index = position - manifest.first
      if (!(index >= 0 && index < manifest.count)) {
        tell(`${file.path} holds a record ${position} that is not of its segment`, position)
        continue
      }
      const text = lines.text(row)
      times[index]!++
      hashes.set(leafHash(text), index * HASH_BYTES)
      if (rest !== undefined && rest(row) !== '' && !isRowOf(file.kind, columns, lines.cells, row, text)) {
        tell(`${file.path}: the columns of record ${position} do not say what the record says`, position)
      }
    }
    rows += lines.rows
    await nextTurn()
    return undefined
  })
  if (rows !== file.rows) tell(`${file.path} has ${rows} records, its manifest says ${file.rows}`)
}

/** Names, types and ranges: by them files are found and read by others, so they must be true as well. */
async function checkLayout(
  connection: DuckDBConnection,
  manifest: Manifest,
  file: SealedFile,
  path: string,
  tell: Tell,
): Promise<void> {
  const columns = manifest.schemas[file.schema]!
  const source = parquetSource([path])
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${source}`)
  const found = described.getRows().map(([name, type]) => `${name} ${type}`)
  const wanted = [`${POSITION} BIGINT`, ...columns.map(column => `${column.name} ${readType(column)}`)]
  if (!isLayoutOf(file.kind, columns) || found.join() !== wanted.join()) {
    tell(`${file.path} has other columns than a file of its kind`)
  }
  const stem = partitionPath(manifest.segment, file, new Set()).replace(/\.parquet$/, '')
  if (!file.path.startsWith(stem) || !/^(~\d+)?\.parquet$/.test(file.path.slice(stem.length))) {
    tell(`${file.path} does not lie where its manifest says what it holds`)
  }
  const version =
    file.version === undefined ? `count_if(version <> '')` : `count(*) - count_if(version = ${literal(file.version)})`
  const sql =
    `SELECT min(${POSITION}), max(${POSITION}), epoch_ms(min(recorded_at)), epoch_ms(max(recorded_at)), ` +
    `min(id)::VARCHAR, max(id)::VARCHAR, ${version}, count(*) - count(recorded_at) FROM ${source}`
  const [row = []] = (await connection.runAndReadAll(sql)).getRows()
  const [positionMin, positionMax, atMin, atMax] = row
    .slice(0, 4)
    .map(value => (value === null ? undefined : Number(value)))
  const date = atMin === undefined ? undefined : utcDate(atMin)
  const isTrue =
    file.positionMin === positionMin &&
    file.positionMax === positionMax &&
    file.atMin === atMin &&
    file.atMax === atMax &&
    (file.idMin ?? null) === row[4] &&
    (file.idMax ?? null) === row[5] &&
    Number(row[6]) === 0 &&
    file.date === date &&
    (atMax === undefined || (utcDate(atMax) === date && Number(row[7]) === 0))
  if (!isTrue) tell(`${file.path} does not hold what its manifest says: the ranges differ`)
}

/** DuckDB reads all times of Parquet in microseconds. */
function readType({ type }: Column): string {
  return type === 'time' ? 'TIMESTAMP' : SQL_TYPES[type]
}

async function measure(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const part of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(part as Buffer)
    bytes += (part as Buffer).length
  }
  return { bytes, sha256: hash.digest('hex') }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!
}

/** What a journal file holds up to its last whole line. */
export interface JournalLeaves extends Leaves {
  /** What follows it. */
  readonly damage?: string
}

/** `undefined` where the file is gone: then its records are sealed. */
export async function journalLeaves(path: string, first: number): Promise<JournalLeaves | undefined> {
  const content = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new Problem('failed', `Cannot read the journal: ${path} gave ${error.code}`, { cause: error })
  })
  if (content === undefined) return undefined
  const hashes: Uint8Array[] = []
  const faults: Fault[] = []
  let count = 0 // up to the last whole line: what is damaged after it, a crash explains
  let bytes = 0
  let at = 0
  for (let end = content.indexOf(LINE_FEED); end !== -1; end = content.indexOf(LINE_FEED, at)) {
    const line = content.subarray(at, end)
    const record = recordOf(line)
    hashes.push(leafHash(record ?? line))
    at = end + 1
    if (record === undefined) continue
    for (let lost = count; lost < hashes.length - 1 && faults.length < FAULTS_MAX; lost++) {
      const position = first + lost
      faults.push({ what: `${path}: the checksum of record ${position} does not fit`, position })
    }
    count = hashes.length
    bytes = at
    if (count % 4096 === 0) await nextTurn()
  }
  const whole = Buffer.concat(hashes.slice(0, count))
  const damaged = content.length - bytes
  return { first, count, hashes: whole, faults, bytes, ...(damaged > 0 && { damage: `${damaged} damaged bytes` }) }
}
