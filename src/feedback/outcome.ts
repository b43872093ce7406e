/** What became of a prediction, as it is told, and what is to be thought of it. Pure. */
import type { FieldProblem } from '../errors.ts'
import type { KnownOutcome, KnownPrediction } from '../ledger/lookup-question.ts'
import type { Money, Scalar } from '../ledger/record.ts'
import type { ModelVersion } from '../registry/version.ts'

/** An outcome as it was told, in the right form. Of a prediction by its id, or of the newest one of a subject. */
export interface GivenOutcome {
  readonly predictionId?: string
  /** The id itself: becomes a pseudonym before anything is written. */
  readonly subject?: string
  readonly model?: string
  readonly value: Scalar
  /** When it happened: milliseconds since the epoch. */
  readonly happenedAt?: number
  /** The latest moment that `happenedAt` may mean, where a day was told and no time. */
  readonly happenedUntil?: number
  readonly amount?: Money
  /** It is meant to take the place of what was told before. */
  readonly correction?: boolean
}

/** Why an outcome is not taken. */
export interface OutcomeFault extends FieldProblem {
  readonly code: 'invalid' | 'not_found' | 'conflict'
}

/** What is to be done with an outcome. */
export type Verdict =
  | { readonly kind: 'recorded'; readonly value: Scalar }
  | { readonly kind: 'corrected'; readonly value: Scalar; readonly corrects: string }
  /** It is known already. */
  | { readonly kind: 'repeated'; readonly id: string }
  | { readonly kind: 'fault'; readonly fault: OutcomeFault }

/** The clocks of callers may be off by so much. */
export const CLOCKS_APART_MS = 300_000

/**
 * @param version that made the prediction.
 * @param current the newest outcome of the prediction, if there is one.
 */
export function judgeOutcome(
  given: GivenOutcome,
  prediction: KnownPrediction,
  version: Pick<ModelVersion, 'task' | 'signature'>,
  current: KnownOutcome | undefined,
  now: number,
): Verdict {
  if (given.model !== undefined && given.model !== prediction.model) {
    return invalid('model', `is not that of the prediction, which is ${prediction.model}`)
  }
  const { happenedAt, happenedUntil = happenedAt } = given
  if (happenedAt !== undefined && happenedAt > now + CLOCKS_APART_MS) return invalid('happenedAt', 'is in the future')
  if (happenedUntil !== undefined && happenedUntil < prediction.at - CLOCKS_APART_MS) {
    return invalid('happenedAt', `is before the prediction, which was made at ${new Date(prediction.at).toISOString()}`)
  }
  const value = outcomeValue(given.value, version)
  if (value === undefined) return invalid('value', `is ${typeOf(given.value)}, wanted ${wantedValue(version)}`)
  if (current === undefined) return { kind: 'recorded', value }
  if (isSame(given, value, current)) return { kind: 'repeated', id: current.id }
  if (given.correction === true) return { kind: 'corrected', value, corrects: current.id }
  // Who tells may not be allowed to read: the record is named, and not what it says.
  const problem = `contradicts the outcome ${current.id}; with "correction": true it takes its place`
  return { kind: 'fault', fault: { code: 'conflict', field: 'value', problem } }
}

function invalid(field: string, problem: string): Verdict {
  return { kind: 'fault', fault: { code: 'invalid', field, problem } }
}

/** As it is kept, or undefined where it is no value of the task. */
export function outcomeValue(
  value: Scalar,
  { task, signature }: Pick<ModelVersion, 'task' | 'signature'>,
): Scalar | undefined {
  if (task === 'binary') {
    if (typeof value === 'boolean') return value
    return value === 0 || value === 1 ? value === 1 : undefined
  }
  if (task === 'multiclass') return signature.outputs.find(({ name }) => name === String(value))?.name
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

export function wantedValue({ task, signature }: Pick<ModelVersion, 'task' | 'signature'>): string {
  if (task === 'binary') return 'true, false, 1 or 0'
  if (task === 'multiclass') return `one of ${signature.outputs.map(({ name }) => name).join(', ')}`
  return 'a number'
}

/** Texts are not repeated: they may be anything. */
export function typeOf(value: Scalar): string {
  return typeof value === 'string' ? 'a text' : String(value)
}

/** What is not said again is not contradicted. */
function isSame({ happenedAt, amount }: GivenOutcome, value: Scalar, current: KnownOutcome): boolean {
  return (
    value === current.value &&
    (happenedAt === undefined || happenedAt === current.happenedAt) &&
    (amount === undefined || (amount.amount === current.amount?.amount && amount.currency === current.amount.currency))
  )
}

const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:\d\d)?)?$/
const DAY_MS = 86_400_000

/**
 * A time as people and programs write it: milliseconds since the epoch, RFC 3339, or a day, which means any moment of that day.
 * Without a zone it is UTC.
 */
export function readTime(text: string): { readonly happenedAt: number; readonly happenedUntil?: number } | undefined {
  if (/^\d{1,16}$/.test(text)) return inRange(Number(text))
  const [, day, time, zone = 'Z'] = TIME.exec(text) ?? []
  if (day === undefined || !isDay(day)) return undefined
  if (time !== undefined) return inRange(Date.parse(`${day}T${time}${zone}`))
  const at = inRange(Date.parse(day))
  return at && { ...at, happenedUntil: at.happenedAt + DAY_MS - 1 }
}

/** JavaScript takes the 30th of February for the 2nd of March. */
function isDay(day: string): boolean {
  const at = Date.parse(day)
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day)
}

function inRange(happenedAt: number): { readonly happenedAt: number } | undefined {
  return happenedAt >= 0 && happenedAt <= 8.64e15 ? { happenedAt } : undefined
}
