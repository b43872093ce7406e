/** The engine's half of a seal: from a finished journal file to Parquet files that were read back and compared. */
import { createHash } from 'node:crypto'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Problem } from '../errors.ts'
import { isPartition, parseRecord, TableBuilder } from './columns.ts'
import type { Duck } from './duck.ts'
import { type JournalFile, readJournalFile } from './journal-files.ts'
import { leafHash } from './merkle.ts'
import { readParquet, writeParquet } from './parquet.ts'
import { type Column, fits, utcDate } from './schema.ts'
import { type Partition, partitionPath, type SealedFile, type SegmentContent } from './segments.ts'

export interface SegmentRequest {
  readonly journal: JournalFile
  readonly segment: number
  /** Folder for the files, which are named `0.parquet`, `1.parquet`… in the order of `files`. */
  readonly staging: string
}

const HASH_BYTES = 32

type Members = Readonly<Record<string, unknown>>

/**
 * Writes the Parquet files of a segment, flushed to the device, and makes sure that each record's canonical bytes come
 * back from them: by the hash of its leaf. A record that columns cannot give back (not canonical, or of a form that nobody
 * thought of) is stored with its whole text. Throws `corrupt` where even that does not come back.
 */
export async function buildSegment(duck: Duck, request: SegmentRequest): Promise<SegmentContent> {
  const first = await tryToBuild(duck, request, new Set())
  if (first.differing.size === 0) return first.content
  const second = await tryToBuild(duck, request, first.differing)
  if (second.differing.size === 0) return second.content
  const [position] = second.differing
  throw new Problem(
    'corrupt',
    `Cannot seal ${request.journal.path}: record ${position} came back from Parquet with other bytes than it had`,
  )
}

interface Attempt {
  readonly content: SegmentContent
  /** Positions of records that came back differently, or not at all. */
  readonly differing: ReadonlySet<number>
}

async function tryToBuild(duck: Duck, request: SegmentRequest, whole: ReadonlySet<number>): Promise<Attempt> {
  const { journal, staging, segment } = request
  await mkdir(staging, { recursive: true, mode: 0o700 })
  const leaves = Buffer.alloc(journal.count * HASH_BYTES)
  const groups = await group(journal, leaves, whole)
  const taken = new Set<string>()
  const schemas = new Map<string, { readonly index: number; readonly columns: readonly Column[] }>()
  const files: SealedFile[] = []
  const proven = new Uint8Array(journal.count)
  for (const { partition, builder, ranges } of groups) {
    const table = builder.finish()
    const staged = join(staging, `${files.length}.parquet`)
    const columns = table.columns.slice(1).map(({ name, type, path }) => ({ name, type, path }))
    const key = JSON.stringify(columns)
    const schema = schemas.get(key) ?? { index: schemas.size, columns }
    schemas.set(key, schema)
    await duck.use(async connection => {
      await writeParquet(connection, table, staged)
      await readParquet(connection, { path: staged, ...partition, columns }, '', async lines => {
        for (let row = 0; row < lines.rows; row++) {
          const index = lines.position(row) - journal.first
          const leaf = leaves.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)
          if (leaf.equals(leafHash(lines.text(row)))) proven[index]!++
        }
        await nextTurn()
        return undefined
      })
    })
    const path = partitionPath(segment, partition, taken)
    files.push({ path, ...partition, rows: table.rows, ...(await settle(staged)), ...ranges, schema: schema.index })
  }
  const differing = new Set<number>()
  for (const [index, times] of proven.entries()) if (times !== 1) differing.add(journal.first + index)
  const content = { first: journal.first, count: journal.count, files }
  return { content: { ...content, schemas: [...schemas.values()].map(({ columns }) => columns) }, differing }
}

interface Ranges {
  readonly positionMin: number
  positionMax: number
  atMin?: number
  atMax?: number
  idMin?: string
  idMax?: string
}

interface Group {
  readonly partition: Partition & Pick<SealedFile, 'kind' | 'model' | 'version' | 'date'>
  readonly builder: TableBuilder
  readonly ranges: Ranges
}

/** Goes through the journal once: records into the tables of their partitions, hashes of their bytes into `leaves`. */
async function group(journal: JournalFile, leaves: Buffer, whole: ReadonlySet<number>): Promise<Group[]> {
  const groups = new Map<string, Group>()
  let position = journal.first
  for (const records of readJournalFile(journal)) {
    for (const bytes of records) {
      leaves.set(leafHash(bytes), (position - journal.first) * HASH_BYTES)
      const line = bytes.toString()
      const record = parseRecord(line)
      const { builder, ranges } = groupOf(groups, record, position)
      builder.add(position, line, record, whole.has(position))
      widen(ranges, position, record)
      position++
    }
    await nextTurn()
  }
  return [...groups.values()]
}

function groupOf(groups: Map<string, Group>, record: Members = {}, position: number): Group {
  const { kind, model, version, at } = record
  const partition = {
    ...(isPartition(kind) && { kind }),
    ...(isPartition(model) && { model }),
    ...(isPartition(version) && { version }),
    ...(fits('time', at) && { date: utcDate(at as number) }),
  }
  const key = JSON.stringify([partition.kind, partition.model, partition.version, partition.date])
  const known = groups.get(key)
  if (known !== undefined) return known
  const ranges = { positionMin: position, positionMax: position }
  const made = { partition, builder: new TableBuilder(partition.kind), ranges }
  groups.set(key, made)
  return made
}

function widen(ranges: Ranges, position: number, record: Members = {}): void {
  ranges.positionMax = position
  if (fits('time', record['at'])) {
    const at = record['at'] as number
    ranges.atMin = Math.min(ranges.atMin ?? at, at)
    ranges.atMax = Math.max(ranges.atMax ?? at, at)
  }
  if (fits('uuid', record['id'])) {
    const id = record['id'] as string
    if (ranges.idMin === undefined || id < ranges.idMin) ranges.idMin = id
    if (ranges.idMax === undefined || id > ranges.idMax) ranges.idMax = id
  }
}

/** Flushes a file to the device and takes its measure. */
async function settle(path: string): Promise<{ bytes: number; sha256: string }> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
    const hash = createHash('sha256')
    let bytes = 0
    for await (const part of file.createReadStream({ autoClose: false, start: 0 })) {
      hash.update(part as Buffer)
      bytes += (part as Buffer).length
    }
    return { bytes, sha256: hash.digest('hex') }
  } finally {
    await file.close()
  }
}
