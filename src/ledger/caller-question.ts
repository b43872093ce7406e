/** What can be asked of `callers.ts`, and what it answers. */
import type { Snapshot } from './query.ts'

export interface CallersQuestion {
  readonly snapshot: Snapshot
  readonly model: string
  readonly version: string
  /** Inclusive, milliseconds since the epoch. */
  readonly since: number
  /** Exclusive. */
  readonly until: number
}

/** Somebody who was answered by a version. */
export interface VersionCaller {
  /** `Actor.id`. */
  readonly actor: string
  /** A batch is one. */
  readonly calls: number
  readonly rows: number
  /** Milliseconds since the epoch. */
  readonly lastAt: number
}
