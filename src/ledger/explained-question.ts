/** What can be asked of the explanations that records keep: see `explained.ts`. */
import type { Snapshot } from './query.ts'
import type { Scalar } from './record.ts'

export interface ExplainedQuestion {
  readonly snapshot: Snapshot
  readonly model: string
  readonly version: string
  /** Inclusive, milliseconds since the epoch. */
  readonly since: number
  /** Exclusive. */
  readonly until: number
  readonly features: readonly string[]
  /** Which of several margins. */
  readonly margin?: string
  /** Rows of the sample, at most. */
  readonly sampleMax: number
}

export interface ExplainedRow {
  readonly id: string
  /** By place in `ExplainedQuestion.features`; null where it is missing, or sealed. */
  readonly values: readonly (Scalar | null)[]
  readonly contributions: readonly (number | null)[]
}

export interface ExplainedSummary {
  /** Predictions that keep the contributions of the exact method. */
  readonly rows: number
  /** By feature: of how many rows its contribution is kept, the sum of them, and the sum of their sizes. */
  readonly features: readonly { readonly rows: number; readonly sum: number; readonly sumOfSizes: number }[]
  /** Each row with the same chance, the same rows for the same records. */
  readonly sample: readonly ExplainedRow[]
}
