/**
 * Joins predictions of a version with the newest outcome of each, and says how good they were, by window. Runs in the engine
 * process: the pairs, which may be millions, never leave it.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Catalogue } from './catalogue.ts'
import { type Duck, eachChunk } from './duck.ts'
import { mayHold, sqlCondition } from './filter.ts'
import type { IndexedFile, JournalIndex } from './journal-index.ts'
import { GrowingRows, isPair, judgePairs } from './judge-pairs.ts'
import { parquetSource } from './parquet.ts'
import type { JudgedWindow, Judging, QualityQuestion } from './quality-question.ts'
import { type Column, fits } from './schema.ts'
import type { Manifest, SealedFile } from './segments.ts'
import { identifier, literal } from './sql-text.ts'
import { readDoubles, readNumbers } from './vectors.ts'

/** So many files are read with one statement at most. */
const FILES_AT_ONCE_MAX = 256

/** An outcome is told after its prediction was made; but clocks are put back, while the server rests. */
const CLOCK_BACK_MS_MAX = 3_600_000

interface PredictionFile extends SealedFile {
  readonly columns: readonly Column[]
}

/** What the journal has. */
interface Unsealed {
  readonly predictions: { readonly id: string; readonly at: number; readonly answers: readonly number[] }[]
  readonly outcomes: { readonly predictionId: string; readonly position: number; readonly label: number }[]
}

interface Joined {
  readonly predictions: Float64Array
  readonly outcomes: Float64Array
  /** Time, label, answer. */
  readonly pairs: GrowingRows
}

export async function judgeWindows(
  duck: Duck,
  catalogue: Catalogue,
  journal: JournalIndex,
  question: QualityQuestion,
): Promise<JudgedWindow[]> {
  const { snapshot, since, until, stepMs } = question
  const manifests = await catalogue.first(snapshot.segments)
  const unsealed = unsealedOf(question, await journal.read(snapshot.journal))
  const windows = Math.max(0, Math.ceil((until - since) / stepMs))
  const joined: Joined = {
    predictions: new Float64Array(windows),
    outcomes: new Float64Array(windows),
    pairs: new GrowingRows(3),
  }
  await duck.use(async connection => {
    const known = `known_${tables++}`
    await connection.run(knownTable(known, catalogue.folder, question, manifests, unsealed))
    try {
      await joinSealed({ connection, folder: catalogue.folder, known, question, joined }, manifests)
      await joinUnsealed(connection, known, question, unsealed, joined)
    } finally {
      await connection.run(`DROP TABLE ${known}`)
    }
  })
  return judged(question, joined)
}

let tables = 0

/** The newest outcome of each prediction, as a number. */
function knownTable(
  name: string,
  folder: string,
  { model, since, judging }: QualityQuestion,
  manifests: readonly Manifest[],
  { outcomes }: Unsealed,
): string {
  const told = { kind: 'outcome', model, since: since - CLOCK_BACK_MS_MAX }
  const files = manifests.flatMap(({ files }) => files).filter(file => mayHold(file, told))
  const sources = [
    ...(files.length === 0
      ? []
      : [
          `SELECT prediction_id, position, ${labelExpression(judging)} AS label ` +
            `FROM ${parquetSource(files.map(({ path }) => `${folder}/${path}`))} WHERE prediction_id IS NOT NULL`,
        ]),
    'SELECT prediction_id, position, label FROM (SELECT ' +
      `${unnested(outcomes.map(({ predictionId }) => predictionId))}::UUID AS prediction_id, ` +
      `${unnested(outcomes.map(({ position }) => position))}::BIGINT AS position, ` +
      `${unnested(outcomes.map(({ label }) => label))}::DOUBLE AS label)`,
  ]
  const newest = "arg_max(coalesce(label, 'NaN'::DOUBLE), position) AS label"
  return `CREATE TEMP TABLE ${name} AS SELECT prediction_id, ${newest} FROM (${sources.join(' UNION ALL ')}) GROUP BY prediction_id`
}

/** One text to parse, where thousands of expressions would take longer than the search. */
function unnested(values: readonly (string | number)[]): string {
  return values.length === 0
    ? `unnest([]::VARCHAR[])`
    : `unnest(string_split(${literal(values.join('\n'))}, ${literal('\n')}))`
}

function labelExpression(judging: Judging): string {
  if (judging.task !== 'multiclass') return 'coalesce(value_number, value_boolean::DOUBLE)'
  return `nullif(list_position([${judging.outputs.map(literal).join(', ')}], value_text) - 1, -1)::DOUBLE`
}

function labelOf(judging: Judging, value: unknown): number {
  if (judging.task === 'multiclass') {
    const place = judging.outputs.indexOf(String(value))
    return place < 0 ? Number.NaN : place
  }
  return typeof value === 'number' || typeof value === 'boolean' ? Number(value) : Number.NaN
}

function outputsOf(judging: Judging): readonly string[] {
  if (judging.task === 'unjudged') return []
  return judging.task === 'multiclass' ? judging.outputs : [judging.output]
}

interface SealedJoin {
  readonly connection: DuckDBConnection
  readonly folder: string
  readonly known: string
  readonly question: QualityQuestion
  readonly joined: Joined
}

async function joinSealed(join: SealedJoin, manifests: readonly Manifest[]): Promise<void> {
  const { model, version, since, until, judging } = join.question
  const outputs = outputsOf(judging)
  const files: PredictionFile[] = manifests.flatMap(({ files, schemas }) =>
    files
      .filter(file => mayHold(file, { kind: 'prediction', model, version, since, until }))
      .map(file => ({ ...file, columns: schemas[file.schema]! })),
  )
  // Files that name the outputs alike are read by one statement.
  for (const alike of Map.groupBy(files, file => outputs.map(name => answerExpression(file, name)).join()).values()) {
    for (let from = 0; from < alike.length; from += FILES_AT_ONCE_MAX) {
      await joinFiles(join, alike.slice(from, from + FILES_AT_ONCE_MAX), outputs)
    }
  }
}

function answerExpression({ columns }: PredictionFile, output: string): string {
  const column = columns.find(({ path, type }) => path[0] === 'outputs' && path[1] === output && type === 'number')
  return column === undefined ? 'NULL::DOUBLE' : `p.${identifier(column.name)}`
}

async function joinFiles(
  { connection, folder, known, question, joined }: SealedJoin,
  files: readonly PredictionFile[],
  outputs: readonly string[],
): Promise<void> {
  const { since, until } = question
  const answers = outputs.map(name => answerExpression(files[0]!, name))
  const columns = ['epoch_ms(p.recorded_at)', '(k.prediction_id IS NOT NULL)::BIGINT', 'k.label', ...answers]
  const sql =
    `SELECT ${columns.join(', ')} FROM ${parquetSource(files.map(({ path }) => `${folder}/${path}`))} AS p ` +
    `LEFT JOIN ${known} AS k ON k.prediction_id = p.id WHERE ${sqlCondition({ since, until })}`
  await eachChunk(connection, sql, (chunk, rows) => {
    const at = readNumbers(chunk, 0, rows)
    const isKnown = readNumbers(chunk, 1, rows)
    const labels = readDoubles(chunk, 2, rows)
    const found = answers.map((_, index) => readDoubles(chunk, 3 + index, rows))
    for (let row = 0; row < rows; row++) {
      take(question, joined, at(row), isKnown(row) === 1 ? labels[row] : undefined, output => found[output]![row]!)
    }
    return undefined
  })
}

/** @param label undefined where no outcome is known. */
function take(
  { since, stepMs, judging }: QualityQuestion,
  { predictions, outcomes, pairs }: Joined,
  at: number,
  label: number | undefined,
  answer: (output: number) => number,
): void {
  const window = Math.floor((at - since) / stepMs)
  predictions[window]!++
  if (label === undefined) return
  outcomes[window]!++
  if (judging.task === 'unjudged') return
  const answered = judging.task === 'multiclass' ? likeliest(judging.outputs.length, answer) : answer(0)
  if (isPair(judging, label, answered)) pairs.add(at, label, answered)
}

function likeliest(classes: number, answer: (output: number) => number): number {
  let best = 0
  for (let at = 1; at < classes; at++) if (answer(at) > answer(best)) best = at
  return Number.isNaN(answer(best)) ? Number.NaN : best
}

async function joinUnsealed(
  connection: DuckDBConnection,
  known: string,
  question: QualityQuestion,
  { predictions }: Unsealed,
  joined: Joined,
): Promise<void> {
  const labels = new Map<number, number>()
  const ids = predictions.map(({ id }) => id)
  const sql =
    `SELECT wanted.place, k.label FROM (SELECT ${unnested(ids)}::UUID AS id, ` +
    `unnest(range(${ids.length}))::BIGINT AS place) AS wanted JOIN ${known} AS k ON k.prediction_id = wanted.id`
  await eachChunk(connection, sql, (chunk, rows) => {
    const place = readNumbers(chunk, 0, rows)
    const label = readDoubles(chunk, 1, rows)
    for (let row = 0; row < rows; row++) labels.set(place(row), label[row]!)
    return undefined
  })
  for (const [place, { at, answers }] of predictions.entries()) {
    take(question, joined, at, labels.get(place), output => answers[output]!)
  }
}

function unsealedOf(question: QualityQuestion, files: readonly IndexedFile[]): Unsealed {
  const { model, version, since, until, judging } = question
  const outputs = outputsOf(judging)
  const unsealed: Unsealed = { predictions: [], outcomes: [] }
  for (const file of files) {
    for (const { predictionId, position, value, model: of } of file.outcomes) {
      if (of !== model || !fits('uuid', predictionId)) continue
      unsealed.outcomes.push({ predictionId, position, label: labelOf(judging, value) })
    }
    for (const { id, at, model: of, version: by, outputs: answered } of file.predictions) {
      if (of !== model || by !== version || at < since || at >= until || !fits('uuid', id)) continue
      const answers = outputs.map(name => (typeof answered[name] === 'number' ? answered[name] : Number.NaN))
      unsealed.predictions.push({ id, at, answers })
    }
  }
  return unsealed
}

function judged(question: QualityQuestion, { predictions, outcomes, pairs }: Joined): JudgedWindow[] {
  const { since, until, stepMs, judging } = question
  const [times, labels, answers] = [pairs.column(0), pairs.column(1), pairs.column(2)]
  const from = question.latest === undefined ? Number.NEGATIVE_INFINITY : newestFrom(times, question.latest)
  const byWindow = Array.from(predictions, () => [new GrowingRows(2)] as const)
  for (let row = 0; row < pairs.rows; row++) {
    if (times[row]! < from) continue
    byWindow[Math.floor((times[row]! - since) / stepMs)]![0].add(labels[row]!, answers[row]!)
  }
  return byWindow.map(([rows], window) => ({
    from: since + window * stepMs,
    to: Math.min(until, since + (window + 1) * stepMs),
    predictions: predictions[window]!,
    outcomes: outcomes[window]!,
    ...judgePairs(judging, rows.column(0), rows.column(1)),
  }))
}

/** From which time on the newest so many are; those of one moment are kept together. */
function newestFrom(times: Float64Array, count: number): number {
  return times.length <= count ? Number.NEGATIVE_INFINITY : times.toSorted()[times.length - count]!
}
