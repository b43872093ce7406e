/** A trial: one point of the space, tried. */
import { Problem } from '../../errors.ts'
import type { StudyDefinition } from './definition.ts'
import type { Settings } from './space.ts'
import type { TrialState, TrialsRow } from './tables.ts'

/** A number as it is sent: JSON has no NaN and no infinities, so those are texts. */
export type SentNumber = number | 'NaN' | 'Infinity' | '-Infinity'

export interface Trial {
  readonly number: number
  readonly state: TrialState
  readonly params: Settings
  readonly values?: Readonly<Record<string, SentNumber>>
  /** 1 at the first time; whoever tells of a trial may give it, and is refused where another worker has taken over. */
  readonly attempt: number
  readonly worker?: string
  readonly leaseUntil?: number
  readonly lastStep?: number
  readonly lastValue?: SentNumber
  readonly error?: string
  readonly createdAt: number
  readonly startedAt?: number
  readonly finishedAt?: number
}

export function trialOf(row: TrialsRow, { objectives }: StudyDefinition): Trial {
  const outcome = row.outcome === null ? undefined : (JSON.parse(row.outcome) as SentNumber[])
  const known = <K extends string, V>(key: K, value: V | null): { readonly [key in K]?: V } =>
    value === null ? {} : ({ [key]: value } as { [key in K]: V })
  return {
    number: row.number,
    state: row.state,
    params: JSON.parse(row.params) as Settings,
    ...(outcome && { values: Object.fromEntries(objectives.map(({ name }, i) => [name, outcome[i]!])) }),
    attempt: row.attempt,
    ...known('worker', row.worker),
    ...known('leaseUntil', row.lease_until),
    ...known('lastStep', row.last_step),
    ...(row.last_value === null ? {} : { lastValue: sent(Number(row.last_value)) }),
    ...known('error', row.error),
    createdAt: row.created_at,
    ...known('startedAt', row.started_at),
    ...known('finishedAt', row.finished_at),
  }
}

export function sent(value: number): SentNumber {
  return Number.isFinite(value) ? value : (String(value) as SentNumber)
}

/** What was told of a trial, in the order of the objectives. */
export interface Told {
  readonly value?: SentNumber
  readonly values?: Readonly<Record<string, SentNumber>>
}

/** @throws Problem `invalid` where a value is missing or belongs to no objective. */
export function valuesOf({ objectives }: StudyDefinition, { value, values }: Told): number[] {
  const names = objectives.map(({ name }) => name)
  const wrong = (field: string, problem: string): Problem =>
    new Problem('invalid', `Cannot tell the trial: ${field} ${problem}`, { fields: [{ field, problem }] })
  if ((value === undefined) === (values === undefined)) {
    throw wrong(
      'value',
      value === undefined ? 'is missing, and so is values' : 'is given beside values, wanted one of them',
    )
  }
  if (values === undefined) {
    if (names.length > 1) throw wrong('value', `is one, wanted values of ${names.join(', ')}`)
    return [Number(value)]
  }
  const strange = Object.keys(values).find(name => !names.includes(name))
  if (strange !== undefined) throw wrong(`values.${strange}`, `is no objective; the study has ${names.join(', ')}`)
  return names.map(name => {
    if (!Object.hasOwn(values, name)) throw wrong(`values.${name}`, 'is missing')
    return Number(values[name])
  })
}

/** Values turned so that the less, the better. */
export function lossesOf({ objectives }: StudyDefinition, values: readonly number[]): number[] {
  return objectives.map(({ direction }, i) => (direction === 'maximize' ? -values[i]! : values[i]!))
}
