/** The drift of a version in a line, for a list of models. */
import type { DriftStatistic } from '../registry/drift-keys.ts'
import type { Verdict } from './judge.ts'
import type { DriftState } from './state.ts'

export interface DriftSigns {
  readonly state: 'idle' | 'ok' | 'warning' | 'alarm'
  /** The reading that made the state. */
  readonly feature?: string
  readonly statistic?: DriftStatistic
  readonly value?: number
  readonly sentence?: string
}

const STATES: Readonly<Record<Verdict, DriftSigns['state']>> = {
  'not watched': 'idle',
  'too few': 'idle',
  ok: 'ok',
  warning: 'warning',
  drift: 'alarm',
}

export function driftSigns(known: DriftState | undefined): DriftSigns {
  if (known === undefined) return { state: 'idle' }
  const { feature, statistic, value, sentence } = known.cause ?? {}
  return {
    state: STATES[known.verdict],
    ...(feature === undefined ? {} : { feature }),
    ...(statistic === undefined ? {} : { statistic }),
    ...(value === undefined ? {} : { value }),
    ...(sentence === undefined ? {} : { sentence }),
  }
}
