/** Counts what is served, live: what every reading of drift and of the service starts from. */
import type { Observer } from '../serving/journey.ts'
import type { WindowCounts } from './window-counts.ts'

/**
 * Duties: each recorded prediction is counted once, in the time window of its `at`, through any restart or crash; what is
 * counted equals what `recount` makes of the ledger's records, number by number.
 */
export interface Watch {
  /** Counts an answered call. */
  readonly observe: Observer
  /**
   * The time windows of a version that overlap the range and have anything in them, oldest first, the open one last. They are
   * aligned to `monitoring.windowMs`.
   */
  windows(
    model: string,
    version: string,
    range: { readonly since: number; readonly until: number },
  ): Promise<WindowCounts[]>
  /** Exactly the last N predictions of a version, or fewer while there are fewer; undefined while there is none. */
  latest(model: string, version: string): WindowCounts | undefined
  /** Versions that were asked. */
  versions(): readonly { readonly model: string; readonly version: string }[]
  /** Calls `listener` with each time window of a version that has closed. */
  onWindow(listener: (counts: WindowCounts) => void): void
  /** Stores what is closed. */
  close(): Promise<void>
}
