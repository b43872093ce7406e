/** One condition on records, in the forms in which it is asked: of a record, of a line, of a file's manifest, in SQL. */
import { quote } from './canonical.ts'
import { parseRecord } from './columns.ts'
import { fits } from './schema.ts'
import type { SealedFile } from './segments.ts'
import { literal } from './sql-text.ts'
import { holds, needleOf, type ValueCondition } from './where.ts'

/** All that are given must hold. */
export interface RecordFilter {
  readonly id?: string | undefined
  readonly kind?: string | undefined
  readonly model?: string | undefined
  readonly version?: string | undefined
  /** Inclusive, milliseconds since the epoch. */
  readonly since?: number | undefined
  /** Exclusive. */
  readonly until?: number | undefined
  readonly subject?: string | undefined
  readonly actor?: string | undefined
  /** Of outcomes: the prediction they are of. */
  readonly predictionId?: string | undefined
  /** Of changes: what was changed. */
  readonly target?: string | undefined
  /** Of predictions: what they were made of, and what moved them. */
  readonly where?: readonly ValueCondition[] | undefined
}

/** Members that must be equal, in the order in which they tell most lines apart. */
const EQUAL = ['id', 'predictionId', 'target', 'subject', 'model', 'version', 'kind', 'actor'] as const

export function matches(record: Readonly<Record<string, unknown>>, filter: RecordFilter): boolean {
  for (const member of EQUAL) {
    if (filter[member] !== undefined && record[member] !== filter[member]) return false
  }
  const { since, until, where = [] } = filter
  if (where.length > 0 && !(record['kind'] === 'prediction' && where.every(one => holds(record, one)))) return false
  if (since === undefined && until === undefined) return true
  const { at } = record
  return (
    fits('time', at) &&
    (since === undefined || (at as number) >= since) &&
    (until === undefined || (at as number) < until)
  )
}

/** As `matches`, of a record's text. What is no JSON object matches nothing. */
export function matchesText(text: string, filter: RecordFilter): boolean {
  const record = parseRecord(text)
  return record !== undefined && matches(record, filter)
}

/** Texts that are in each canonical line that matches: looking for them is cheaper than reading a record. */
export function needles(filter: RecordFilter): string[] {
  const equal = EQUAL.flatMap(member => {
    const value = filter[member]
    return value === undefined ? [] : [`${quote(member)}:${quote(value)}`]
  })
  return [...equal, ...(filter.where ?? []).map(needleOf)]
}

/** Whether a file may hold a match, by what its manifest says. */
export function mayHold(file: SealedFile, filter: RecordFilter): boolean {
  const { id, kind, model, version, since, until, predictionId, target, where = [] } = filter
  if (where.length > 0 && file.kind !== 'prediction') return false
  if (kind !== undefined && file.kind !== kind) return false
  if (predictionId !== undefined && file.kind !== 'outcome') return false
  if (target !== undefined && file.kind !== 'change') return false
  if (model !== undefined && file.model !== model) return false
  if (version !== undefined && file.version !== version) return false
  if (since !== undefined && !(file.atMax !== undefined && file.atMax >= since)) return false
  if (until !== undefined && !(file.atMin !== undefined && file.atMin < until)) return false
  if (id === undefined) return true
  return file.idMin !== undefined && file.idMax !== undefined && file.idMin <= id && id <= file.idMax
}

/** What `mayHold` has not decided, as SQL on the columns; `''` where nothing is left. */
export function sqlCondition(filter: RecordFilter): string {
  const { id, since, until, subject, actor, predictionId, target } = filter
  const uuid = (name: string, value: string): string =>
    fits('uuid', value) ? `${name} = ${literal(value)}::UUID` : 'false'
  const conditions = [
    ...(id === undefined ? [] : [uuid('id', id)]),
    ...(predictionId === undefined ? [] : [uuid('prediction_id', predictionId)]),
    ...(target === undefined ? [] : [`target = ${literal(target)}`]),
    ...(since === undefined ? [] : [`recorded_at >= make_timestamp_ms(${whole(since)})`]),
    ...(until === undefined ? [] : [`recorded_at < make_timestamp_ms(${whole(until)})`]),
    ...(subject === undefined ? [] : [`subject = ${literal(subject)}`]),
    ...(actor === undefined ? [] : [`actor = ${literal(actor)}`]),
  ]
  return conditions.join(' AND ')
}

const TIME_MAX = 8.64e15

/** Times are whole: at or after 1.5 is at or after 2, before 1.5 is before 2. */
function whole(at: number): number {
  return Math.min(Math.max(Math.ceil(at), -TIME_MAX), TIME_MAX)
}
