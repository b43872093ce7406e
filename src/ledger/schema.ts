/**
 * The columns that every file of a kind has. `docs/ledger.md` prints this table; readers outside rely on it.
 *
 * A column stands for one member of the record, or of an object in it (`path`). Null means that the member is absent.
 */

/**
 * How a member is stored: `text` and `json` (canonical JSON of any value) as VARCHAR, `number` as DOUBLE, `integer` as
 * BIGINT, `boolean`, `uuid` (a UUID in its canonical form), `time` (whole milliseconds since the epoch) as TIMESTAMP_MS.
 */
export type ColumnType = 'text' | 'json' | 'number' | 'integer' | 'boolean' | 'uuid' | 'time'

export interface Column {
  readonly name: string
  readonly type: ColumnType
  /** `['at']`, `['features', 'age']`. */
  readonly path: readonly string[]
}

/** Index of the record in the log. Not a member of the record. */
export const POSITION = 'position'

/**
 * Members that have no column, as a JSON object; or, where a record cannot be taken apart, its whole text as a JSON string.
 */
export const REST = 'rest'

const column = (name: string, type: ColumnType, ...path: string[]): Column => ({
  name,
  type,
  path: path.length === 0 ? [name] : path,
})

/** In every file of every kind, so that one query reads them all. Named `recorded_at` because `at` is a keyword of SQL. */
const ENVELOPE: readonly Column[] = [
  column('id', 'uuid'),
  column('recorded_at', 'time', 'at'),
  column('actor', 'text'),
  column('source', 'text'),
  column('door', 'text'),
  column('version', 'text'),
  column('subject', 'text'),
  column('request_id', 'text', 'requestId'),
]

const OWN: Readonly<Record<string, readonly Column[]>> = {
  prediction: [
    column('release', 'text'),
    column('arm', 'text'),
    column('trace_id', 'text', 'traceId'),
    column('unit', 'text'),
    column('purpose', 'text'),
    column('sealed', 'text'),
    column('latency_ms', 'number', 'latencyMs'),
    column('batch_row', 'integer', 'row'),
  ],
  refusal: [
    column('code', 'text'),
    column('status', 'integer'),
    column('fields', 'json'),
    column('count', 'integer'),
    column('trace_id', 'text', 'traceId'),
  ],
  outcome: [
    column('prediction_id', 'uuid', 'predictionId'),
    column('value_number', 'number', 'value'),
    column('value_boolean', 'boolean', 'value'),
    column('value_text', 'text', 'value'),
    column('happened_at', 'time', 'happenedAt'),
    column('amount', 'number', 'amount', 'amount'),
    column('currency', 'text', 'amount', 'currency'),
  ],
  change: [column('action', 'text'), column('target', 'text'), column('detail', 'json')],
}

/** Objects whose members become columns of their own, and the prefix of those columns' names. */
const OPEN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  prediction: { features: 'feature_', outputs: 'output_' },
}

/** Objects that a record may have, whose members become columns through all their levels. */
const NESTED: Readonly<Record<string, readonly string[]>> = { prediction: ['explanation'] }
/** `explanation` › `contributions` › output › feature. */
const NESTED_LEVELS_MAX = 3

/** The fixed columns of a kind, without `position` and `rest`. A kind of a later program has the envelope only. */
export function fixedColumns(kind: string | undefined): readonly Column[] {
  return kind !== undefined && Object.hasOwn(OWN, kind) ? [...ENVELOPE, ...OWN[kind]!] : ENVELOPE
}

/** Member → prefix of its columns. These members are in every record of the kind, empty where no column has a value. */
export function openObjects(kind: string | undefined): Readonly<Record<string, string>> {
  return kind !== undefined && Object.hasOwn(OPEN, kind) ? OPEN[kind]! : {}
}

/** How many levels of members become columns below this one: 0 where it is no such object. */
export function openLevels(kind: string | undefined, member: string): number {
  if (Object.hasOwn(openObjects(kind), member)) return 1
  const nested = kind !== undefined && Object.hasOwn(NESTED, kind) ? NESTED[kind]! : []
  return nested.includes(member) ? NESTED_LEVELS_MAX : 0
}

/** What the column of such a member would be called if any SQL engine took any name. */
export function openName(kind: string | undefined, [member, ...inner]: readonly string[]): string {
  const prefixes = openObjects(kind)
  if (member !== undefined && Object.hasOwn(prefixes, member)) return prefixes[member]! + inner.join('_')
  const path =
    inner[0] === 'contributions' && inner.length > 1 ? ['contribution', ...inner.slice(1)] : [member, ...inner]
  return path.join('_')
}

/** As the column is declared in SQL. */
export const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  text: 'VARCHAR',
  json: 'VARCHAR',
  number: 'DOUBLE',
  integer: 'BIGINT',
  boolean: 'BOOLEAN',
  uuid: 'UUID',
  time: 'TIMESTAMP_MS',
}

/** The latest time that a JavaScript date and a column both can hold (ECMA-262 §21.4.1.1). */
const TIME_MAX = 8.64e15
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether a column of the type gives back exactly this value. */
export function fits(type: ColumnType, value: unknown): boolean {
  switch (type) {
    case 'text':
      return typeof value === 'string'
    case 'json':
      return value !== undefined
    case 'number':
      return typeof value === 'number' && Number.isFinite(value)
    case 'integer':
      return Number.isSafeInteger(value)
    case 'boolean':
      return typeof value === 'boolean'
    case 'uuid':
      return typeof value === 'string' && UUID.test(value)
    case 'time':
      return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= TIME_MAX
  }
}

const DAY_MS = 86_400_000

let latestDay = Number.NaN
let latestDate = ''

/** The UTC date of a time, as partitions are named: `2026-11-22`. Asked for record after record of one day. */
export function utcDate(at: number): string {
  const day = Math.floor(at / DAY_MS)
  if (day !== latestDay) {
    latestDay = day
    latestDate = new Date(day * DAY_MS).toISOString().replace(/T.*/, '')
  }
  return latestDate
}
