/** What can be asked of `judge-windows.ts`, and what it answers. */
import type { Estimate } from '../math/inference/estimate.ts'
import type { ReliabilityBin } from '../math/metrics/calibration.ts'
import type { Confusion } from '../math/metrics/confusion.ts'
import type { Snapshot } from './query.ts'

/** How outcomes are held against answers. */
export type Judging =
  | {
      readonly task: 'binary'
      readonly output: string
      /** Positive is what answers at least this probability. */
      readonly threshold: number
      /** The output is log-odds: judged are the probabilities they mean. */
      readonly isLogOdds: boolean
    }
  | { readonly task: 'regression'; readonly output: string }
  /** An output for each class, whose name an outcome says. */
  | { readonly task: 'multiclass'; readonly outputs: readonly string[] }
  /** Known outcomes are counted and not judged. */
  | { readonly task: 'unjudged' }

export interface QualityQuestion {
  readonly snapshot: Snapshot
  readonly model: string
  readonly version: string
  /** Of predictions, inclusive, milliseconds since the epoch. */
  readonly since: number
  /** Exclusive. */
  readonly until: number
  /** Windows of this length from `since` on; the last one may be shorter. */
  readonly stepMs: number
  /** Only the newest so many predictions whose outcome is known are judged; all are counted. */
  readonly latest?: number
  readonly judging: Judging
}

/** Predictions of a window against what became of them. */
export interface JudgedWindow {
  readonly from: number
  /** Exclusive. */
  readonly to: number
  readonly predictions: number
  /** Predictions of the window whose outcome is known by now. */
  readonly outcomes: number
  /** Those that exist for these rows: see `math/metrics`. */
  readonly metrics: Readonly<Record<string, Estimate>>
  /** Of a binary model, like the curve. */
  readonly confusion?: Confusion
  readonly reliability?: readonly ReliabilityBin[]
}
