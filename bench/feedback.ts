/**
 * What outcomes cost: looking up what they are about, and judging predictions by them, over a sealed ledger.
 *
 *   node bench/feedback.ts [--predictions 10000000] [--outcomes 1000000] [--threads 2]
 *
 * The records are written as the ledger seals them, 100,000 to a segment; the outcomes are of predictions all over it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Duck, openDuck } from '../src/ledger/duck.ts'
import { type Engine, openEngine } from '../src/ledger/engine.ts'
import type { QualityQuestion } from '../src/ledger/quality-question.ts'
import { type Column, fixedColumns, POSITION, REST, SQL_TYPES, utcDate } from '../src/ledger/schema.ts'
import { MANIFEST_FORMAT, manifestPath } from '../src/ledger/segments.ts'
import { identifier, literal } from '../src/ledger/sql-text.ts'
import { machine, median, remove, temporaryFolder } from './processes.ts'

const { values } = parseArgs({
  options: {
    predictions: { type: 'string', default: '10000000' },
    outcomes: { type: 'string', default: '1000000' },
    threads: { type: 'string', default: '2' },
  },
})
const predictions = Number(values.predictions)
const outcomes = Number(values.outcomes)
const SEGMENT_ROWS = 100_000
const START_AT = 1_790_000_000_000
const STEP_MS = 86
const END_AT = START_AT + predictions * STEP_MS
const LOOKED_UP = 5000
const RUNS = 5
const say = (text: string): void => void process.stdout.write(`${text}\n`)

const OUTPUT = { name: 'output_score', type: 'number', path: ['outputs', 'score'] } as const
const REST_COLUMN = { name: REST, type: 'json', path: [] } as const
const SCHEMAS = {
  prediction: [...fixedColumns('prediction'), OUTPUT, REST_COLUMN],
  outcome: [...fixedColumns('outcome'), REST_COLUMN],
} satisfies Record<string, readonly Column[]>
type Kind = keyof typeof SCHEMAS

/** A UUIDv7 of the moment, made of the number alone, so that outcomes can name predictions. */
const idOf = (at: string, number: string): string =>
  `printf('%08x-%04x-7000-8000-%012x', (${at}) >> 16, (${at}) & 65535, ${number})::UUID`
const madeAt = (number: string): string => `(${START_AT} + ${number} * ${STEP_MS})`
/** Outcomes are of predictions at equal distances. */
const told = `(i * ${Math.max(1, Math.floor(predictions / outcomes))})`

const FILLED: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
  prediction: {
    id: idOf(madeAt('i'), 'i'),
    recorded_at: `make_timestamp_ms(${madeAt('i')})`,
    actor: "'key:7f3a09c2d4e1'",
    version: "'1.0.0'",
    subject: 'md5((i % 1000000)::VARCHAR)[:22]',
    output_score: 'random()',
  },
  outcome: {
    id: idOf(`${END_AT} + i`, `${predictions} + i`),
    recorded_at: `make_timestamp_ms(${END_AT} + i)`,
    actor: "'key:7f3a09c2d4e1'",
    prediction_id: idOf(madeAt(told), told),
    value_boolean: 'random() < 0.2',
  },
}

async function writeSegments(duck: Duck, folder: string, kind: Kind, rows: number, before: number): Promise<void> {
  for (let from = 0; from < rows; from += SEGMENT_ROWS) {
    const count = Math.min(SEGMENT_ROWS, rows - from)
    const segment = Math.ceil(before / SEGMENT_ROWS) + from / SEGMENT_ROWS
    const at = (row: number): number => (kind === 'prediction' ? START_AT + row * STEP_MS : END_AT + row)
    const date = utcDate(at(from))
    const path = `kind=${kind}/model=bench/date=${date}/${String(segment).padStart(8, '0')}.parquet`
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    const cells = SCHEMAS[kind].map(
      ({ name, type }) => `(${FILLED[kind][name] ?? 'NULL'})::${SQL_TYPES[type]} AS ${identifier(name)}`,
    )
    const selected = `SELECT i + ${before} AS ${POSITION}, ${cells.join(', ')} FROM range(${from}, ${from + count}) AS numbers(i)`
    const options = 'FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480'
    await duck.use(async connection => {
      await connection.run(`COPY (${selected}) TO ${literal(join(folder, path))} (${options})`)
      const reader = await connection.runAndReadAll(
        `SELECT min(id)::VARCHAR, max(id)::VARCHAR FROM read_parquet(${literal(join(folder, path))})`,
      )
      const [idMin, idMax] = reader.getRows()[0]!
      const ranges = { idMin, idMax, atMin: at(from), atMax: at(from + count - 1) }
      const positions = { positionMin: before + from, positionMax: before + from + count - 1 }
      const of = { kind, model: 'bench', ...(kind === 'prediction' && { version: '1.0.0' }) }
      const file = { path, ...of, rows: count, bytes: 0, sha256: '', ...positions, ...ranges, schema: 0 }
      const manifest = { format: MANIFEST_FORMAT, segment, first: before + from, count, files: [file] }
      const written = manifestPath(folder, segment)
      mkdirSync(dirname(written), { recursive: true })
      writeFileSync(written, JSON.stringify({ ...manifest, schemas: [SCHEMAS[kind]] }))
    })
  }
}

const snapshot = { segments: Math.ceil(predictions / SEGMENT_ROWS) + Math.ceil(outcomes / SEGMENT_ROWS), journal: [] }

async function measured(engine: Engine, what: string, run: () => Promise<unknown>): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < RUNS; round++) {
    const startedAt = performance.now()
    await run()
    times.push(performance.now() - startedAt)
  }
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${engine.pid}/status`, 'utf8'))![1]
  const spread = `${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)}`
  say(`${what}: ${median(times).toFixed(0)} ms (${spread}); ${Math.round(Number(peak) / 1024)} MiB at most`)
}

function question(more: Partial<QualityQuestion>): QualityQuestion {
  const judging = { task: 'binary', output: 'score', threshold: 0.5, isLogOdds: false } as const
  const range = { since: START_AT, until: END_AT, stepMs: END_AT - START_AT }
  return { snapshot, model: 'bench', version: '1.0.0', ...range, judging, ...more }
}

async function measure(engine: Engine): Promise<void> {
  const [all] = await engine.ask('judgeWindows', question({}))
  if (all?.predictions !== predictions || all.outcomes !== outcomes) {
    throw new Error(`Cannot measure: ${all?.outcomes} of ${all?.predictions} predictions have an outcome`)
  }
  const judge = (more: Partial<QualityQuestion>) => () => engine.ask('judgeWindows', question(more))
  await measured(engine, 'Judged as one window', judge({}))
  await measured(engine, 'Judged in a hundred windows', judge({ stepMs: Math.ceil((END_AT - START_AT) / 100) }))
  await measured(engine, 'The last hour', judge({ since: END_AT - 3_600_000, stepMs: 3_600_000 }))
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')
  const predictionIds = Array.from({ length: LOOKED_UP }, (_, index) => {
    const number = predictions - 1 - index
    const at = START_AT + number * STEP_MS
    return `${hex(Math.floor(at / 65_536), 8)}-${hex(at % 65_536, 4)}-7000-8000-${hex(number, 12)}`
  })
  const found = await engine.ask('lookUp', { snapshot, predictionIds, subjects: [] })
  if (found.predictions.size !== LOOKED_UP) throw new Error(`Cannot measure: ${found.predictions.size} were found`)
  await measured(engine, `${LOOKED_UP} predictions looked up by id, with their outcomes`, () =>
    engine.ask('lookUp', { snapshot, predictionIds, subjects: [] }),
  )
}

const folder = temporaryFolder()
const engine = openEngine({ folder, memory: '512MB', threads: Number(values.threads), isNice: false })
try {
  const duck = await openDuck({ memory: '1GB', threads: 2 })
  await writeSegments(duck, folder, 'prediction', predictions, 0)
  await writeSegments(duck, folder, 'outcome', outcomes, predictions)
  duck.close()
  say(`${predictions} predictions, ${outcomes} outcomes; ${machine()}`)
  await measure(engine)
} finally {
  await engine.close()
  remove(folder)
}
