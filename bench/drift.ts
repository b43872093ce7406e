/**
 * What a reading of drift costs: from the counts in memory, and from the ledger's records, counted again.
 *
 *   node bench/drift.ts [--predictions 10000000] [--threads 2]
 *
 * The predictions are written as the ledger seals them, 100,000 to a segment, ten features of several shapes; none of it is in the
 * page cache's favour but that it was just written.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { comparison, judgeWindow } from '../src/drift/judge.ts'
import { driftSettings } from '../src/drift/settings.ts'
import type { CountedWindow, CountsQuestion } from '../src/ledger/count-question.ts'
import { openDuck } from '../src/ledger/duck.ts'
import { type Engine, openEngine } from '../src/ledger/engine.ts'
import { type Column, fixedColumns, POSITION, REST, SQL_TYPES, utcDate } from '../src/ledger/schema.ts'
import { MANIFEST_FORMAT, manifestPath } from '../src/ledger/segments.ts'
import { identifier, literal } from '../src/ledger/sql-text.ts'
import { LiveCounts, placementOf, windowCounts } from '../src/monitoring/live-counts.ts'
import { countedColumn, layoutOf, watchedColumns } from '../src/monitoring/watched.ts'
import { LATENCY_LOWERS } from '../src/monitoring/window-counts.ts'
import { profileNumbers, type ReferenceProfile } from '../src/registry/profile.ts'
import type { ModelVersion } from '../src/registry/version.ts'
import type { LoadedModel } from '../src/serving/lane.ts'
import { machine, median, remove, temporaryFolder } from './processes.ts'

const { values } = parseArgs({
  options: { predictions: { type: 'string', default: '10000000' }, threads: { type: 'string', default: '2' } },
})
const predictions = Number(values.predictions)
const threads = Number(values.threads)
const SEGMENT_ROWS = 100_000
const REFERENCE_ROWS = 10_000
const START_AT = 1_790_000_000_000
const STEP_MS = 86
const HOUR_MS = 3_600_000
const RUNS = 3
const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** Ten features in SQL and what a reference of them looks like: counts, money with a spike, shares, flags. */
const SHAPES = [
  { sql: 'floor(random() * 80)', value: (u: number) => Math.floor(u * 80) },
  { sql: 'round(greatest(0, random() - 0.4) * 25000000) / 100', value: (u: number) => Math.max(0, u - 0.4) * 250_000 },
  { sql: 'random()', value: (u: number) => u },
  { sql: 'round(-ln(1 - random()) * 100000) / 100', value: (u: number) => Math.round(-Math.log(1 - u) * 1e5) / 100 },
  { sql: 'floor(random() * 2)', value: (u: number) => Math.floor(u * 2) },
] as const
const shapeOf = (feature: number) => SHAPES[feature % SHAPES.length]!
const names = Array.from({ length: 10 }, (_, index) => `f${index}`)
const spread = (value: (u: number) => number): Float64Array =>
  Float64Array.from({ length: REFERENCE_ROWS }, (_, index) => value((index + 0.5) / REFERENCE_ROWS))

const profile: ReferenceProfile = {
  format: 1,
  rows: REFERENCE_ROWS,
  features: names.map((name, index) => profileNumbers(name, spread(shapeOf(index).value))),
  outputs: [
    profileNumbers(
      'score',
      spread(u => u),
    ),
  ],
}
const signature = {
  inputs: names.map(name => ({ name, type: 'number', nullable: false, sensitive: false, protected: false }) as const),
  outputs: [{ name: 'score', type: 'number' } as const],
}
const version = { model: 'bench', version: '1.0.0', signature } as unknown as ModelVersion
const layout = layoutOf(watchedColumns(version, profile))

const COLUMNS: readonly Column[] = [
  ...fixedColumns('prediction'),
  ...names.map(name => ({ name: `feature_${name}`, type: 'number', path: ['features', name] }) as const),
  { name: 'output_score', type: 'number', path: ['outputs', 'score'] },
  { name: REST, type: 'json', path: [] },
]
const FILLED: Readonly<Record<string, string>> = {
  id: 'uuid()',
  recorded_at: `make_timestamp_ms(${START_AT} + i * ${STEP_MS})`,
  actor: "'key:7f3a09c2d4e1'",
  source: "'127.0.0.1'",
  door: "'http'",
  version: "'1.0.0'",
  request_id: 'uuid()::VARCHAR',
  release: "'all'",
  arm: "'champion'",
  latency_ms: 'round(-ln(1 - random()) * 200) / 1000',
  output_score: 'random()',
  ...Object.fromEntries(names.map((name, index) => [`feature_${name}`, shapeOf(index).sql])),
}

async function writeLedger(folder: string): Promise<number> {
  const duck = await openDuck({ memory: '1GB', threads: 2 })
  let bytes = 0
  for (let segment = 0; segment * SEGMENT_ROWS < predictions; segment++) {
    const first = segment * SEGMENT_ROWS
    const count = Math.min(SEGMENT_ROWS, predictions - first)
    const path = `kind=prediction/model=bench/date=${utcDate(START_AT + first * STEP_MS)}/${String(segment).padStart(8, '0')}-1.0.0.parquet`
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    const cells = COLUMNS.map(
      ({ name, type }) => `(${FILLED[name] ?? 'NULL'})::${SQL_TYPES[type]} AS ${identifier(name)}`,
    )
    const rows = `SELECT i AS ${POSITION}, ${cells.join(', ')} FROM range(${first}, ${first + count}) AS numbers(i)`
    const options = 'FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480'
    await duck.use(connection => connection.run(`COPY (${rows}) TO ${literal(join(folder, path))} (${options})`))
    bytes += statSync(join(folder, path)).size
    writeManifest(folder, { segment, first, count, path })
  }
  duck.close()
  return bytes
}

interface Written {
  readonly segment: number
  readonly first: number
  readonly count: number
  readonly path: string
}

function writeManifest(folder: string, { segment, first, count, path }: Written): void {
  const last = first + count - 1
  const times = { atMin: START_AT + first * STEP_MS, atMax: START_AT + last * STEP_MS }
  const positions = { positionMin: first, positionMax: last }
  const of = { kind: 'prediction', model: 'bench', version: '1.0.0' }
  const file = { path, ...of, rows: count, bytes: 0, sha256: '', ...positions, ...times, schema: 0 }
  const manifest = { format: MANIFEST_FORMAT, segment, first, count, files: [file], schemas: [COLUMNS] }
  const written = manifestPath(folder, segment)
  mkdirSync(dirname(written), { recursive: true })
  writeFileSync(written, JSON.stringify(manifest))
}

function question(windowMs: number): CountsQuestion {
  return {
    snapshot: { segments: Math.ceil(predictions / SEGMENT_ROWS), journal: [] },
    since: 0,
    until: Number.POSITIVE_INFINITY,
    before: Number.MAX_SAFE_INTEGER,
    windowMs,
    latencyLowers: LATENCY_LOWERS,
    targets: [{ model: 'bench', version: '1.0.0', columns: layout.columns.map(countedColumn) }],
  }
}

async function recounted(engine: Engine, what: string, windowMs: number): Promise<void> {
  const times: number[] = []
  let windows: CountedWindow[] = []
  for (let run = 0; run < RUNS; run++) {
    const startedAt = performance.now()
    windows = await engine.ask('counts', question(windowMs))
    times.push((performance.now() - startedAt) / 1000)
  }
  const rows = windows.reduce((sum, window) => sum + window.rows, 0)
  if (rows !== predictions) throw new Error(`Cannot measure: ${rows} of ${predictions} predictions were counted`)
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${engine.pid}/status`, 'utf8'))![1]
  const spread = `${Math.min(...times).toFixed(2)} to ${Math.max(...times).toFixed(2)}`
  say(
    `Counted again, ${what}: ${median(times).toFixed(2)} s (${spread}); ${Math.round(Number(peak) / 1024)} MiB at most`,
  )
}

function live(): void {
  const counts = new LiveCounts(version, layout, HOUR_MS, 500)
  const place = placementOf(layout, { version, predictor: { features: names, named: true } } as unknown as LoadedModel)
  let seed = 1
  const random = (): number => {
    seed = (seed * 16_807) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const calls = Array.from({ length: 1000 }, () => ({
    values: Float64Array.from(names, (_, index) => shapeOf(index).value(random())),
    outputs: Float64Array.of(random()),
    count: 1,
    single: true,
  }))
  const counted = 2_000_000
  const startedAt = performance.now()
  for (let call = 0; call < counted; call++) counts.count(START_AT + call, 0.2, calls[call % calls.length]!, place)
  const nanoseconds = ((performance.now() - startedAt) * 1e6) / counted
  say(`Counted live: ${nanoseconds.toFixed(0)} ns a prediction of ${names.length} features`)

  const compared = comparison(
    profile,
    signature,
    driftSettings({ window: 500, minimum: 100, alpha: 1e-6, psiWarning: 0.1, psi: 0.25, ks: 0.05 }),
  )
  const times = Array.from({ length: 200 }, () => {
    const began = performance.now()
    judgeWindow(compared, windowCounts(version, layout, { ...counts.latest.read()!, refusals: new Map() }))
    return performance.now() - began
  })
  say(
    `A reading from them, all statistics of ${layout.columns.length} columns: ${median(times).toFixed(2)} ms (the first ${times[0]!.toFixed(1)})`,
  )
}

const folder = temporaryFolder()
try {
  live()
  const bytes = await writeLedger(folder)
  say(`Ledger: ${predictions} predictions of ${names.length} features, ${Math.round(bytes / 2 ** 20)} MiB of Parquet`)
  const engine = openEngine({ folder, memory: '512MB', threads, isNice: false })
  await recounted(engine, 'one window', 100 * 365 * 24 * HOUR_MS)
  await recounted(engine, 'by hour', HOUR_MS)
  await engine.close()
  say(`${machine()}; ${threads} threads`)
} finally {
  remove(folder)
}
