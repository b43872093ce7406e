/**
 * What the kept explanations of a version say together: how much each feature moved the answers, and a sample of rows. Runs in
 * the engine process; a scan of the columns that are asked for, and of nothing else.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Catalogue } from './catalogue.ts'
import { parseRecord } from './columns.ts'
import { type Duck, eachChunk } from './duck.ts'
import type { ExplainedQuestion, ExplainedRow, ExplainedSummary } from './explained-question.ts'
import { matches, mayHold, needles, sqlCondition } from './filter.ts'
import { readJournalFile } from './journal-files.ts'
import { parquetSource } from './parquet.ts'
import type { PredictionRecord, Scalar } from './record.ts'
import { type Column, POSITION } from './schema.ts'
import { identifier, literal } from './sql-text.ts'
import { readFragments } from './vectors.ts'

/** Rows with the lowest of numbers evenly spread below 2^52 are a fair sample, wherever each row comes from. */
interface Drawn {
  readonly lot: number
  readonly row: ExplainedRow
}

const FILES_AT_ONCE_MAX = 256

class Summary {
  readonly question: ExplainedQuestion
  rows = 0
  readonly features: { rows: number; sum: number; sumOfSizes: number }[]
  #drawn: Drawn[] = []

  constructor(question: ExplainedQuestion) {
    this.question = question
    this.features = question.features.map(() => ({ rows: 0, sum: 0, sumOfSizes: 0 }))
  }

  add(feature: number, rows: number, sum: number, sumOfSizes: number): void {
    const found = this.features[feature]!
    found.rows += rows
    found.sum += sum
    found.sumOfSizes += sumOfSizes
  }

  draw(lot: number, row: ExplainedRow): void {
    this.#drawn.push({ lot, row })
    if (this.#drawn.length >= 2 * this.question.sampleMax) this.#cut()
  }

  #cut(): void {
    this.#drawn.sort((a, b) => a.lot - b.lot)
    this.#drawn = this.#drawn.slice(0, this.question.sampleMax)
  }

  finish(): ExplainedSummary {
    this.#cut()
    return { rows: this.rows, features: this.features, sample: this.#drawn.map(({ row }) => row) }
  }
}

export async function explained(
  duck: Duck,
  catalogue: Catalogue,
  question: ExplainedQuestion,
): Promise<ExplainedSummary> {
  const summary = new Summary(question)
  const manifests = await catalogue.first(question.snapshot.segments)
  const files = manifests.flatMap(({ files, schemas }) =>
    files
      .filter(file => file.kind === 'prediction' && mayHold(file, filterOf(question)))
      .map(({ path, schema }) => ({
        path: `${catalogue.folder}/${path}`,
        columns: columnsOf(schemas[schema]!, question),
      })),
  )
  const explaining = files.filter(({ columns }) => columns !== undefined)
  for (const alike of Map.groupBy(explaining, ({ columns }) => JSON.stringify(columns)).values()) {
    for (let from = 0; from < alike.length; from += FILES_AT_ONCE_MAX) {
      const paths = alike.slice(from, from + FILES_AT_ONCE_MAX).map(({ path }) => path)
      await duck.use(connection => addFiles(summary, connection, paths, alike[0]!.columns!))
    }
  }
  for (const file of question.snapshot.journal) {
    let position = file.first
    for (const lines of readJournalFile(file)) {
      addLines(summary, lines, position)
      position += lines.length
      await nextTurn()
    }
  }
  return summary.finish()
}

function filterOf({ model, version, since, until }: ExplainedQuestion) {
  return { kind: 'prediction', model, version, since, until }
}

/** Names of the columns of a file that matter. */
interface Columns {
  readonly bias: string
  readonly method: string | undefined
  readonly contributions: readonly (string | undefined)[]
  readonly values: readonly (readonly Pick<Column, 'name' | 'type'>[])[]
}

/** Undefined where the file keeps no explanation. */
function columnsOf(columns: readonly Column[], { features, margin }: ExplainedQuestion): Columns | undefined {
  const named = (...path: (string | undefined)[]): string | undefined => {
    const wanted = path.filter(part => part !== undefined)
    const found = columns.find(
      column => column.path.length === wanted.length && wanted.every((part, at) => column.path[at] === part),
    )
    return found?.name
  }
  const bias = named('explanation', 'bias', margin)
  if (bias === undefined) return undefined
  return {
    bias,
    method: named('explanation', 'method'),
    contributions: features.map(feature => named('explanation', 'contributions', margin, feature)),
    values: features.map(feature =>
      columns
        .filter(({ path }) => path.length === 2 && path[0] === 'features' && path[1] === feature)
        .map(({ name, type }) => ({ name, type })),
    ),
  }
}

async function addFiles(
  summary: Summary,
  connection: DuckDBConnection,
  paths: readonly string[],
  columns: Columns,
): Promise<void> {
  const { since, until, version, sampleMax } = summary.question
  const exact = columns.method === undefined ? [] : [`${identifier(columns.method)} IS NULL`]
  const where = [`${identifier(columns.bias)} IS NOT NULL`, ...exact, sqlCondition({ since, until })].join(' AND ')
  const from = `FROM ${parquetSource(paths)} WHERE ${where} AND version = ${literal(version)}`
  const kept = [...columns.contributions.entries()].flatMap(([feature, name]) =>
    name === undefined ? [] : [{ feature, column: identifier(name) }],
  )
  const sums = kept.flatMap(({ column }) => [`count(${column})`, `sum(${column})`, `sum(abs(${column}))`])
  await eachChunk(
    connection,
    `SELECT ${['count(*)', ...sums].map(sum => `${sum}::DOUBLE`).join(', ')} ${from}`,
    chunk => {
      const cell = (index: number): number => Number(readFragments(chunk, index, 'number', 1)(0))
      summary.rows += cell(0)
      for (const [at, { feature }] of kept.entries())
        summary.add(feature, cell(3 * at + 1), cell(3 * at + 2), cell(3 * at + 3))
      return undefined
    },
  )
  const lot = `(hash(${POSITION}) >> 12)::BIGINT`
  const values = columns.values.flat()
  const selected = [lot, 'id', ...kept.map(({ column }) => column), ...values.map(({ name }) => identifier(name))]
  const sql = `SELECT ${selected.join(', ')} ${from} ORDER BY 1 LIMIT ${sampleMax}`
  await eachChunk(connection, sql, (chunk, rows) => {
    const types = ['integer', 'uuid', ...kept.map(() => 'number' as const), ...values.map(({ type }) => type)] as const
    const cells = types.map((type, index) => readFragments(chunk, index, type, rows))
    for (let row = 0; row < rows; row++) {
      const read = cells.map(cell => (cell(row) === '' ? null : (JSON.parse(cell(row)) as Scalar)))
      summary.draw(
        read[0] as number,
        rowOf(
          read,
          columns,
          kept.map(({ feature }) => feature),
        ),
      )
    }
    return undefined
  })
}

/** @param cells lot, id, contributions, values, as they are selected. */
function rowOf(cells: readonly (Scalar | null)[], columns: Columns, kept: readonly number[]): ExplainedRow {
  const contributions = columns.contributions.map((_, feature) => {
    const at = kept.indexOf(feature)
    return at === -1 ? null : (cells[2 + at] as number | null)
  })
  let next = 2 + kept.length
  const values = columns.values.map(same => {
    const found = cells.slice(next, next + same.length).find(cell => cell !== null)
    next += same.length
    return found ?? null
  })
  return { id: cells[1] as string, values, contributions }
}

function addLines(summary: Summary, lines: readonly Buffer[], first: number): void {
  const { question } = summary
  const filter = filterOf(question)
  const wanted = [...needles(filter), '"explanation":'].map(needle => Buffer.from(needle))
  for (const [at, line] of lines.entries()) {
    if (!wanted.every(needle => line.includes(needle))) continue
    const record = parseRecord(line.toString())
    if (record === undefined || !matches(record, filter)) continue
    addRecord(summary, record as unknown as PredictionRecord, lotOf(first + at))
  }
}

function addRecord(summary: Summary, { id, explanation, features }: PredictionRecord, lot: number): void {
  const { margin, features: names } = summary.question
  if (explanation === undefined || explanation.method !== undefined) return
  const bias = margin === undefined ? explanation.bias : (explanation.bias as Readonly<Record<string, number>>)[margin]
  if (typeof bias !== 'number') return
  const own = (margin === undefined ? explanation.contributions : explanation.contributions?.[margin]) ?? {}
  const contributions = names.map(name => {
    const found = Object.hasOwn(own as object, name) ? (own as Readonly<Record<string, unknown>>)[name] : undefined
    return typeof found === 'number' ? found : null
  })
  summary.rows++
  for (const [feature, found] of contributions.entries()) {
    if (found !== null) summary.add(feature, 1, found, Math.abs(found))
  }
  const values = names.map(name => (Object.hasOwn(features, name) ? features[name]! : null))
  summary.draw(lot, { id, values, contributions })
}

/** An evenly spread number of a position: two rounds of the 32-bit finalizer of MurmurHash3 (A. Appleby). */
function lotOf(position: number): number {
  const mixed = (value: number): number => {
    let hash = value | 0
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    return (hash ^ (hash >>> 16)) >>> 0
  }
  const low = mixed(position)
  return mixed(low ^ Math.floor(position / 2 ** 32)) * 2 ** 20 + (low >>> 12)
}
