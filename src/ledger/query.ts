/**
 * Looks for records over sealed segments and journal files. Runs in the engine process.
 *
 * The order is that of the log. Segments are looked through from one end, few files first and then more at once, until
 * there are enough records; so a page of the newest reads the newest files only.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Catalogue } from './catalogue.ts'
import { type Duck, eachChunk } from './duck.ts'
import { matchesText, mayHold, needles, type RecordFilter, sqlCondition } from './filter.ts'
import { type JournalFile, readJournalFile } from './journal-files.ts'
import { parquetSource, readParquet } from './parquet.ts'
import { type Column, POSITION } from './schema.ts'
import type { SealedFile } from './segments.ts'
import { readFragments, readNumbers } from './vectors.ts'
import { sqlOf } from './where.ts'

/** The ledger at one moment: what is in these segments and files, no record twice, none left out. */
export interface Snapshot {
  /** Number of segments. */
  readonly segments: number
  /** Journal files that are in none of them, oldest first, with the records counted at that moment. */
  readonly journal: readonly JournalFile[]
}

export interface Search {
  readonly snapshot: Snapshot
  readonly filter: RecordFilter
  readonly order: 'oldest' | 'newest'
  readonly limit: number
  /** Position of the last record of the page before. */
  readonly after?: number | undefined
  /** Say how it was done. */
  readonly explain?: boolean | undefined
}

export interface Found {
  readonly position: number
  /** The canonical text. */
  readonly text: string
}

/** How a search was done. */
export interface SearchPlan {
  /** Parquet files in the snapshot, and those that their manifests did not exclude. */
  readonly filesInLedger: number
  readonly filesConsidered: number
  /** What was opened, in order: the search ends when it has enough. */
  readonly filesRead: readonly string[]
  readonly journalFilesRead: readonly string[]
  /** What the engine ran, and how: DuckDB's EXPLAIN ANALYZE. */
  readonly queries: readonly { readonly sql: string; readonly plan: string }[]
}

export interface SearchResult {
  readonly found: readonly Found[]
  readonly plan?: SearchPlan
}

interface Candidate extends SealedFile {
  readonly segment: number
  readonly columns: readonly Column[]
}

interface Walk {
  readonly duck: Duck
  readonly folder: string
  readonly search: Search
  readonly found: Found[]
  readonly filesRead: string[]
  readonly journalFilesRead: string[]
  readonly queries: { sql: string; plan: string }[]
}

/** So many files are searched with one statement at most. */
const FILES_AT_ONCE_MAX = 256

export async function searchRecords(duck: Duck, catalogue: Catalogue, search: Search): Promise<SearchResult> {
  const { snapshot, filter, order, after } = search
  const manifests = await catalogue.first(snapshot.segments)
  const all = manifests.flatMap(({ segment, files, schemas }) =>
    files.map(file => ({ ...file, segment, columns: schemas[file.schema]! })),
  )
  const beyond = (file: Candidate): boolean =>
    after === undefined || (order === 'newest' ? file.positionMin < after : file.positionMax > after)
  const candidates = all.filter(file => mayHold(file, filter) && beyond(file) && valuesSql(file, filter) !== undefined)
  const journal = [...snapshot.journal]
  if (order === 'newest') {
    candidates.reverse()
    journal.reverse()
  }
  const walk: Walk = {
    duck,
    folder: catalogue.folder,
    search,
    found: [],
    filesRead: [],
    journalFilesRead: [],
    queries: [],
  }
  if (order === 'newest') await searchJournal(walk, journal)
  await searchSegments(walk, candidates)
  if (order === 'oldest') await searchJournal(walk, journal)
  if (search.explain !== true) return { found: walk.found }
  const { filesRead, journalFilesRead, queries } = walk
  const counts = { filesInLedger: all.length, filesConsidered: candidates.length }
  return { found: walk.found, plan: { ...counts, filesRead, journalFilesRead, queries } }
}

async function searchJournal(walk: Walk, files: readonly JournalFile[]): Promise<void> {
  const { search, found } = walk
  const wanted = needles(search.filter).map(needle => Buffer.from(needle))
  for (const file of files) {
    if (found.length >= search.limit) return
    const end = file.first + file.count
    if (
      search.after !== undefined &&
      (search.order === 'newest' ? file.first >= search.after : end <= search.after + 1)
    ) {
      continue
    }
    walk.journalFilesRead.push(file.path)
    await searchJournalFile(walk, file, wanted)
  }
}

async function searchJournalFile({ search, found }: Walk, file: JournalFile, wanted: readonly Buffer[]): Promise<void> {
  const { filter, order, limit, after } = search
  const batches: { readonly first: number; readonly lines: readonly Buffer[] }[] = []
  let position = file.first
  for (const lines of readJournalFile(file)) {
    batches.push({ first: position, lines })
    position += lines.length
    await nextTurn()
  }
  if (order === 'newest') batches.reverse()
  for (const { first, lines } of batches) {
    for (let step = 0; step < lines.length; step++) {
      const index = order === 'newest' ? lines.length - 1 - step : step
      if (after !== undefined && (order === 'newest' ? first + index >= after : first + index <= after)) continue
      const line = lines[index]!
      if (!wanted.every(needle => line.includes(needle))) continue
      const text = line.toString()
      if (!matchesText(text, filter)) continue
      found.push({ position: first + index, text })
      if (found.length === limit) return
    }
    await nextTurn()
  }
}

async function searchSegments(walk: Walk, candidates: readonly Candidate[]): Promise<void> {
  const { search, found } = walk
  let filesAtOnce = 1
  for (let at = 0; at < candidates.length && found.length < search.limit; ) {
    // Whole segments, because the records of one segment's files lie between each other.
    let end = at + 1
    while (end < candidates.length && (end - at < filesAtOnce || sameSegment(candidates[end]!, candidates[end - 1]!)))
      end++
    await walk.duck.use(connection => searchFiles(walk, connection, candidates.slice(at, end)))
    at = end
    filesAtOnce = Math.min(filesAtOnce * 2, FILES_AT_ONCE_MAX)
  }
}

function sameSegment(a: Candidate, b: Candidate): boolean {
  return a.segment === b.segment
}

/** First which records, from the columns that all files have; then these, from their own columns. */
async function searchFiles(walk: Walk, connection: DuckDBConnection, files: readonly Candidate[]): Promise<void> {
  const { search, found, folder } = walk
  const pathOf = (file: Candidate): string => `${folder}/${file.path}`
  const conditions = [sqlCondition(search.filter), afterCondition(search)].filter(condition => condition !== '')
  const where = whereText([...conditions, valuesOfAll(files, search.filter)])
  const direction = search.order === 'newest' ? 'DESC' : 'ASC'
  const sql =
    `SELECT ${POSITION}, file_index FROM ${parquetSource(files.map(pathOf), search.filter.where !== undefined)}${where} ` +
    `ORDER BY ${POSITION} ${direction} LIMIT ${search.limit - found.length}`
  walk.filesRead.push(...files.map(({ path }) => path))
  if (search.explain === true) walk.queries.push({ sql, plan: await explain(connection, sql) })
  const spans = new Map<number, { min: number; max: number }>()
  await eachChunk(connection, sql, (chunk, rows) => {
    const position = readNumbers(chunk, 0, rows)
    const fileIndex = readFragments(chunk, 1, 'integer', rows)
    for (let row = 0; row < rows; row++) widen(spans, Number(fileIndex(row)), position(row))
    return undefined
  })
  const page: Found[] = []
  for (const [index, { min, max }] of spans) {
    const file = files[index]!
    const own = valuesSql(file, search.filter)!
    const inSpan = conjunction([...conditions, own, `${POSITION} BETWEEN ${min} AND ${max}`])
    await readParquet(connection, { ...file, path: pathOf(file) }, inSpan, async lines => {
      for (let row = 0; row < lines.rows; row++) page.push({ position: lines.position(row), text: lines.text(row) })
      await nextTurn()
      return undefined
    })
  }
  page.sort((a, b) => (search.order === 'newest' ? b.position - a.position : a.position - b.position))
  found.push(...page)
}

function conjunction(conditions: readonly string[]): string {
  return conditions.filter(condition => condition !== '').join(' AND ')
}

function whereText(conditions: readonly string[]): string {
  const all = conjunction(conditions)
  return all === '' ? '' : ` WHERE ${all}`
}

/** The conditions on values, on the columns of one file; undefined where it has not all of them. */
function valuesSql({ columns }: Candidate, { where = [] }: RecordFilter): string | undefined {
  const conditions = where.map(condition => sqlOf(condition, columns))
  return conditions.includes(undefined) ? undefined : conditions.join(' AND ')
}

/** The same on several files, in which a member may have its column under another name. */
function valuesOfAll(files: readonly Candidate[], filter: RecordFilter): string {
  if (filter.where === undefined) return ''
  const byText = Map.groupBy(files.keys(), file => valuesSql(files[file]!, filter)!)
  const [[only = ''] = []] = byText
  if (byText.size === 1) return only
  const parts = [...byText].map(([sql, indexes]) => `(file_index IN (${indexes.join(', ')}) AND ${sql})`)
  return `(${parts.join(' OR ')})`
}

function widen(spans: Map<number, { min: number; max: number }>, key: number, position: number): void {
  const span = spans.get(key)
  if (span === undefined) {
    spans.set(key, { min: position, max: position })
    return
  }
  span.min = Math.min(span.min, position)
  span.max = Math.max(span.max, position)
}

function afterCondition({ order, after }: Search): string {
  if (after === undefined) return ''
  return `${POSITION} ${order === 'newest' ? '<' : '>'} ${after}`
}

async function explain(connection: DuckDBConnection, sql: string): Promise<string> {
  const reader = await connection.runAndReadAll(`EXPLAIN ANALYZE ${sql}`)
  return reader
    .getRows()
    .map(row => String(row[1]))
    .join('\n')
}
