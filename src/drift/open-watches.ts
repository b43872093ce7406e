/** The watches of a server, put together: traffic and service, counts by window, drift. */
import type { OpenedLedger } from '../ledger/open-ledger.ts'
import type { Refused } from '../ledger/refusals.ts'
import { openWatch } from '../monitoring/live-watch.ts'
import { predictionMetrics } from '../monitoring/prediction-metrics.ts'
import { type ServiceWatch, serviceWatch } from '../monitoring/recent-calls.ts'
import { type ServiceTargets, serviceTargets } from '../monitoring/service-levels.ts'
import { serviceMetrics } from '../monitoring/service-metrics.ts'
import { windowStore } from '../monitoring/store.ts'
import type { Watch } from '../monitoring/watch.ts'
import type { Clock } from '../platform/clock.ts'
import type { Config } from '../platform/config.ts'
import type { Database } from '../platform/database.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Timers } from '../platform/timers.ts'
import type { Registry } from '../registry/registry.ts'
import type { Observer } from '../serving/journey.ts'
import { type DriftWatch, watchDrift } from './watch-drift.ts'

/** Who hears of what is served, and counts it. */
export interface Watches {
  readonly watch: Watch
  readonly service: ServiceWatch
  readonly drift: DriftWatch
  readonly targetsOf: (model: string, version: string) => ServiceTargets
  /** Of this process. */
  readonly observers: readonly Observer[]
  readonly refused: Refused
}

export interface WatchesParts {
  readonly config: Pick<Config, 'monitoring' | 'drift'>
  readonly ledger: OpenedLedger
  readonly registry: Registry
  readonly db: Database
  readonly clock: Clock
  readonly timers: Timers
  /** Milliseconds of a timer that never goes back. */
  readonly timer: () => number
  readonly log: Log
  readonly metrics: Pick<Metrics, 'family'>
}

export function openWatches({ config, ledger, registry, db, metrics, ...time }: WatchesParts): Watches {
  const { clock, timers, timer, log } = time
  const { catalogue } = registry
  const watch = openWatch({
    ledger,
    registry,
    store: windowStore(db),
    clock,
    timers,
    log,
    options: config.monitoring,
    latestRows: version => version?.drift?.window ?? config.drift.window,
  })
  const service = serviceWatch({ clock })
  const targetsOf = (model: string, version: string): ServiceTargets =>
    serviceTargets(catalogue.version(model, version)?.service)
  const { windowMs } = config.monitoring
  const judging = { config: config.drift, windowMs, clock, timers, timer, log }
  const drift = watchDrift({ watch, registry, ...judging })
  const counted = predictionMetrics()
  metrics.family(counted.render)
  metrics.family(() => drift.render())
  metrics.family(serviceMetrics({ service, targetsOf }))
  const refused: Refused = record => {
    watch.refused(record)
    service.refused(record)
  }
  const observers = [counted.observe, service.observe, watch.observe, drift.observe]
  return { watch, service, drift, targetsOf, observers, refused }
}
