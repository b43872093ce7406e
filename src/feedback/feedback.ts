/** The slice put together: outcomes and reviews in, live quality out. */
import type { OpenedLedger } from '../ledger/open-ledger.ts'
import type { Pseudonyms } from '../ledger/pseudonyms.ts'
import type { PredictionRecord } from '../ledger/record.ts'
import type { SubjectKeys } from '../ledger/subject-keys.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Timers } from '../platform/timers.ts'
import type { Registry } from '../registry/registry.ts'
import type { AnyRoute } from '../route.ts'
import type { Releases } from '../serving/choose.ts'
import type { ServedObserver } from '../serving/served.ts'
import { openIntake } from './intake.ts'
import { feedbackMetrics } from './metrics.ts'
import { openQuality } from './quality.ts'
import { type Review, reviewsOf } from './review.ts'
import { feedbackRoutes } from './routes.ts'
import { qualityStore } from './store.ts'
import { qualityWatch } from './watch.ts'

export interface FeedbackParts {
  readonly db: Database
  readonly ledger: OpenedLedger
  readonly registry: Pick<Registry, 'catalogue'>
  readonly releases: Pick<Releases, 'choose'>
  readonly pseudonyms: Pick<Pseudonyms, 'subject'>
  readonly seals: Pick<SubjectKeys, 'open' | 'unseal'>
  readonly clock: Clock
  readonly ids: Ids
  readonly timers: Timers
  readonly log: Pick<Log, 'warn'>
  /** Outcomes of one request. */
  readonly batchRowsMax: number
  /** Of an imported table. */
  readonly importBytesMax: number
}

/** How right a version was, in one number and its course. */
export interface QualitySigns {
  readonly metric?: string
  readonly value?: number
  /** Ends of the interval. */
  readonly low?: number
  readonly high?: number
  /** Share of the predictions whose outcome is known. */
  readonly maturity?: number
  /** The metric each time it was judged, oldest first. */
  readonly series: readonly number[]
}

export interface Feedback {
  readonly observe: ServedObserver
  readonly routes: readonly AnyRoute[]
  /** What experts think of a prediction, oldest first. */
  reviews(prediction: Pick<PredictionRecord, 'id' | 'subject'>): Promise<readonly Review[]>
  /** From memory; undefined while nothing is known. */
  signs(model: string, version: string): QualitySigns | undefined
  /** The families, for `Metrics.family`. */
  render(): string
  /** Judges in the background what the ledger has. */
  begin(): Promise<void>
  close(): Promise<void>
}

export function openFeedback(parts: FeedbackParts): Feedback {
  const { db, ledger, registry, clock, seals } = parts
  const { catalogue } = registry
  const quality = openQuality({ ledger, store: qualityStore(db), clock })
  const watch = qualityWatch({ ...parts, catalogue })
  const intake = openIntake({
    ...parts,
    catalogue,
    around: {
      before: quality.before,
      after(touched): void {
        quality.after(touched)
        watch.touched(touched)
      },
    },
  })
  const metrics = feedbackMetrics(() => watch.all())
  return {
    observe: watch.observe,
    routes: feedbackRoutes({ ...parts, intake, quality, metrics }),
    reviews: prediction => reviewsOf({ ledger, seals }, prediction),
    signs(model, version): QualitySigns | undefined {
      const live = watch.live(model, version)
      if (live === undefined) return undefined
      const { metric, estimate, maturity, series } = live
      return {
        ...(metric !== undefined && { metric }),
        ...(estimate !== undefined && { value: estimate.value, low: estimate.low, high: estimate.high }),
        ...(maturity !== undefined && { maturity }),
        series,
      }
    },
    render: metrics.render,
    begin: () => watch.start(),
    close: () => watch.close(),
  }
}
