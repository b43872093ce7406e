import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RefusalRecord } from '../ledger/record.ts'
import type { Journey } from '../serving/journey.ts'
import type { Lane } from '../serving/lane.ts'
import type { ServedLane } from '../serving/served.ts'
import { counterBytes, countersOf, firstCountersOf } from './counter-bytes.ts'
import { countedWindow, LiveCounts, type OpenWindow, type Placement, placementOf, windowCounts } from './live-counts.ts'
import { recovery } from './recovery.ts'
import type { StoredWindow } from './store.ts'
import { mergeStored, sumWindows, windowOfStored } from './sum-windows.ts'
import type { CountedCall, TimeRange, Watch } from './watch.ts'
import type { VersionName, WatchParts } from './watch-parts.ts'
import { countedColumn, type Layout, layoutOf, watchedColumns } from './watched.ts'
import { LATENCY_LOWERS, type WindowCounts } from './window-counts.ts'

/** Windows decoded in one go. */
const WINDOWS_AT_ONCE = 32
/** What is told of calls: no columns. */
const CALLS: Layout = layoutOf([])
/** How often it is looked whether a window has ended. */
const TICK_MS = 5_000
/** Calls that began in a window and are answered after its end have so long to be counted in it before it is stored. */
const GRACE_MS = 30_000

/** Opens the watch of a ledger. All that is in the ledger at this moment counts as recorded before. */
export function openWatch(parts: WatchParts): Watch {
  return new LiveWatch(parts)
}

class LiveWatch implements Watch {
  readonly observe: Watch['observe']
  readonly refused: Watch['refused']
  readonly #parts: WatchParts
  readonly #lanes: { readonly live: LiveCounts; readonly placement: Placement }[] = []
  /** Of lanes that another process answers through. */
  readonly #elsewhere: LiveCounts[] = []
  readonly #versions = new Map<string, LiveCounts>()
  readonly #layouts = new Map<string, Promise<Layout>>()
  readonly #listeners: ((counts: WindowCounts) => void)[] = []
  readonly #recover: () => Promise<void>
  #recovering: Promise<void> | undefined
  #isRecovered = false
  /** Readers and writers of stored windows take turns, so that none sees a window twice or not at all. */
  #turn: Promise<unknown> = Promise.resolve()
  #markAt = Number.NEGATIVE_INFINITY
  #cancelTick: (() => void) | undefined
  #isClosed = false

  constructor(parts: WatchParts) {
    this.#parts = parts
    this.observe = journey => this.#observe(journey)
    this.refused = record => void this.#countRefusals(record)
    this.#recover = recovery(parts, {
      live: name => this.#liveOf(name),
      store: until => this.#inTurn(() => this.#store(until)),
      asked: () => this.versions(),
      isClosed: () => this.#isClosed,
    })
    this.#tickLater()
  }

  counted({ lane, at, latencyMs, rows, slots }: CountedCall): void {
    this.#elsewhere[lane.number] ??= this.#liveFor(lane)
    this.#elsewhere[lane.number]!.countSlots(at, latencyMs, rows.count, slots)
  }

  recovered(): Promise<void> {
    this.#recovering ??= this.#recover().then(
      () => {
        this.#isRecovered = true
      },
      error => {
        this.#recovering = undefined
        throw error
      },
    )
    return this.#recovering
  }

  async windows(model: string, version: string, range: TimeRange): Promise<WindowCounts[]> {
    await this.recovered()
    const layout = await this.#layoutOf({ model, version })
    return this.#read({ model, version }, range, layout, countersOf)
  }

  async calls(model: string, version: string, range: TimeRange): Promise<WindowCounts[]> {
    await this.recovered()
    return this.#read({ model, version }, range, CALLS, firstCountersOf)
  }

  async recount(model: string, version: string, { since, until }: TimeRange): Promise<WindowCounts[]> {
    const { ledger, options } = this.#parts
    const { windowMs } = options
    const layout = await this.#layoutOf({ model, version })
    const counted = await ledger.counts({
      since: Math.floor(since / windowMs) * windowMs,
      until: Math.ceil(until / windowMs) * windowMs,
      before: Number.MAX_SAFE_INTEGER,
      windowMs,
      latencyLowers: LATENCY_LOWERS,
      targets: [{ model, version, columns: layout.columns.map(countedColumn) }],
    })
    return counted.map(window => windowCounts({ model, version }, layout, countedWindow(layout, window, windowMs)))
  }

  latest(model: string, version: string): WindowCounts | undefined {
    const live = this.#versions.get(keyOf({ model, version }))
    const latest = live?.latest.read()
    if (live === undefined || latest === undefined) return undefined
    return windowCounts(live, live.layout, { ...latest, refusals: new Map() })
  }

  versions(): readonly VersionName[] {
    return [...this.#versions.values()]
      .filter(({ version }) => version !== '')
      .map(({ model, version }) => ({ model, version }))
  }

  onWindow(listener: (counts: WindowCounts) => void): void {
    this.#listeners.push(listener)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelTick?.()
    if (this.#isRecovered) await this.#inTurn(() => this.#store(this.#parts.clock.now()))
    await this.#turn.catch(() => undefined)
  }

  async #read(name: VersionName, range: TimeRange, layout: Layout, read: typeof countersOf): Promise<WindowCounts[]> {
    const sums = await this.#inTurn(async () => {
      const stored = await this.#parts.store.windows(name.model, name.version, range)
      const windows = await bitByBit(stored, window => windowOfStored(window, layout, read))
      const live = this.#versions.get(keyOf(name))?.windows.values() ?? []
      const open = [...live].filter(({ from, to }) => from < range.until && to > range.since)
      const shown = open.map(window => ({ ...window, counters: window.counters.subarray(0, layout.length) }))
      return sumWindows([...windows, ...shown])
    })
    return bitByBit(sums, window => windowCounts(name, layout, window))
  }

  #observe(journey: Journey): void {
    const { lane, problem, rows, at } = journey
    if (problem !== undefined || lane === undefined || rows === undefined) return
    const place = this.#lanes[lane.number] ?? this.#placeOf(lane)
    place.live.count(at, journey.latencyMs, rows, place.placement)
  }

  #placeOf(lane: Lane): { readonly live: LiveCounts; readonly placement: Placement } {
    const live = this.#liveFor(lane)
    const place = { live, placement: placementOf(live.layout, lane.model) }
    this.#lanes[lane.number] = place
    return place
  }

  #liveFor({ model: { version, profile } }: ServedLane): LiveCounts {
    const key = keyOf(version)
    let live = this.#versions.get(key)
    if (live === undefined) {
      live = this.#made(version, layoutOf(watchedColumns(version, profile)))
      this.#layouts.set(key, Promise.resolve(live.layout))
    }
    return live
  }

  async #countRefusals({ model, version = '', at, code, count }: RefusalRecord): Promise<void> {
    if (model === undefined) return // of no model that exists
    const live = this.#versions.get(keyOf({ model, version })) ?? (await this.#liveOf({ model, version }))
    live.addRefusals(at, code, count)
  }

  async #liveOf(name: VersionName): Promise<LiveCounts> {
    const layout = await this.#layoutOf(name)
    return this.#versions.get(keyOf(name)) ?? this.#made(name, layout)
  }

  #made({ model, version }: VersionName, layout: Layout): LiveCounts {
    const { registry, latestRows, options } = this.#parts
    const rowsMax = latestRows(registry.catalogue.version(model, version))
    const live = new LiveCounts({ model, version }, layout, options.windowMs, rowsMax)
    this.#versions.set(keyOf({ model, version }), live)
    return live
  }

  #layoutOf(name: VersionName): Promise<Layout> {
    const key = keyOf(name)
    let layout = this.#layouts.get(key)
    if (layout === undefined) {
      layout = this.#loadLayout(name)
      this.#layouts.set(key, layout)
    }
    return layout
  }

  /** A version whose profile cannot be read is watched without columns: that it is asked must be told all the same. */
  async #loadLayout({ model, version }: VersionName): Promise<Layout> {
    const { registry, log } = this.#parts
    const known = registry.catalogue.version(model, version)
    if (known?.profile === undefined) return layoutOf([])
    try {
      return layoutOf(watchedColumns(known, await registry.profile(model, version)))
    } catch (error) {
      log.error(
        { error: String(error), model, version },
        'A reference profile cannot be read: its columns are not watched',
      )
      return layoutOf([])
    }
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(run)
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  #tickLater(): void {
    if (this.#isClosed) return
    this.#cancelTick = this.#parts.timers.after(TICK_MS, () => {
      const { clock } = this.#parts
      const turn = this.#isRecovered ? this.#inTurn(() => this.#store(clock.now() - GRACE_MS)) : Promise.resolve()
      void turn.finally(() => this.#tickLater())
    })
  }

  /** Stores the windows that ended by then, and moves the mark there. */
  async #store(until: number): Promise<void> {
    const { store, ledger, clock, options, log } = this.#parts
    const taken = [...this.#versions.values()].flatMap(live =>
      [...live.windows.values()]
        .filter(({ to }) => to <= until)
        .map(({ from }) => ({ live, window: live.take(from)! })),
    )
    if (taken.length === 0) return
    const lengths = new Map(taken.map(({ live }) => [keyOf(live), live.layout.length]))
    const merge = (there: StoredWindow, added: StoredWindow): StoredWindow =>
      mergeStored(there, added, lengths.get(keyOf(added))!)
    const windows = taken.map(({ live, window }) => storedOf(live, window))
    const mark = Math.max(this.#markAt, Math.floor(until / options.windowMs) * options.windowMs)
    try {
      await store.put(ledger.keyId, windows, mark, clock.now() - options.keepMs, merge)
    } catch (error) {
      for (const { live, window } of taken) live.add(window)
      log.warn({ error: String(error), windows: windows.length }, 'Counts could not be stored; it is tried again')
      return
    }
    this.#markAt = mark
    for (const { live, window } of taken) {
      const counts = windowCounts(live, live.layout, window)
      for (const listener of this.#listeners) listener(counts)
    }
  }
}

/** A month of hours of a wide model is a megabyte of counters: other requests have their turn in between. */
async function bitByBit<From, To>(all: readonly From[], make: (one: From) => To): Promise<To[]> {
  const made: To[] = []
  for (const one of all) {
    made.push(make(one))
    if (made.length % WINDOWS_AT_ONCE === 0) await nextTurn()
  }
  return made
}

function keyOf({ model, version }: VersionName): string {
  return JSON.stringify([model, version])
}

function storedOf({ model, version }: LiveCounts, { from, to, refusals, counters }: OpenWindow): StoredWindow {
  return { model, version, from, to, refusals: Object.fromEntries(refusals), counters: counterBytes(counters) }
}
