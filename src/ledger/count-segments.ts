/** Counts the records of one version in sealed segments: a scan of just the columns that are counted. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { parseRecord } from './columns.ts'
import type { CountedColumn, CountsQuestion, CountsTarget } from './count-question.ts'
import { type Duck, eachChunk } from './duck.ts'
import { mayHold, sqlCondition } from './filter.ts'
import { parquetSource, type RecordFile, readParquet } from './parquet.ts'
import { type Column, POSITION, REST } from './schema.ts'
import type { Manifest, SealedFile } from './segments.ts'
import { identifier } from './sql-text.ts'
import type { CountedSlots, Tally } from './tally.ts'
import { readDoubles, readFragments, readNumbers, VECTOR_ROWS } from './vectors.ts'

export interface SegmentsCount {
  readonly duck: Duck
  /** The ledger's. */
  readonly folder: string
  readonly question: CountsQuestion
  readonly target: CountsTarget
  readonly tally: Tally
}

interface CountedFile extends SealedFile {
  readonly columns: readonly Column[]
}

/** Files that have the same columns where it matters, to be read by one statement. */
interface Batch {
  readonly files: readonly CountedFile[]
  readonly where: string
}

/** So many files are read with one statement: enough to be worth its preparation, few enough to share out among readers. */
const FILES_AT_ONCE = 16

export async function countSegments(count: SegmentsCount, manifests: readonly Manifest[]): Promise<void> {
  const { duck, question, target } = count
  const files = manifests.flatMap(({ files, schemas }) =>
    files
      .filter(file => file.positionMin < question.before && isOf(file, target, question))
      .map(file => ({ ...file, columns: schemas[file.schema]! })),
  )
  const ofKind = (kind: string): CountedFile[] => files.filter(file => file.kind === kind)
  const tasks = [
    ...batches(ofKind('prediction'), target, question).map(
      batch => (connection: DuckDBConnection) => countPredictions(count, batch, connection),
    ),
    ...batches(ofKind('refusal'), target, question).map(
      batch => (connection: DuckDBConnection) => countRefusals(count, batch, connection),
    ),
  ]
  const worker = (connection: DuckDBConnection) => async (): Promise<void> => {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) await task(connection)
  }
  await Promise.all(Array.from({ length: duck.threads }, () => duck.use(connection => worker(connection)())))
}

function isOf(file: SealedFile, { model, version }: CountsTarget, { since, until }: CountsQuestion): boolean {
  if (file.kind !== 'prediction' && file.kind !== 'refusal') return false
  if (version === '' && file.version !== undefined) return false
  return mayHold(file, { model, version: version === '' ? undefined : version, since, until })
}

function batches(files: readonly CountedFile[], target: CountsTarget, question: CountsQuestion): Batch[] {
  const { before, since, until } = question
  const found: Batch[] = []
  const keyOf = (file: CountedFile): string => JSON.stringify(target.columns.map(column => cellsOf(file, column)))
  for (const alike of Map.groupBy(files, keyOf).values()) {
    for (let from = 0; from < alike.length; from += FILES_AT_ONCE) {
      const some = alike.slice(from, from + FILES_AT_ONCE)
      const isWhole = some.every(
        ({ atMin, atMax, positionMax }) => atMin! >= since && atMax! < until && positionMax < before,
      )
      const within = `${POSITION} < ${Math.min(before, Number.MAX_SAFE_INTEGER)}`
      found.push({ files: some, where: isWhole ? '' : ` AND ${within} AND ${sqlCondition({ since, until })}` })
    }
  }
  return found
}

/** The columns of a file that hold a member, one for each type it came in. */
function cellsOf({ columns }: CountedFile, { path: [member, name] }: CountedColumn): readonly Column[] {
  return columns.filter(({ path }) => path[0] === member && path[1] === name)
}

function sourceOf({ folder }: SegmentsCount, { files }: Batch): string {
  return parquetSource(files.map(({ path }) => `${folder}/${path}`))
}

async function countPredictions(count: SegmentsCount, batch: Batch, connection: DuckDBConnection): Promise<void> {
  await countNumbers(count, batch, connection)
  for (const slots of count.tally.columns) {
    if (slots.bins === undefined) await countCategories(count, batch, slots, connection)
  }
  await countRest(count, batch, connection)
}

/** Rows, calls, latencies and all columns of numbers in one scan. */
async function countNumbers(count: SegmentsCount, batch: Batch, connection: DuckDBConnection): Promise<void> {
  const { tally, question } = count
  const [file] = batch.files
  const numeric = tally.columns.filter(({ bins }) => bins !== undefined)
  const sources = numeric.map(({ column }) => numberExpression(cellsOf(file!, column)))
  const stored = sources.filter(source => source !== undefined)
  const selected = [windowExpression(question), `(batch_row IS NULL)::DOUBLE`, 'latency_ms', ...stored]
  const sql = `SELECT ${selected.join(', ')} FROM ${sourceOf(count, batch)} WHERE ${REST} IS NULL${batch.where}`
  const places = new Uint32Array(VECTOR_ROWS)
  await eachChunk(connection, sql, (chunk, rows) => {
    const window = readNumbers(chunk, 0, rows)
    for (let row = 0; row < rows; row++) places[row] = tally.placeOf(window(row))
    tally.addCalls(places, readDoubles(chunk, 1, rows), readDoubles(chunk, 2, rows), rows)
    let index = 3
    for (const [at, slots] of numeric.entries()) {
      if (sources[at] === undefined) tally.addMissing(slots, places, rows)
      else tally.addNumbers(slots, places, readDoubles(chunk, index++, rows), rows)
    }
    return undefined
  })
}

/** A member that came as a number in one record and as a boolean in another has a column for each. */
function numberExpression(cells: readonly Column[]): string | undefined {
  const expressions = cells
    .filter(({ type }) => type === 'number' || type === 'boolean')
    .map(({ name, type }) => (type === 'number' ? identifier(name) : `${identifier(name)}::DOUBLE`))
  return expressions.length > 1 ? `coalesce(${expressions.join(', ')})` : expressions[0]
}

function windowExpression({ windowMs }: CountsQuestion): string {
  return `epoch_ms(recorded_at) // ${windowMs}`
}

async function countCategories(
  count: SegmentsCount,
  batch: Batch,
  slots: CountedSlots,
  connection: DuckDBConnection,
): Promise<void> {
  const { tally, question } = count
  const text = cellsOf(batch.files[0]!, slots.column).find(({ type }) => type === 'text')
  const expression = text === undefined ? 'NULL::VARCHAR' : identifier(text.name)
  const sql =
    `SELECT ${windowExpression(question)}, ${expression}, count(*) FROM ${sourceOf(count, batch)} ` +
    `WHERE ${REST} IS NULL${batch.where} GROUP BY ALL`
  await eachChunk(connection, sql, (chunk, rows) => {
    const window = readNumbers(chunk, 0, rows)
    const quoted = readFragments(chunk, 1, 'text', rows)
    const counted = readNumbers(chunk, 2, rows)
    for (let row = 0; row < rows; row++) {
      const fragment = quoted(row)
      const category = fragment === '' ? undefined : (JSON.parse(fragment) as string)
      tally.addCategory(slots, window(row), category, counted(row))
    }
    return undefined
  })
}

/** The rare records that columns alone do not tell are put together again, and counted like lines of the journal. */
async function countRest(count: SegmentsCount, batch: Batch, connection: DuckDBConnection): Promise<void> {
  const where = `${REST} IS NOT NULL${batch.where}`
  const withRest = new Set<number>()
  const sql = `SELECT DISTINCT file_index FROM ${sourceOf(count, batch)} WHERE ${where}`
  await eachChunk(connection, sql, (chunk, rows) => {
    const index = readFragments(chunk, 0, 'integer', rows)
    for (let row = 0; row < rows; row++) withRest.add(Number(index(row)))
    return undefined
  })
  for (const index of withRest) {
    const file = batch.files[index]!
    const read: RecordFile = { ...file, path: `${count.folder}/${file.path}` }
    await readParquet(connection, read, where, lines => {
      for (let row = 0; row < lines.rows; row++) {
        const record = parseRecord(lines.text(row))
        if (record !== undefined) count.tally.addRecord(record)
      }
      return undefined
    })
  }
}

async function countRefusals(count: SegmentsCount, batch: Batch, connection: DuckDBConnection): Promise<void> {
  const { tally, question } = count
  const sql =
    `SELECT ${windowExpression(question)}, code, sum("count")::BIGINT FROM ${sourceOf(count, batch)} ` +
    `WHERE ${REST} IS NULL AND code IS NOT NULL AND "count" IS NOT NULL${batch.where} GROUP BY ALL`
  await eachChunk(connection, sql, (chunk, rows) => {
    const window = readNumbers(chunk, 0, rows)
    const code = readFragments(chunk, 1, 'text', rows)
    const counted = readNumbers(chunk, 2, rows)
    for (let row = 0; row < rows; row++) tally.addRefusals(window(row), JSON.parse(code(row)), counted(row))
    return undefined
  })
  await countRest(count, batch, connection)
}
