/** What is believed of a version from one judgement to the next. */
import { type Judgement, SEVERITY, type Verdict } from './judge.ts'
import type { Reading } from './reading.ts'

/** `too few`: not enough predictions yet. `not watched`: there is no reference, or nothing of it is watched. */
export interface DriftState {
  readonly verdict: Verdict
  /** Since when, milliseconds since the epoch. */
  readonly since: number
  /** The reading that made it so. */
  readonly cause?: Reading
}

/** The state, and at which count of predictions each of the bad verdicts was last heard. */
export interface Believed {
  readonly state: DriftState
  readonly heardAt: { readonly warning: number; readonly drift: number }
}

export const NOTHING_BELIEVED: Believed = {
  state: { verdict: 'too few', since: 0 },
  heardAt: { warning: Number.NEGATIVE_INFINITY, drift: Number.NEGATIVE_INFINITY },
}

/**
 * A bad verdict is believed at once, for it is rare by chance; a better one when a whole window of predictions has come without the
 * bad one. So a reading that hovers about its threshold does not make the state flap.
 *
 * @param predictions how many there have been. @param window how many are judged at a time.
 */
export function believe(
  before: Believed,
  { verdict, to }: Pick<Judgement, 'verdict' | 'to'>,
  cause: Reading | undefined,
  { predictions, window }: { readonly predictions: number; readonly window: number },
): Believed {
  const heardAt = {
    warning: SEVERITY[verdict] >= SEVERITY.warning ? predictions : before.heardAt.warning,
    drift: verdict === 'drift' ? predictions : before.heardAt.drift,
  }
  const held = (['drift', 'warning'] as const).find(bad => predictions - heardAt[bad] < window)
  const believed = held !== undefined && SEVERITY[held] > SEVERITY[verdict] ? held : verdict
  if (believed === before.state.verdict) {
    const newest = verdict === believed ? cause : before.state.cause
    return { state: { ...before.state, ...(newest === undefined ? {} : { cause: newest }) }, heardAt }
  }
  const reason = verdict === believed ? cause : before.state.cause
  return { state: { verdict: believed, since: to, ...(reason === undefined ? {} : { cause: reason }) }, heardAt }
}
