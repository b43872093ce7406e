/**
 * Finds many predictions at once, by id or as the newest of their subjects, and what is known of their outcomes. Runs in the
 * engine process.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Catalogue } from './catalogue.ts'
import { type Duck, eachChunk } from './duck.ts'
import type { IndexedFile, IndexedPrediction, JournalIndex } from './journal-index.ts'
import type { KnownOutcome, KnownPrediction, LookupAnswer, LookupQuestion, SubjectUntil } from './lookup-question.ts'
import { parquetSource } from './parquet.ts'
import type { Money } from './record.ts'
import { type ColumnType, fits } from './schema.ts'
import type { SealedFile } from './segments.ts'
import { literal } from './sql-text.ts'
import { readFragments } from './vectors.ts'

/** So many files are read with one statement at most. */
const FILES_AT_ONCE_MAX = 256

/** A prediction and where it stands in the log, by which the newest is chosen. */
interface Placed extends KnownPrediction {
  readonly position: number
}

interface Lookup {
  readonly duck: Duck
  readonly folder: string
  readonly files: readonly SealedFile[]
  readonly subjects: readonly SubjectUntil[]
  readonly predictions: Map<string, KnownPrediction>
  readonly ofSubjects: (Placed | undefined)[]
  readonly outcomes: Map<string, KnownOutcome>
}

export async function lookUp(
  duck: Duck,
  catalogue: Catalogue,
  journal: JournalIndex,
  question: LookupQuestion,
): Promise<LookupAnswer> {
  const { snapshot, predictionIds, subjects } = question
  const manifests = await catalogue.first(snapshot.segments)
  const lookup: Lookup = {
    duck,
    folder: catalogue.folder,
    files: manifests.flatMap(({ files }) => files),
    subjects,
    predictions: new Map(),
    ofSubjects: subjects.map(() => undefined),
    outcomes: new Map(),
  }
  const ids = new Set(predictionIds.filter(id => fits('uuid', id)))
  await sealedPredictions(lookup, [...ids].sort())
  await sealedOfSubjects(lookup)
  await sealedOutcomes(lookup, [...ids])
  const unsealed = await journal.read(snapshot.journal)
  for (const file of unsealed) takeUnsealed(lookup, file, ids)
  const more = new Set(lookup.ofSubjects.flatMap(found => (found === undefined || ids.has(found.id) ? [] : [found.id])))
  await sealedOutcomes(lookup, [...more])
  for (const file of unsealed) takeUnsealedOutcomes(lookup, file, more)
  const { predictions, outcomes } = lookup
  return { predictions, ofSubjects: lookup.ofSubjects.map(withoutPosition), outcomes }
}

function withoutPosition(found: Placed | undefined): KnownPrediction | undefined {
  if (found === undefined) return undefined
  const { position: _, ...prediction } = found
  return prediction
}

/** Cells of a row as JSON values, `undefined` for null. */
type Row = readonly unknown[]

async function eachRow(
  connection: DuckDBConnection,
  sql: string,
  types: readonly ColumnType[],
  take: (row: Row) => void,
): Promise<void> {
  await eachChunk(connection, sql, (chunk, rows) => {
    const cells = types.map((type, index) => readFragments(chunk, index, type, rows))
    for (let row = 0; row < rows; row++) {
      take(
        cells.map(cell => {
          const fragment = cell(row)
          return fragment === '' ? undefined : JSON.parse(fragment)
        }),
      )
    }
    return undefined
  })
}

/** Asks some files after others, so that no statement names thousands of them. */
async function inParts(
  { duck, folder }: Lookup,
  files: readonly SealedFile[],
  ask: (connection: DuckDBConnection, source: string, part: readonly SealedFile[]) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < files.length; from += FILES_AT_ONCE_MAX) {
    const part = files.slice(from, from + FILES_AT_ONCE_MAX)
    await duck.use(connection => ask(connection, parquetSource(part.map(({ path }) => `${folder}/${path}`)), part))
  }
}

/** Values as a column: one text to parse, where thousands of expressions would take longer than the search. */
function unnested(values: readonly (string | number)[], type: string): string {
  return `unnest(string_split(${literal(values.join('\n'))}, ${literal('\n')}))::${type}`
}

/** @param ids ascending. */
async function sealedPredictions(lookup: Lookup, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const files = lookup.files.filter(file => file.kind === 'prediction' && mayHoldOne(file, ids))
  await inParts(lookup, files, async (connection, source, part) => {
    const sql =
      `SELECT p.id, epoch_ms(p.recorded_at), p.version, p.subject, p.file_index::BIGINT FROM ${source} AS p ` +
      `JOIN (SELECT ${unnested(ids, 'UUID')} AS id) AS wanted ON p.id = wanted.id`
    await eachRow(connection, sql, ['uuid', 'integer', 'text', 'text', 'integer'], row => {
      const [id, at, version, subject, file] = row as [string, number, string?, string?, number?]
      const { model } = part[file!]!
      if (model === undefined || version === undefined) return
      lookup.predictions.set(id, { id, at, model, version, ...(subject !== undefined && { subject }) })
    })
  })
}

function mayHoldOne({ idMin, idMax }: SealedFile, ids: readonly string[]): boolean {
  if (idMin === undefined || idMax === undefined) return false
  let [low, high] = [0, ids.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ids[middle]! < idMin) low = middle + 1
    else high = middle
  }
  return low < ids.length && ids[low]! <= idMax
}

async function sealedOfSubjects(lookup: Lookup): Promise<void> {
  const wanted = lookup.subjects.map((asked, place) => ({ ...asked, place }))
  for (const [model, asked] of Map.groupBy(wanted, ({ model }) => model)) {
    const latest = asked.reduce((until, one) => Math.max(until, one.until), 0)
    const files = lookup.files.filter(
      file => file.kind === 'prediction' && file.model === model && (file.atMin ?? 0) <= latest,
    )
    const columns = [
      `${unnested(
        asked.map(({ subject }) => subject),
        'VARCHAR',
      )} AS subject`,
      `${unnested(
        asked.map(({ until }) => Math.floor(until)),
        'BIGINT',
      )} AS until`,
      `${unnested(
        asked.map(({ place }) => place),
        'BIGINT',
      )} AS place`,
    ]
    await inParts(lookup, files, async (connection, source) => {
      const sql =
        `SELECT wanted.place, p.id, epoch_ms(p.recorded_at), p.version, p.subject, p.position FROM ${source} AS p ` +
        `JOIN (SELECT ${columns.join(', ')}) AS wanted ` +
        'ON p.subject = wanted.subject AND epoch_ms(p.recorded_at) <= wanted.until ' +
        'QUALIFY row_number() OVER (PARTITION BY wanted.place ORDER BY p.recorded_at DESC, p.position DESC) = 1'
      await eachRow(connection, sql, ['integer', 'uuid', 'integer', 'text', 'text', 'integer'], row => {
        const [place, id, at, version, subject, position] = row as [number, string, number, string?, string?, number?]
        if (version !== undefined)
          takeNewer(lookup, place, { id, at, model, version, subject: subject!, position: position! })
      })
    })
  }
}

function takeNewer({ ofSubjects }: Lookup, place: number, found: Placed): void {
  const before = ofSubjects[place]
  if (before === undefined || found.at > before.at || (found.at === before.at && found.position > before.position)) {
    ofSubjects[place] = found
  }
}

async function sealedOutcomes(lookup: Lookup, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const files = lookup.files.filter(({ kind }) => kind === 'outcome')
  await inParts(lookup, files, async (connection, source) => {
    const sql =
      'SELECT o.prediction_id, o.id, o.value_number, o.value_boolean, o.value_text, epoch_ms(o.happened_at), o.amount, ' +
      `o.currency FROM ${source} AS o JOIN (SELECT ${unnested(ids, 'UUID')} AS id) AS wanted ON o.prediction_id = wanted.id ` +
      'QUALIFY row_number() OVER (PARTITION BY o.prediction_id ORDER BY o.position DESC) = 1'
    await eachRow(
      connection,
      sql,
      ['uuid', 'uuid', 'number', 'boolean', 'text', 'integer', 'number', 'text'],
      ([predictionId, id, number, boolean, text, happenedAt, amount, currency]) => {
        const money = amount === undefined ? undefined : { amount, currency }
        const members = { id, value: number ?? boolean ?? text, happenedAt, amount: money }
        takeOutcome(lookup, predictionId as string, members)
      },
    )
  })
}

/** Later calls win: they are made in the order of the log. */
function takeOutcome({ outcomes }: Lookup, predictionId: string, record: Readonly<Record<string, unknown>>): void {
  const { id, value, happenedAt, amount } = record
  if (typeof value !== 'number' && typeof value !== 'boolean' && typeof value !== 'string') return
  outcomes.set(predictionId, {
    id: id as string,
    value,
    ...(happenedAt !== undefined && { happenedAt: happenedAt as number }),
    ...(amount !== undefined && { amount: amount as Money }),
  })
}

function takeUnsealed(lookup: Lookup, file: IndexedFile, ids: ReadonlySet<string>): void {
  for (const id of ids) {
    const found = file.byId.get(id)
    if (found !== undefined) lookup.predictions.set(id, predictionOf(found))
  }
  for (const [place, { subject, model, until }] of lookup.subjects.entries()) {
    const found = file.bySubject.get(subject)?.findLast(one => one.model === model && one.at <= until)
    if (found !== undefined) takeNewer(lookup, place, { ...predictionOf(found), position: found.position })
  }
  takeUnsealedOutcomes(lookup, file, ids)
}

function takeUnsealedOutcomes(lookup: Lookup, { newest }: IndexedFile, ids: ReadonlySet<string>): void {
  for (const id of ids) {
    const found = newest.get(id)
    if (found !== undefined) takeOutcome(lookup, id, { ...found })
  }
}

function predictionOf({ id, at, model, version, subject }: IndexedPrediction): KnownPrediction {
  return { id, at, model, version, ...(subject !== undefined && { subject }) }
}
