/**
 * Judges what is served as it is served: the last predictions of a version after each fifth of a window, and each window of time
 * when it has closed. Judging costs the answering thread at most a fiftieth of its time, however many versions there are: then
 * those that are due wait for their turn.
 */
import type { Watch } from '../monitoring/watch.ts'
import type { WindowCounts } from '../monitoring/window-counts.ts'
import type { Clock } from '../platform/clock.ts'
import type { Config } from '../platform/config-keys.ts'
import type { Log } from '../platform/log.ts'
import type { Timers } from '../platform/timers.ts'
import type { ReferenceProfile } from '../registry/profile.ts'
import type { Registry } from '../registry/registry.ts'
import type { ModelVersion } from '../registry/version.ts'
import type { ServedLane, ServedObserver } from '../serving/served.ts'
import { driftText } from './drift-metrics.ts'
import { comparison } from './judge.ts'
import { driftSettings } from './settings.ts'
import type { DriftState } from './state.ts'
import { type DriftChange, WatchedVersion } from './watched-version.ts'

export interface DriftWatch {
  /** Hears of answered calls, after the watch whose counts are judged. */
  readonly observe: ServedObserver
  /** Judges what was recorded before this process began. */
  begin(): Promise<void>
  /**
   * A version with its last predictions judged just now; undefined where it was registered without reference data. Throws what
   * reading the profile or the ledger throws.
   */
  version(version: ModelVersion): Promise<WatchedVersion | undefined>
  /** From memory; undefined while nothing is known. */
  state(model: string, version: string): DriftState | undefined
  /** The families of `/metrics`. */
  render(): string
  close(): void
}

export interface DriftWatchParts {
  readonly watch: Pick<Watch, 'latest' | 'windows' | 'versions' | 'onWindow' | 'recovered'>
  readonly registry: Pick<Registry, 'profile'> & { readonly catalogue: Pick<Registry['catalogue'], 'version'> }
  readonly config: Config['drift']
  /** Length of the windows of time. */
  readonly windowMs: number
  readonly clock: Clock
  readonly timers: Timers
  /** A steady timer, milliseconds. */
  readonly timer: () => number
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
}

/** Windows that were closed before this process began are looked for so far back. */
const RECALLED_WINDOWS = 3
const TURN_MS = 100
const SPENT_MS_MAX = 2

export function watchDrift(parts: DriftWatchParts): DriftWatch {
  return new LiveDrift(parts)
}

class LiveDrift implements DriftWatch {
  readonly observe: ServedObserver
  readonly #parts: DriftWatchParts
  readonly #versions = new Map<string, WatchedVersion>()
  /** By number of the lane; null for a version without a reference. */
  readonly #lanes: (WatchedVersion | null | undefined)[] = []
  readonly #due = new Set<WatchedVersion>()
  readonly #recalled = new Map<WatchedVersion, Promise<void>>()
  #cancelTurn: (() => void) | undefined
  #isClosed = false

  constructor(parts: DriftWatchParts) {
    this.#parts = parts
    this.observe = ({ lane, rows, problem }) => {
      if (lane === undefined || rows === undefined || problem !== undefined) return
      const known = this.#lanes[lane.number]
      const watched = known === undefined ? this.#ofLane(lane) : known
      if (watched === null) return
      watched.pending += rows.count
      if (watched.pending >= watched.every) this.#isDue(watched)
    }
    parts.watch.onWindow(counts => void this.#judgeClosed(counts))
  }

  async begin(): Promise<void> {
    const { watch, registry } = this.#parts
    await watch.recovered()
    for (const { model, version } of watch.versions()) {
      const known = registry.catalogue.version(model, version)
      const watched = known && (await this.#watched(known))
      if (watched === undefined) continue
      await this.#recall(watched)
      this.#isDue(watched)
    }
  }

  async version(version: ModelVersion): Promise<WatchedVersion | undefined> {
    const watched = await this.#watched(version)
    if (watched === undefined) return undefined
    await this.#recall(watched)
    this.#judge(watched)
    return watched
  }

  state(model: string, version: string): DriftState | undefined {
    return this.#versions.get(keyOf({ model, version }))?.state
  }

  render(): string {
    return driftText([...this.#versions.values()], this.#parts.clock.now())
  }

  close(): void {
    this.#isClosed = true
    this.#cancelTurn?.()
  }

  #ofLane({ model: { version, profile }, number }: ServedLane): WatchedVersion | null {
    const watched = profile === undefined ? null : this.#made(version, profile)
    this.#lanes[number] = watched
    return watched
  }

  #made(version: ModelVersion, profile: ReferenceProfile): WatchedVersion {
    const key = keyOf(version)
    const known = this.#versions.get(key)
    if (known !== undefined) return known
    const settings = driftSettings(this.#parts.config, version.drift)
    const made = new WatchedVersion(version, settings.window, () => comparison(profile, version.signature, settings))
    this.#versions.set(key, made)
    return made
  }

  async #watched(version: ModelVersion): Promise<WatchedVersion | undefined> {
    const known = this.#versions.get(keyOf(version))
    if (known !== undefined || version.profile === undefined) return known
    return this.#made(version, await this.#parts.registry.profile(version.model, version.version))
  }

  /** Judges the last window of time that closed before this process began; once. */
  #recall(watched: WatchedVersion): Promise<void> {
    let recalled = this.#recalled.get(watched)
    if (recalled === undefined) {
      recalled = this.#recallLast(watched)
      recalled.catch(() => this.#recalled.delete(watched))
      this.#recalled.set(watched, recalled)
    }
    return recalled
  }

  async #recallLast(watched: WatchedVersion): Promise<void> {
    const { watch, windowMs, clock } = this.#parts
    await watch.recovered()
    const now = clock.now()
    const range = { since: Math.max(0, now - RECALLED_WINDOWS * windowMs), until: now + 1 }
    const windows = await watch.windows(watched.model, watched.version, range)
    const closed = windows.findLast(({ to }) => to <= now)
    if (closed !== undefined) this.#tell(watched, watched.judgeClosed(closed))
  }

  #isDue(watched: WatchedVersion): void {
    this.#due.add(watched)
    if (this.#cancelTurn !== undefined || this.#isClosed) return
    this.#cancelTurn = this.#parts.timers.after(TURN_MS, () => this.#turn())
  }

  #turn(): void {
    const { timer } = this.#parts
    const endsAt = timer() + SPENT_MS_MAX
    this.#cancelTurn = undefined
    for (const watched of this.#due) {
      this.#due.delete(watched)
      this.#judge(watched)
      if (timer() >= endsAt) break
    }
    const [next] = this.#due
    if (next !== undefined) this.#isDue(next)
  }

  #judge(watched: WatchedVersion): void {
    const { watch, log } = this.#parts
    const { model, version } = watched
    try {
      const counts = watch.latest(model, version)
      if (counts !== undefined) this.#tell(watched, watched.judgeLatest(counts))
    } catch (error) {
      log.error({ err: error, model, version }, 'Drift could not be judged')
    }
  }

  async #judgeClosed(counts: WindowCounts): Promise<void> {
    const { registry, log } = this.#parts
    const { model, version } = counts
    try {
      const known = registry.catalogue.version(model, version)
      const watched = known && (await this.#watched(known))
      if (watched !== undefined) this.#tell(watched, watched.judgeClosed(counts))
    } catch (error) {
      log.error({ err: error, model, version }, 'Drift of a window could not be judged')
    }
  }

  #tell({ model, version }: WatchedVersion, change: DriftChange | undefined): void {
    if (change === undefined || change.state.verdict === 'too few') return
    const { before, state, predictions } = change
    const { feature, statistic, value, rows, sentence } = state.cause ?? {}
    const fields = { model, version, state: state.verdict, before, feature, statistic, value, rows, predictions }
    const isBad = state.verdict === 'drift' || state.verdict === 'warning'
    if (isBad) this.#parts.log.warn(fields, `Drift: ${sentence ?? state.verdict}`)
    else if (before !== 'too few') this.#parts.log.info(fields, 'The predictions are like the reference data again')
  }
}

function keyOf({ model, version }: { readonly model: string; readonly version: string }): string {
  return JSON.stringify([model, version])
}
