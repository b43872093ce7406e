/** What can be asked of `counts.ts`, and what it answers. */
import type { Snapshot } from './query.ts'

/** A column whose values are counted. */
export type CountedColumn = {
  /** Member of the record, and member in that. */
  readonly path: readonly ['features' | 'outputs', string]
} & (
  | {
      readonly kind: 'numeric'
      /** As in `math/bins.ts`; a boolean is 0 or 1. */
      readonly lowers: readonly number[]
      readonly maximum: number
    }
  | {
      readonly kind: 'categorical'
      readonly categories: readonly string[]
    }
)

export interface CountsTarget {
  readonly model: string
  /** Empty: the refusals that name no version. */
  readonly version: string
  readonly columns: readonly CountedColumn[]
}

/** Which records. */
export interface CountsRange {
  /** Inclusive, milliseconds since the epoch. */
  readonly since: number
  /** Exclusive. */
  readonly until: number
  /** Only records before this position of the log. */
  readonly before: number
}

export interface CountsQuestion extends CountsRange {
  readonly snapshot: Snapshot
  /** Windows begin at multiples of it. */
  readonly windowMs: number
  /** Lower bounds of the buckets of latency, milliseconds. */
  readonly latencyLowers: readonly number[]
  readonly targets: readonly CountsTarget[]
}

export interface CountedWindow {
  readonly model: string
  readonly version: string
  readonly from: number
  readonly rows: number
  /** Calls: rows but the second and further ones of batches. */
  readonly invocations: number
  /** By code. */
  readonly refusals: Readonly<Record<string, number>>
  readonly latency: Float64Array
  /** By column of the target: its bins (or categories), below and above (or others), missing. */
  readonly columns: readonly Float64Array[]
}

/** A version of which the ledger has predictions or refusals. */
export interface SeenVersion {
  readonly model: string
  /** Empty: refusals that name no version. */
  readonly version: string
}
