import type { InclusionProof, SignedHead } from './evidence.ts'
import type { Durability, LedgerRecord, RecordKind } from './record.ts'
import type { ValueCondition } from './where.ts'

/**
 * The ledger as the rest of the program sees it.
 *
 * Duties: what `append` has acknowledged survives the death of the process at any moment and is found exactly once after
 * a restart; records keep the order of their appends; nothing is ever changed or removed. Reading sees every
 * acknowledged record, sealed or not. Appending never waits for sealing, hashing, signing or reading.
 */
export interface Ledger {
  /**
   * Writes records in their canonical form (see `canonical`). All appends of one event-loop turn share one write and one
   * promise; it resolves when they are in the journal (`process`: written; `power`: also flushed to the device).
   * Rejects with `storage_full` where nothing of the turn was kept.
   */
  append(canonicalRecords: readonly string[], durability?: Durability): Promise<void>
  find(id: string): Promise<LedgerRecord | undefined>
  query(query: LedgerQuery): Promise<LedgerPage>
  /** The newest signed head, made on the spot when records came since the last one. */
  head(): Promise<SignedHead>
  /** Proves that a record is under the newest head. Throws `not_found`. */
  prove(id: string): Promise<InclusionProof>
  /** Seals what the journal holds now. Used by tests, `audit export` and an orderly shutdown of a full journal. */
  seal(): Promise<void>
  close(): Promise<void>
}

export interface LedgerQuery {
  readonly kind?: RecordKind
  readonly model?: string
  readonly version?: string
  /** Inclusive, milliseconds since the epoch. */
  readonly since?: number
  /** Exclusive. */
  readonly until?: number
  /** Pseudonym of a subject. */
  readonly subject?: string
  readonly actor?: string
  /** Of predictions: what they were made of, and what moved them. */
  readonly where?: readonly ValueCondition[]
  readonly order?: 'oldest' | 'newest'
  /** At most 10,000. */
  readonly limit: number
  /** `LedgerPage.next` of the page before. */
  readonly after?: string
}

export interface LedgerPage {
  readonly records: readonly LedgerRecord[]
  /** Absent on the last page. */
  readonly next?: string
}
