/**
 * The models that are ready to answer: loaded and compiled once, shared by all who ask while they load, and kept until
 * others need the memory more, or until nobody asked for long and they would be back in time.
 */
import { Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Timers } from '../platform/timers.ts'
import { isAwaited } from '../predictor/predictor.ts'
import type { LoadedVersion } from '../registry/registry.ts'
import { type LaneNumbers, type LoadedModel, laneMaker, laneNumbers } from './lane.ts'
import { letGo, readyModel } from './loaded-model.ts'

export interface Models {
  /** The model; at once where it is loaded, which is nearly always. Rejects with what loading it threw. */
  get(model: string, version: string): LoadedModel | Promise<LoadedModel>
  /** Whether it would be had at once. Asking is no use of it. */
  isLoaded(model: string, version: string): boolean
  /** Memory that the loaded artifacts hold, bytes. */
  bytes(): number
  /** Memory that they may hold together, bytes. */
  readonly bytesMax: number
  /** Nobody asked for so long: put away. Absent: never for that. Milliseconds. */
  readonly idleAfterMs: number | undefined
  /** Those that are loaded, those that hold most memory first. */
  loaded(): LoadedState[]
  readonly counts: Readonly<ModelCounts>
  /** Puts one away, if it is loaded: whoever asks next loads it again. Returns whether it was. */
  unload(model: string, version: string): boolean
  /** Asks anew what is said of a version: it gets another notice, or is put away because it is not served any more. */
  reconsider(model: string, version: string): void
  /** Lets go of all of them. Whoever asks later is refused. */
  close(): Promise<void>
}

/** A loaded model, seen from outside. */
export interface LoadedState {
  readonly model: string
  readonly version: string
  readonly format: string
  /** Memory that it holds, with what explains it. */
  readonly bytes: number
  /** How long the latest load took, until it could answer. */
  readonly loadMs: number
  readonly loadedAt: number
  /** Nobody asked since then, as far as was looked; looked at every quarter of `idleAfterMs`. */
  readonly idleSince: number
}

/** Since the process began. */
export interface ModelCounts {
  loads: number
  failures: number
  /** Of all loads that came to an end. */
  loadMs: number
  /** Put away because others needed the memory. */
  displaced: number
  /** Put away because nobody asked. */
  idled: number
}

export interface ModelsParts {
  readonly load: (model: string, version: string) => Promise<LoadedVersion>
  readonly clock: Clock
  readonly timers: Timers
  /** Milliseconds of a timer that never goes back, with fractions; for how long a load takes. Default: the clock. */
  readonly timer?: () => number
  /** What answers of a version say in their headers; throws what callers of one are told that is not served. */
  readonly notice?: (model: string, version: string) => LoadedModel['notice']
  /** Numbers of lanes, where they are not of these models alone. */
  readonly numberOf?: LaneNumbers
  /** Least recently used models make room beyond this; one is always kept. */
  readonly bytesMax: number
  /** Without it, nothing is put away only because nobody asks. */
  readonly idle?: IdleLimits
}

export interface IdleLimits {
  /** Milliseconds, at least 1. */
  readonly afterMs: number
  /**
   * How long an answer of this version may take, milliseconds. One that took more than half of it to load is not put away
   * for being idle: its next caller would have to wait longer than was promised.
   */
  readonly budgetMs: (model: string, version: string) => number
}

/** A failure is told again for so long, so that a crowd at a broken model does not load it once for each of them. */
const FAILURE_KEPT_MS = 1_000
/** Requests that are under way when a model is put away have so long to ask it. */
const LEAVING_MS = 5_000
/** How often idle models are looked for, in `afterMs`. */
const LOOKS = 4
/** So many times what it took to load must fit into the budget: the answer takes time too, and so may a busy disk. */
const LOADS_IN_BUDGET = 2

interface Place {
  loaded: LoadedModel | undefined
  loading: Promise<LoadedModel> | undefined
  failure: { readonly error: unknown; readonly until: number } | undefined
  /** Counts up with every use of any model. */
  usedAt: number
  /** `usedAt` when it was last looked at, and the time of the look since which it has not changed. */
  seenUse: number
  idleSince: number
  loadedAt: number
  loadMs: number
}

export function openModels(parts: ModelsParts): Models {
  return new LoadedModels(parts)
}

class LoadedModels implements Models {
  readonly counts: ModelCounts = { loads: 0, failures: 0, loadMs: 0, displaced: 0, idled: 0 }
  readonly #parts: ModelsParts
  readonly #timer: () => number
  readonly #places = new Map<string, Map<string, Place>>()
  readonly #lanes: ReturnType<typeof laneMaker>
  /** Put away, and still open to those who had them in hand. */
  readonly #leaving = new Set<LoadedModel>()
  #uses = 0
  #isClosed = false
  #cancelLook: (() => void) | undefined

  constructor(parts: ModelsParts) {
    this.#parts = parts
    this.#lanes = laneMaker(parts.numberOf ?? laneNumbers())
    this.#timer = parts.timer ?? (() => parts.clock.now())
    this.#lookLater()
  }

  get bytesMax(): number {
    return this.#parts.bytesMax
  }

  get idleAfterMs(): number | undefined {
    return this.#parts.idle?.afterMs
  }

  get(model: string, version: string): LoadedModel | Promise<LoadedModel> {
    const place = this.#places.get(model)?.get(version) ?? this.#newPlace(model, version)
    place.usedAt = ++this.#uses
    if (place.loaded !== undefined) return place.loaded
    if (place.loading !== undefined) return place.loading
    const { failure } = place
    if (failure !== undefined && this.#parts.clock.now() < failure.until) return Promise.reject(failure.error)
    if (this.#isClosed) return Promise.reject(closed(model, version))
    place.failure = undefined
    place.loading = this.#fill(place, model, version)
    return place.loading
  }

  isLoaded(model: string, version: string): boolean {
    return this.#places.get(model)?.get(version)?.loaded !== undefined
  }

  /** What explains a model is made when it is asked for: what all of them hold is counted when one comes. */
  bytes(): number {
    let sum = 0
    for (const { loaded } of this.#all()) sum += loaded?.bytes() ?? 0
    return sum
  }

  loaded(): LoadedState[] {
    const states: LoadedState[] = []
    for (const place of this.#all()) if (place.loaded !== undefined) states.push(stateOf(place, place.loaded))
    return states.sort((a, b) => b.bytes - a.bytes)
  }

  unload(model: string, version: string): boolean {
    const place = this.#places.get(model)?.get(version)
    if (place?.loaded === undefined) return false
    this.#putAway(place)
    return true
  }

  reconsider(model: string, version: string): void {
    const place = this.#places.get(model)?.get(version)
    if (place === undefined) return
    place.failure = undefined
    if (place.loaded === undefined) return
    try {
      place.loaded.notice = this.#parts.notice?.(model, version)
    } catch {
      this.#putAway(place) // whoever asks next is told why
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelLook?.()
    const all = [...this.#all()]
    this.#places.clear()
    await Promise.all(all.map(place => place.loading?.catch(() => undefined)))
    const open = [...this.#leaving, ...all.flatMap(({ loaded }) => loaded ?? [])]
    await Promise.all(open.map(letGo))
  }

  *#all(): Generator<Place> {
    for (const versions of this.#places.values()) yield* versions.values()
  }

  #newPlace(model: string, version: string): Place {
    let versions = this.#places.get(model)
    if (versions === undefined) {
      versions = new Map()
      this.#places.set(model, versions)
    }
    const place: Place = {
      loaded: undefined,
      loading: undefined,
      failure: undefined,
      usedAt: 0,
      seenUse: 0,
      idleSince: 0,
      loadedAt: 0,
      loadMs: 0,
    }
    versions.set(version, place)
    return place
  }

  async #fill(place: Place, model: string, version: string): Promise<LoadedModel> {
    const { load, notice, clock, bytesMax } = this.#parts
    const startedMs = this.#timer()
    try {
      const loaded = await readyModel(await load(model, version), this.#lanes)
      if (this.#isClosed) {
        await letGo(loaded)
        throw closed(model, version)
      }
      try {
        loaded.notice = notice?.(model, version) // it may have been retired meanwhile
      } catch (error) {
        await letGo(loaded)
        throw error
      }
      place.loaded = loaded
      place.loadedAt = place.idleSince = clock.now()
      const excess = this.bytes() - bytesMax
      if (excess > 0) this.#makeRoom(place, excess)
      this.counts.loads++
      return loaded
    } catch (error) {
      place.failure = { error, until: clock.now() + FAILURE_KEPT_MS }
      this.counts.failures++
      throw error
    } finally {
      place.loading = undefined
      place.loadMs = this.#timer() - startedMs
      this.counts.loadMs += place.loadMs
    }
  }

  /** Puts away the models that were not used for longest until `excess` bytes are free. */
  #makeRoom(keep: Place, excess: number): void {
    const oldest = [...this.#all()].filter(place => place !== keep && place.loaded !== undefined)
    oldest.sort((a, b) => a.usedAt - b.usedAt)
    let freed = 0
    for (const place of oldest) {
      if (freed >= excess) break
      freed += place.loaded!.bytes()
      this.counts.displaced++
      this.#putAway(place)
    }
  }

  #putAway(place: Place): void {
    const model = place.loaded!
    place.loaded = undefined
    if (!isAwaited(model.predictor)) return
    this.#leaving.add(model)
    this.#parts.timers.after(LEAVING_MS, () => {
      this.#leaving.delete(model)
      letGo(model).catch(() => undefined) // there is nobody to tell of a fault
    })
  }

  #lookLater(): void {
    const { idle, timers } = this.#parts
    if (idle === undefined) return
    this.#cancelLook = timers.after(Math.ceil(idle.afterMs / LOOKS), () => {
      this.#lookForIdle(idle)
      this.#lookLater()
    })
  }

  #lookForIdle({ afterMs, budgetMs }: IdleLimits): void {
    const now = this.#parts.clock.now()
    for (const place of this.#all()) {
      if (place.loaded === undefined) continue
      if (place.usedAt !== place.seenUse) {
        place.seenUse = place.usedAt
        place.idleSince = now
      } else if (now - place.idleSince >= afterMs) {
        const { model, version } = place.loaded.version
        if (place.loadMs * LOADS_IN_BUDGET > budgetMs(model, version)) continue
        this.counts.idled++
        this.#putAway(place)
      }
    }
  }
}

function closed(model: string, version: string): Problem {
  return new Problem('unavailable', `Cannot load ${model}@${version}: the server is about to end`)
}

function stateOf({ loadMs, loadedAt, idleSince }: Place, { version: of, bytes }: LoadedModel): LoadedState {
  const { model, version, format } = of
  return { model, version, format, bytes: bytes(), loadMs, loadedAt, idleSince }
}
