/** Counts what is served, live: what every reading of drift and of the service starts from. */
import type { Refused } from '../ledger/refusals.ts'
import type { Observer } from '../serving/journey.ts'
import type { Served, ServedLane } from '../serving/served.ts'
import type { WindowCounts } from './window-counts.ts'

/** Times of which windows are wanted, milliseconds since the epoch. */
export interface TimeRange {
  readonly since: number
  /** Exclusive. */
  readonly until: number
}

/** A call that was answered by another process of this server, and which counters its rows raise. */
export interface CountedCall extends Served {
  readonly lane: ServedLane
  readonly rows: { readonly count: number }
  /** Row by row, the counter of each watched column: see `putSlots`. */
  readonly slots: ArrayLike<number>
}

/**
 * Duties: each recorded prediction is counted once, in the time window of its `at`, through any restart or crash, and so is
 * each recorded refusal; what is counted equals what `recount` makes of the ledger's records, number by number.
 */
export interface Watch {
  /** Counts an answered call. */
  readonly observe: Observer
  /** Counts a call that another process of this server answered and this one recorded. */
  counted(call: CountedCall): void
  /** Counts refusals that were written. */
  readonly refused: Refused
  /**
   * Resolves when what was recorded before this process began is counted as well; the first call starts that. Rejects where
   * the ledger cannot be read; the next call tries again.
   */
  recovered(): Promise<void>
  /**
   * The time windows of a version that overlap the range and have anything in them, oldest first, the open one last. They are
   * aligned to `monitoring.windowMs`. Of replicas that share a database, each adds what it stored; windows that are still
   * open are this process's.
   *
   * @param version empty for what was refused before a version was chosen.
   */
  windows(model: string, version: string, range: TimeRange): Promise<WindowCounts[]>
  /** As `windows`, without the columns: for whoever asks about traffic only, a small part of the work. */
  calls(model: string, version: string, range: TimeRange): Promise<WindowCounts[]>
  /** As `windows`, made of the ledger's records instead. */
  recount(model: string, version: string, range: TimeRange): Promise<WindowCounts[]>
  /**
   * Exactly the last N predictions of a version in the order of their answers (those before a restart: of their records), or
   * fewer while there are fewer; undefined while there is none.
   */
  latest(model: string, version: string): WindowCounts | undefined
  /** Versions that were asked. */
  versions(): readonly { readonly model: string; readonly version: string }[]
  /** Calls `listener` with each time window of a version that has closed; again after a crash. It must not throw. */
  onWindow(listener: (counts: WindowCounts) => void): void
  /** Stores what is closed. */
  close(): Promise<void>
}
