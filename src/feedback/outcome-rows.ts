/** Rows of a table as outcomes: which column is what, and what a cell means. Pure. */
import { Problem } from '../errors.ts'
import type { Money, Scalar } from '../ledger/record.ts'
import { type GivenOutcome, readTime } from './outcome.ts'

/** Members of an outcome that have a column. */
const COLUMNS = ['predictionId', 'subject', 'model', 'value', 'happenedAt', 'amount', 'currency', 'correction'] as const
type ColumnName = (typeof COLUMNS)[number]

export interface OutcomeColumns {
  readonly width: number
  readonly places: Readonly<Partial<Record<ColumnName, number>>>
  /** Columns that mean nothing here. */
  readonly ignored: readonly string[]
}

const SUBJECT_CHARACTERS_MAX = 256
const TEXT_CHARACTERS_MAX = 200
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
/** ISO 4217. */
const CURRENCY = /^[A-Z]{3}$/

/**
 * Case and separators do not matter: `prediction_id` is `predictionId`.
 *
 * @throws Problem `invalid` where a column that is needed is missing, or is there twice.
 */
export function outcomeColumns(header: readonly string[], model: string | undefined): OutcomeColumns {
  const places: Partial<Record<ColumnName, number>> = {}
  const ignored: string[] = []
  for (const [place, name] of header.entries()) {
    const plain = name.toLowerCase().replaceAll(/[ _-]/g, '')
    const found = COLUMNS.find(column => column.toLowerCase() === plain)
    if (found === undefined) ignored.push(name)
    else if (places[found] === undefined) places[found] = place
    else throw new Problem('invalid', `Cannot read outcomes: there are two columns ${found}`)
  }
  const missing = [
    ...(places.value === undefined ? ['value'] : []),
    ...(places.predictionId === undefined && places.subject === undefined ? ['prediction_id or subject'] : []),
    ...(places.subject !== undefined &&
    places.predictionId === undefined &&
    places.model === undefined &&
    model === undefined
      ? ['model (or the model said beside the file)']
      : []),
  ]
  if (missing.length === 0) return { width: header.length, places, ignored }
  const found = header.join(', ').slice(0, 200)
  throw new Problem('invalid', `Cannot read outcomes: there is no column ${missing.join(', ')}; found ${found}`)
}

/**
 * @param model of rows that do not say one.
 * @returns the outcome, or what is wrong with the row.
 */
export function outcomeOf(
  { width, places }: OutcomeColumns,
  cells: readonly string[] | undefined,
  model: string | undefined,
): GivenOutcome | string {
  if (cells === undefined) return 'has a quote that is not closed, or text beside one'
  if (cells.length !== width) return `has ${cells.length} cells, wanted ${width} as in the header`
  const cell = (name: ColumnName): string => {
    const place = places[name]
    return place === undefined ? '' : cells[place]!
  }
  const [id, subject, value, time] = [cell('predictionId'), cell('subject'), cell('value'), cell('happenedAt')]
  if (id === '' && subject === '') return 'has neither prediction_id nor subject'
  if (id !== '' && subject !== '' && places.subject !== undefined)
    return 'has prediction_id and subject, wanted one of them'
  if (subject.length > SUBJECT_CHARACTERS_MAX) return `subject has more than ${SUBJECT_CHARACTERS_MAX} characters`
  if (value === '') return 'value is empty'
  const happened = time === '' ? {} : readTime(time)
  if (happened === undefined) return 'happened_at is no time such as 2026-11-22T14:00:00Z'
  if (subject !== '' && time === '') {
    return 'happened_at is empty: by it the prediction of a subject is found, the same one each time the file is read'
  }
  const money = moneyOf(cell('amount'), cell('currency'))
  if (typeof money === 'string') return money
  const correction = cell('correction').toLowerCase()
  if (!['', 'true', 'false', '0', '1'].includes(correction)) return 'correction is neither true nor false'
  const named = cell('model') === '' ? model : cell('model')
  if (subject !== '' && named === undefined) return 'model is empty'
  return {
    ...(id === '' ? { subject } : { predictionId: id.toLowerCase() }),
    ...(named !== undefined && { model: named }),
    value: scalarOf(value),
    ...happened,
    ...(money !== undefined && { amount: money }),
    ...((correction === 'true' || correction === '1') && { correction: true }),
  }
}

function scalarOf(cell: string): Scalar {
  const lower = cell.toLowerCase()
  if (lower === 'true' || lower === 'false') return lower === 'true'
  if (NUMBER.test(cell) && Number.isFinite(Number(cell))) return Number(cell)
  return cell.slice(0, TEXT_CHARACTERS_MAX)
}

function moneyOf(amount: string, currency: string): Money | string | undefined {
  if (amount === '' && currency === '') return undefined
  if (!(NUMBER.test(amount) && Number.isFinite(Number(amount)))) return 'amount is no number'
  return CURRENCY.test(currency)
    ? { amount: Number(amount), currency }
    : 'currency is no code of three capitals (ISO 4217)'
}
