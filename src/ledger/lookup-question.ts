/** What can be asked of `lookup.ts`, and what it answers. */
import type { Snapshot } from './query.ts'
import type { Money, Scalar } from './record.ts'

/** A subject of a model, by pseudonym, and until when (inclusive, milliseconds since the epoch) its predictions count. */
export interface SubjectUntil {
  readonly model: string
  readonly subject: string
  readonly until: number
}

export interface LookupQuestion {
  readonly snapshot: Snapshot
  readonly predictionIds: readonly string[]
  /** Whose newest predictions are wanted. */
  readonly subjects: readonly SubjectUntil[]
}

export interface KnownPrediction {
  readonly id: string
  readonly at: number
  readonly model: string
  readonly version: string
  /** Pseudonym. */
  readonly subject?: string
}

export interface KnownOutcome {
  /** Of its record. */
  readonly id: string
  readonly value: Scalar
  readonly happenedAt?: number
  readonly amount?: Money
}

export interface LookupAnswer {
  /** By id; those that the ledger has. */
  readonly predictions: ReadonlyMap<string, KnownPrediction>
  /** In the order of `subjects`. */
  readonly ofSubjects: readonly (KnownPrediction | undefined)[]
  /** The newest outcome, by id of the prediction: of those asked for, and of those found for subjects. */
  readonly outcomes: ReadonlyMap<string, KnownOutcome>
}
