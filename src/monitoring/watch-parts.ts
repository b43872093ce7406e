/** What a watch is made of. */
import type { OpenedLedger } from '../ledger/open-ledger.ts'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import type { Timers } from '../platform/timers.ts'
import type { Registry } from '../registry/registry.ts'
import type { ModelVersion } from '../registry/version.ts'
import type { WindowStore } from './store.ts'

export interface WatchParts {
  readonly ledger: Pick<OpenedLedger, 'size' | 'keyId' | 'counts' | 'seenVersions' | 'query'>
  readonly registry: Pick<Registry, 'profile'> & { readonly catalogue: Pick<Registry['catalogue'], 'version'> }
  readonly store: WindowStore
  readonly clock: Clock
  readonly timers: Timers
  readonly log: Pick<Log, 'warn' | 'error'>
  /** `monitoring.*` of the configuration. */
  readonly options: { readonly windowMs: number; readonly keepMs: number }
  /** How many predictions `latest` counts. */
  readonly latestRows: (version: ModelVersion | undefined) => number
}

export interface VersionName {
  readonly model: string
  readonly version: string
}
