/** What becomes of the answers when the data is worse than it was: gaps, a shift, noise, values at the edge. */

import { normalQuantile } from '../../math/distributions/normal.ts'
import type { Random } from '../../math/random.ts'
import type { Feature } from '../../registry/signature.ts'
import type { DeclaredValidation, JudgedMetric } from '../../registry/validation-keys.ts'
import { MEASURES, picked, type Scored } from './measures.ts'
import { type Check, percent, type StressRow, shown } from './report.ts'

const NOISE = 0.05
/** Rows that are tried; of a model that somebody else computes. */
export const STRESS_ROWS_MAX = 20_000
export const STRESS_ROWS_MAX_AWAITED = 1_000

type Declared = NonNullable<DeclaredValidation['stress']>
type Columns = readonly Float64Array[]

export interface Stressed {
  readonly inputs: readonly Feature[]
  readonly features: Columns
  readonly scored: Scored
  /** Asks the model again, with other features. */
  readonly ask: (features: Columns) => Promise<Scored>
  readonly metric: JudgedMetric
  readonly random: Random
}

/** Some rows of what is to be stressed, drawn without replacement where there are more. */
export function sampleOf(stressed: Stressed, rowsMax: number): Stressed {
  const { features, scored, random } = stressed
  const rows = scored.truth.length
  if (rows <= rowsMax) return stressed
  const chosen = new Uint32Array(rowsMax)
  for (let row = 0, at = 0; row < rows; row++) if (random() * (rows - row) < rowsMax - at) chosen[at++] = row
  const part = features.map(column => Float64Array.from(chosen, row => column[row]!))
  return { ...stressed, features: part, scored: picked(scored, chosen) }
}

export async function stress(
  stressed: Stressed,
  declared: Declared = {},
): Promise<{ readonly rows: readonly StressRow[]; readonly checks: readonly Check[] }> {
  const rows: StressRow[] = []
  for (const { kind, what, features } of trials(stressed, declared)) {
    rows.push({ kind, what, ...compared(stressed, await stressed.ask(features)) })
  }
  return { rows, checks: [...brokenChecks(rows), ...dropChecks(rows, declared, stressed.metric)] }
}

interface Trial {
  readonly kind: StressRow['kind']
  readonly what: string
  readonly features: Columns
}

function* trials(stressed: Stressed, { perturbed }: Declared): Generator<Trial> {
  const { inputs, features, random } = stressed
  const isNumber = ({ type }: Feature): boolean => type !== 'string' && type !== 'boolean'
  const spreads = features.map(deviation)
  const put = (at: number, column: Float64Array): Columns => features.with(at, column)
  for (const [at, feature] of inputs.entries()) {
    const column = features[at]!
    if (feature.nullable) {
      yield {
        kind: 'missing',
        what: feature.name,
        features: put(
          at,
          column.map(() => Number.NaN),
        ),
      }
    }
    if (!isNumber(feature)) continue
    for (const sign of [1, -1]) {
      const moved = column.map(value => within(feature, value + sign * spreads[at]!))
      yield { kind: 'shifted', what: `${feature.name} ${sign > 0 ? '+' : '−'}1 sd`, features: put(at, moved) }
    }
    for (const [name, value] of edges(feature, column, spreads[at]!)) {
      const edge = column.map(() => value)
      yield { kind: 'extreme', what: `${feature.name} = ${name}`, features: put(at, edge) }
    }
  }
  const size = perturbed?.size ?? NOISE
  const noisy = features.map((column, at) =>
    isNumber(inputs[at]!)
      ? column.map(value => within(inputs[at]!, value + size * spreads[at]! * normal(random)))
      : column,
  )
  yield { kind: 'perturbed', what: `all numbers, by ${shown(size)} sd`, features: noisy }
}

/** A value as a caller may send it: whole where it must be, not beyond what is refused. */
function within({ type, minimum = -Infinity, maximum = Infinity }: Feature, value: number): number {
  const whole = type === 'integer' ? Math.round(value) : value
  return Number.isNaN(whole) ? whole : Math.min(Math.max(whole, minimum), maximum)
}

/** The outermost values that are not refused; without limits, ten spreads beyond what was seen. */
function edges(feature: Feature, column: Float64Array, spread: number): (readonly [string, number])[] {
  const present = column.filter(value => !Number.isNaN(value))
  if (present.length === 0) return []
  const [least, most] = [present.reduce((a, b) => Math.min(a, b)), present.reduce((a, b) => Math.max(a, b))]
  const low = feature.minimum ?? within(feature, least - 10 * spread)
  const high = feature.maximum ?? within(feature, most + 10 * spread)
  return [low, high].map(value => [shown(value), value] as const)
}

function deviation(column: Float64Array): number {
  let [count, mean, squares] = [0, 0, 0]
  for (const value of column) {
    if (Number.isNaN(value)) continue
    count++
    const off = value - mean
    mean += off / count
    squares += off * (value - mean)
  }
  return count > 1 ? Math.sqrt(squares / (count - 1)) : 0
}

function normal(random: Random): number {
  return normalQuantile(Math.min(1 - 2 ** -53, Math.max(2 ** -53, random())))
}

function compared({ scored, metric }: Stressed, now: Scored): Omit<StressRow, 'kind' | 'what'> {
  const { better, of } = MEASURES[metric]
  const rows = scored.truth.length
  let [change, broken, flips] = [0, 0, 0]
  for (let row = 0; row < rows; row++) {
    let isBroken = false
    for (const [at, column] of now.answers.entries()) {
      const value = column[row]!
      if (Number.isFinite(value)) change += Math.abs(value - scored.answers[at]![row]!) / (rows * now.answers.length)
      else isBroken = true
    }
    if (isBroken) broken++
    if (now.called[row] !== scored.called[row]) flips++
  }
  const [before, after] = [of(scored), broken > 0 ? Number.NaN : of(now)]
  const lost = better === 'higher' ? before - after : after - before
  return {
    change,
    broken,
    ...(scored.task === 'regression' ? {} : { flips: flips / rows }),
    ...(Number.isFinite(after) ? { value: after } : {}),
    ...(Number.isFinite(lost) && before !== 0 ? { drop: lost / Math.abs(before) } : {}),
  }
}

function* brokenChecks(rows: readonly StressRow[]): Generator<Check> {
  const broken = rows.filter(row => row.broken > 0)
  if (broken.length === 0) {
    const says = `Every answer is a number in ${rows.length} trials with worse data`
    yield { about: 'stress', name: 'stress.finite', status: 'passed', says }
  }
  for (const { kind, what, broken: count } of broken) {
    const says = `${count} answers are no numbers (${kind}: ${what})`
    yield { about: 'stress', name: `stress.finite.${kind}.${what}`, status: 'failed', says, value: count, limit: 0 }
  }
}

function* dropChecks(rows: readonly StressRow[], declared: Declared, metric: JudgedMetric): Generator<Check> {
  for (const kind of ['missing', 'shifted', 'perturbed'] as const) {
    const limit = declared[kind]?.maximumDrop
    const worst = rows
      .filter(row => row.kind === kind && row.drop !== undefined)
      .reduce<StressRow | undefined>((a, b) => (a === undefined || b.drop! > a.drop! ? b : a), undefined)
    if (worst === undefined) continue
    const { drop = 0, what } = worst
    const lost = drop <= 0 ? 'loses nothing' : `loses ${percent(drop)}`
    const says = `Data that is ${kind}: ${metric} ${lost} at worst (${what})`
    const status = limit !== undefined && drop > limit ? 'failed' : 'passed'
    yield {
      about: 'stress',
      name: `stress.${kind}`,
      status,
      says,
      value: drop,
      ...(limit === undefined ? {} : { limit }),
    }
  }
  const [noisy] = rows.filter(row => row.kind === 'perturbed')
  const limit = declared.perturbed?.maximumFlips
  if (noisy?.flips === undefined) return
  const says = `${percent(noisy.flips)} of the decisions change when all numbers are disturbed`
  const status = limit !== undefined && noisy.flips > limit ? 'failed' : 'passed'
  const limits = limit === undefined ? {} : { limit }
  yield { about: 'stress', name: 'stress.flips', status, says, value: noisy.flips, ...limits }
}
