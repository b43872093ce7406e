/**
 * Keeps the live quality of each version at hand: judged anew, in the background, a moment after an outcome came. It takes at most
 * a twentieth of the engine's time.
 */

import type { OpenedLedger } from '../ledger/open-ledger.ts'
import type { JudgedWindow } from '../ledger/quality-question.ts'
import type { Estimate } from '../math/inference/estimate.ts'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import type { Timers } from '../platform/timers.ts'
import type { Catalogue } from '../registry/catalogue.ts'
import type { ServedLane, ServedObserver } from '../serving/served.ts'
import type { Touched } from './intake.ts'
import { headlineMetric, judgingOf } from './judging.ts'
import { maturityOf } from './quality.ts'

/** How right a version is now: over its newest predictions whose outcome is known. */
export interface LiveQuality {
  readonly model: string
  readonly version: string
  /** The metric that stands for all, where the model has one. */
  readonly metric?: string
  readonly estimate?: Estimate
  readonly metrics: Readonly<Record<string, Estimate>>
  /** Share of the predictions of the horizon whose outcome is known. */
  readonly maturity?: number
  /** What `estimate` was, each time it was judged; oldest first. */
  readonly series: readonly number[]
}

export interface QualityWatch {
  /** An outcome of these predictions was written. */
  touched(touched: readonly Touched[]): void
  /** From memory. */
  live(model: string, version: string): LiveQuality | undefined
  all(): readonly LiveQuality[]
  /** More predictions without an outcome make the maturity less. */
  readonly observe: ServedObserver
  /** Looks up which versions have predictions, and begins. */
  start(): Promise<void>
  close(): Promise<void>
}

export interface QualityWatchParts {
  readonly ledger: Pick<OpenedLedger, 'judgeWindows' | 'seenVersions' | 'size'>
  readonly catalogue: Pick<Catalogue, 'version'>
  readonly clock: Clock
  readonly timers: Timers
  readonly log: Pick<Log, 'warn'>
}

/** Predictions made before are not looked at. */
const HORIZON_MS = 30 * 86_400_000
/** So many of the newest predictions whose outcome is known are judged. */
const LATEST = 1000
/** After an outcome. */
const SOON_MS = 1_000
/** After predictions. */
const LATER_MS = 60_000
/** So many times as long as judging took, nothing is judged. */
const REST_PER_WORK = 19
const SERIES_MAX = 60

export function qualityWatch(parts: QualityWatchParts): QualityWatch {
  return new LedgerQualityWatch(parts)
}

class LedgerQualityWatch implements QualityWatch {
  readonly #parts: QualityWatchParts
  readonly #live = new Map<string, LiveQuality>()
  /** Lanes that have answered since their version was judged. */
  readonly #answered = new Set<ServedLane>()
  /** When each is to be judged. */
  readonly #due = new Map<string, { readonly model: string; readonly version: string; readonly at: number }>()
  #cancel: (() => void) | undefined
  #running: Promise<void> | undefined
  #restUntil = 0
  #closed = false

  constructor(parts: QualityWatchParts) {
    this.#parts = parts
  }

  readonly observe: ServedObserver = ({ lane, problem }) => {
    if (lane === undefined || problem !== undefined || this.#answered.has(lane)) return
    this.#answered.add(lane)
    const { model, version } = lane.model.version
    // Without any outcome the maturity stays what it is, which is 0.
    if (this.#live.get(keyOf(model, version))?.maturity === 0) return
    this.#want(model, version, this.#parts.clock.now() + LATER_MS)
    this.#schedule()
  }

  touched(touched: readonly Touched[]): void {
    const at = this.#parts.clock.now() + SOON_MS
    for (const { model, version } of touched) this.#want(model, version, at)
    this.#schedule()
  }

  live(model: string, version: string): LiveQuality | undefined {
    return this.#live.get(keyOf(model, version))
  }

  all(): readonly LiveQuality[] {
    return [...this.#live.values()]
  }

  async start(): Promise<void> {
    const { ledger, clock } = this.#parts
    if (ledger.size === 0) return
    const now = clock.now()
    const range = { since: now - HORIZON_MS, until: now + 1, before: ledger.size }
    for (const { model, version } of await ledger.seenVersions(range))
      if (version !== '') this.#want(model, version, now)
    this.#schedule()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    await this.#running
  }

  #want(model: string, version: string, at: number): void {
    const key = keyOf(model, version)
    const before = this.#due.get(key)
    if (before === undefined || before.at > at) this.#due.set(key, { model, version, at })
  }

  #schedule(): void {
    if (this.#closed || this.#running !== undefined || this.#due.size === 0) return
    this.#cancel?.()
    let at = Number.POSITIVE_INFINITY
    for (const due of this.#due.values()) at = Math.min(at, due.at)
    const now = this.#parts.clock.now()
    this.#cancel = this.#parts.timers.after(Math.max(0, at - now, this.#restUntil - now), () => this.#run())
  }

  #run(): void {
    const now = this.#parts.clock.now()
    const next = [...this.#due.values()].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at)[0]
    if (next === undefined) {
      this.#schedule()
      return
    }
    this.#due.delete(keyOf(next.model, next.version))
    this.#running = this.#judge(next.model, next.version).finally(() => {
      this.#running = undefined
      const ended = this.#parts.clock.now()
      this.#restUntil = ended + (ended - now) * REST_PER_WORK
      this.#schedule()
    })
  }

  async #judge(model: string, version: string): Promise<void> {
    const { ledger, catalogue, clock, log } = this.#parts
    const registered = catalogue.version(model, version)
    if (registered === undefined) return
    const until = clock.now() + 1
    const since = until - HORIZON_MS
    const judging = judgingOf(registered)
    for (const lane of this.#answered) {
      const { version: answering } = lane.model
      if (answering.model === model && answering.version === version) this.#answered.delete(lane)
    }
    try {
      const question = { model, version, since, until, stepMs: HORIZON_MS, latest: LATEST, judging }
      const [window] = await ledger.judgeWindows(question)
      const key = keyOf(model, version)
      this.#live.set(key, liveOf(model, version, headlineMetric(registered), window!, this.#live.get(key)))
    } catch (error) {
      if (this.#closed) return
      log.warn({ err: error, model, version }, 'The live quality cannot be told; it is tried again')
      this.#want(model, version, clock.now() + LATER_MS)
    }
  }
}

function liveOf(
  model: string,
  version: string,
  metric: string | undefined,
  window: JudgedWindow,
  before: LiveQuality | undefined,
): LiveQuality {
  const { metrics } = window
  const estimate = metric === undefined ? undefined : metrics[metric]
  const maturity = maturityOf(window)
  const series = before?.series ?? []
  const isNew = estimate !== undefined && estimate.value !== series.at(-1)
  return {
    model,
    version,
    ...(metric !== undefined && { metric }),
    ...(estimate !== undefined && { estimate }),
    metrics,
    ...(maturity !== undefined && { maturity }),
    series: isNew ? [...series, estimate.value].slice(-SERIES_MAX) : series,
  }
}

function keyOf(model: string, version: string): string {
  return `${model}@${version}`
}
