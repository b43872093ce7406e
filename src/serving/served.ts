/** What is known of an answered call also where another process of this server answered it. */
import type { Problem } from '../errors.ts'
import type { LoadedModel } from './lane.ts'

/** A `Lane` as far as counting needs it. */
export interface ServedLane {
  readonly number: number
  readonly model: Pick<LoadedModel, 'version' | 'profile'>
}

/** A `Journey` as far as counting needs it. */
export interface Served {
  readonly at: number
  readonly latencyMs: number
  readonly problem: Problem | undefined
  readonly lane: ServedLane | undefined
  readonly rows: { readonly count: number } | undefined
}

/** An `Observer` that is content with less. */
export type ServedObserver = (served: Served) => void
