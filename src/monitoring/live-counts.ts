/** The counters of one version in memory: its time windows that are not stored yet, and its last predictions. */
import type { CountedWindow } from '../ledger/count-question.ts'
import { type CountedSlots, slotInRecord } from '../ledger/tally.ts'
import { slotOf } from '../math/bins.ts'
import type { LoadedModel } from '../serving/lane.ts'
import type { Rows } from '../serving/signature.ts'
import { latencyBucket } from './latency-bins.ts'
import { type LatestRows, latestRows } from './latest-rows.ts'
import { INVOCATIONS, LATENCY, type Layout, ROWS } from './watched.ts'
import { LATENCY_LOWERS, type WindowCounts } from './window-counts.ts'

/** A time window while it is counted. */
export interface OpenWindow {
  readonly from: number
  readonly to: number
  /** As the layout has them. */
  readonly counters: Float64Array
  readonly refusals: Map<string, number>
}

/** Where a loaded model keeps the values of the watched columns. */
export interface Placement {
  /** By watched feature, its column in a row's values. */
  readonly features: Int32Array
  /** By watched output, its column in a row's outputs. */
  readonly outputs: Int32Array
}

export class LiveCounts {
  readonly model: string
  readonly version: string
  readonly layout: Layout
  readonly latest: LatestRows
  /** By their beginnings. */
  readonly windows: Map<number, OpenWindow> = new Map()
  readonly #windowMs: number
  /** The row at hand: the counter of each column. */
  readonly #counted: Uint32Array
  /** The one counted last. */
  #open: OpenWindow | undefined

  constructor(
    { model, version }: { readonly model: string; readonly version: string },
    layout: Layout,
    windowMs: number,
    latestMax: number,
  ) {
    this.model = model
    this.version = version
    this.layout = layout
    this.#windowMs = windowMs
    this.#counted = new Uint32Array(layout.slots.length)
    this.latest = latestRows(layout, latestMax)
  }

  /** Counts the rows of an answered call. */
  count(at: number, latencyMs: number, { values, outputs, count }: Rows, placement: Placement): void {
    const { counters } = this.windowAt(at)
    const latency = LATENCY + latencyBucket(latencyMs)
    counters[ROWS]! += count
    counters[INVOCATIONS]! += 1
    counters[latency]! += count
    const { slots } = this.layout
    const counted = this.#counted
    const { features, outputs: places } = placement
    const width = values.length / count
    const outputCount = outputs.length / count
    for (let row = 0; row < count; row++) {
      for (let column = 0; column < slots.length; column++) {
        const value =
          column < features.length
            ? values[row * width + features[column]!]!
            : outputs[row * outputCount + places[column - features.length]!]!
        const counter = counterOf(slots[column]!, value)
        counters[counter]! += 1
        counted[column] = counter
      }
      this.latest.add(at, latency, row === 0, counted)
    }
  }

  /** Counts the rows of a call that another process answered: one after another, the counters of their columns. */
  countSlots(at: number, latencyMs: number, rows: number, columns: ArrayLike<number>): void {
    const { counters } = this.windowAt(at)
    const latency = LATENCY + latencyBucket(latencyMs)
    counters[ROWS]! += rows
    counters[INVOCATIONS]! += 1
    counters[latency]! += rows
    const counted = this.#counted
    // Where this process cannot read the profile, it knows no columns: the call is counted all the same.
    if (columns.length !== rows * counted.length) return
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < counted.length; column++) {
        const counter = columns[row * counted.length + column]!
        counters[counter]! += 1
        counted[column] = counter
      }
      this.latest.add(at, latency, row === 0, counted)
    }
  }

  addRefusals(at: number, code: string, count: number): void {
    const { refusals } = this.windowAt(at)
    refusals.set(code, (refusals.get(code) ?? 0) + count)
  }

  /** Puts predictions before the last ones that came: records, oldest first. */
  restore(records: readonly Readonly<Record<string, unknown>>[]): void {
    this.latest.precede(
      records.map(record => ({
        at: record['at'] as number,
        latency: LATENCY + latencyBucket(record['latencyMs'] as number),
        isFirst: record['row'] === undefined,
        counters: this.layout.slots.map(slots => slots.base + slotInRecord(slots, record)),
      })),
    )
  }

  /** Takes a window away, to be stored; what comes late for it begins another. */
  take(from: number): OpenWindow | undefined {
    const window = this.windows.get(from)
    this.windows.delete(from)
    if (this.#open === window) this.#open = undefined
    return window
  }

  /** Adds what was counted elsewhere, or taken and could not be stored. */
  add(window: OpenWindow): void {
    const { counters, refusals } = this.windowAt(window.from)
    for (let index = 0; index < counters.length; index++) counters[index]! += window.counters[index]!
    for (const [code, count] of window.refusals) refusals.set(code, (refusals.get(code) ?? 0) + count)
  }

  windowAt(at: number): OpenWindow {
    if (this.#open !== undefined && at >= this.#open.from && at < this.#open.to) return this.#open
    const from = Math.floor(at / this.#windowMs) * this.#windowMs
    let window = this.windows.get(from)
    if (window === undefined) {
      window = { from, to: from + this.#windowMs, counters: new Float64Array(this.layout.length), refusals: new Map() }
      this.windows.set(from, window)
    }
    this.#open = window
    return window
  }
}

/** What was counted of the ledger, as it is counted live. */
export function countedWindow(layout: Layout, counted: CountedWindow, windowMs: number): OpenWindow {
  const { from, rows, invocations, refusals, latency, columns } = counted
  const counters = new Float64Array(layout.length)
  counters[ROWS] = rows
  counters[INVOCATIONS] = invocations
  counters.set(latency, LATENCY)
  for (const [index, { base }] of layout.slots.entries()) counters.set(columns[index]!, base)
  return { from, to: from + windowMs, counters, refusals: new Map(Object.entries(refusals)) }
}

/** The counter of a value in its column. */
function counterOf({ bins, base, slots }: CountedSlots, value: number): number {
  return base + (bins === undefined ? codeSlot(value, slots) : slotOf(bins, value))
}

/** The counters that `countSlots` of another process is to count for these rows. Returns where the next ones go. */
export function putSlots(
  { slots }: Layout,
  { features, outputs: places }: Placement,
  { values, outputs, count }: Rows,
  into: Float64Array,
  at: number,
): number {
  const width = values.length / count
  const outputCount = outputs.length / count
  let next = at
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < features.length; column++) {
      into[next++] = counterOf(slots[column]!, values[row * width + features[column]!]!)
    }
    for (let column = 0; column < places.length; column++) {
      into[next++] = counterOf(slots[features.length + column]!, outputs[row * outputCount + places[column]!]!)
    }
  }
  return next
}

/** The slot of a category's code; the model never sees another, but NaN for a missing one. */
function codeSlot(code: number, slots: number): number {
  if (code >= 0 && code < slots - 2) return code
  return Number.isNaN(code) ? slots - 1 : slots - 2
}

/** Where a loaded model has what the layout counts. */
export function placementOf({ columns }: Layout, { version, predictor }: LoadedModel): Placement {
  const inputs = version.signature.inputs.map(({ name }) => name)
  // As `compileSignature` pairs them: by name, or by place where the artifact has no names.
  const named = predictor.named || inputs.length !== predictor.features.length ? predictor.features : inputs
  const outputs = version.signature.outputs.map(({ name }) => name)
  const placesOf = (kind: string, names: readonly string[]): Int32Array =>
    Int32Array.from(columns.filter(column => column.kind === kind).map(({ name }) => names.indexOf(name)))
  return { features: placesOf('feature', named), outputs: placesOf('output', outputs) }
}

/** As everybody else sees it. */
export function windowCounts(
  { model, version }: { readonly model: string; readonly version: string },
  { columns, slots }: Layout,
  { from, to, counters, refusals }: OpenWindow,
): WindowCounts {
  return {
    model,
    version,
    from,
    to,
    rows: counters[ROWS]!,
    invocations: counters[INVOCATIONS]!,
    refusals: Object.fromEntries([...refusals].sort(([a], [b]) => (a < b ? -1 : 1))),
    latency: Array.from(counters.subarray(LATENCY, LATENCY + LATENCY_LOWERS.length)),
    columns: columns.map(({ name, kind }, index) => {
      const { base, slots: size } = slots[index]!
      return { name, kind, counts: Array.from(counters.subarray(base, base + size)) }
    }),
  }
}
