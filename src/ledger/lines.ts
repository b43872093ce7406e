/** The records of a range of the log, in order, as canonical texts. Runs in the engine process. */
import { Problem } from '../errors.ts'
import type { Catalogue } from './catalogue.ts'
import type { Duck } from './duck.ts'
import { readJournalFile } from './journal-files.ts'
import { readParquet } from './parquet.ts'
import type { Snapshot } from './query.ts'
import { POSITION } from './schema.ts'
import type { Manifest } from './segments.ts'

/** The records from `from` up to, not including, `to`. */
export interface Range {
  readonly snapshot: Snapshot
  readonly from: number
  readonly to: number
}

/** Takes a batch; resolves when there is room for the next, to false where no more is wanted. */
export type Emit<T> = (batch: T) => Promise<boolean>

const BATCH_LINES = 1024

export async function readLines(duck: Duck, catalogue: Catalogue, range: Range, emit: Emit<string[]>): Promise<void> {
  const { snapshot, from, to } = range
  for (const manifest of await catalogue.first(snapshot.segments)) {
    const start = Math.max(from, manifest.first)
    const end = Math.min(to, manifest.first + manifest.count)
    if (start >= end) continue
    const lines = await segmentLines(duck, catalogue.folder, manifest, start, end)
    for (let at = 0; at < lines.length; at += BATCH_LINES) {
      if (!(await emit(lines.slice(at, at + BATCH_LINES)))) return
    }
  }
  for (const file of snapshot.journal) {
    let position = file.first
    if (position >= to || position + file.count <= from) continue
    for (const records of readJournalFile(file)) {
      const wanted = records.slice(Math.max(0, from - position), Math.max(0, to - position))
      position += records.length
      for (let at = 0; at < wanted.length; at += BATCH_LINES) {
        if (!(await emit(wanted.slice(at, at + BATCH_LINES).map(String)))) return
      }
    }
  }
}

/** Files of a segment hold records from between each other's: the segment is put together as a whole. */
async function segmentLines(
  duck: Duck,
  folder: string,
  manifest: Manifest,
  from: number,
  to: number,
): Promise<string[]> {
  const lines = new Array<string | undefined>(to - from).fill(undefined)
  for (const file of manifest.files) {
    if (file.positionMax < from || file.positionMin >= to) continue
    const record = { ...file, path: `${folder}/${file.path}`, columns: manifest.schemas[file.schema]! }
    const where = `${POSITION} >= ${from} AND ${POSITION} < ${to}`
    await duck.use(connection =>
      readParquet(connection, record, where, part => {
        for (let row = 0; row < part.rows; row++) lines[part.position(row) - from] = part.text(row)
        return undefined
      }),
    )
  }
  const missing = lines.indexOf(undefined)
  if (missing === -1) return lines as string[]
  const segment = `segment ${manifest.segment} of ${folder}`
  throw new Problem('corrupt', `Cannot read the ledger: record ${from + missing} is missing in ${segment}`)
}
