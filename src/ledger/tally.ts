/** Counters of the predictions of one version, by time window, and how a record or a column of values is counted. Pure. */
import { Problem } from '../errors.ts'
import { type Bins, binsOf, countSlots, slotOf, slotsOf } from '../math/bins.ts'
import type { CountedColumn, CountedWindow, CountsQuestion, CountsTarget } from './count-question.ts'
import { fits } from './schema.ts'

/** A column's place among the counters of a window, and how it finds the one for a value. */
export interface CountedSlots {
  readonly column: CountedColumn
  readonly base: number
  readonly slots: number
  /** Of numbers. */
  readonly bins: Bins | undefined
  /** Of texts: the slot of each category. */
  readonly categories: ReadonlyMap<string, number> | undefined
}

type Members = Readonly<Record<string, unknown>>

/** The first counters of a window. */
const ROWS = 0
const INVOCATIONS = 1
const LATENCY = 2
/** Tables of one question's columns may be large: millions of values are looked up in them. */
const CELLS = 4096
/** Most predictions take less, milliseconds. */
const LATENCY_MS_USUAL = 50
/** Counters that one question may take: 128 MiB of them. */
const COUNTERS_MAX = 1 << 24
/** Where windows are made room for; grows by doubling. */
const COUNTERS_MIN = 1 << 10

export class Tally {
  readonly columns: readonly CountedSlots[]
  readonly #target: CountsTarget
  readonly #windowMs: number
  readonly #latency: Bins
  readonly #stride: number
  #counters: Float64Array
  /** Window's number since the epoch → its first counter. */
  readonly #places = new Map<number, number>()
  /** Records lie in the order of their times: most are in the window of the one before. */
  #lastWindow = Number.NaN
  #lastPlace = 0
  readonly #refusals = new Map<number, Map<string, number>>()

  constructor(target: CountsTarget, { windowMs, latencyLowers }: Pick<CountsQuestion, 'windowMs' | 'latencyLowers'>) {
    this.#target = target
    this.#windowMs = windowMs
    this.#latency = binsOf(latencyLowers, Number.POSITIVE_INFINITY, CELLS, LATENCY_MS_USUAL)
    this.columns = countedSlots(target.columns, LATENCY + slotsOf(this.#latency), CELLS)
    this.#stride = this.columns.reduce((sum, { slots }) => sum + slots, LATENCY + slotsOf(this.#latency))
    this.#counters = new Float64Array(Math.max(COUNTERS_MIN, this.#stride))
  }

  /** Counts a record of the target that has a time. */
  addRecord(record: Members): void {
    if (!fits('time', record['at'])) return
    const window = Math.floor((record['at'] as number) / this.#windowMs)
    if (record['kind'] === 'refusal') {
      this.addRefusals(window, record['code'], record['count'])
      return
    }
    const place = this.placeOf(window)
    this.#counters[place + ROWS]! += 1
    if (record['row'] === undefined) this.#counters[place + INVOCATIONS]! += 1
    this.#counters[place + LATENCY + slotOf(this.#latency, numberOf(record['latencyMs']))]! += 1
    for (const counted of this.columns) this.#counters[place + counted.base + slotInRecord(counted, record)]! += 1
  }

  /** The place of a window's counters, for `addNumbers`; valid until another window's is asked for. */
  placeOf(window: number): number {
    if (window === this.#lastWindow) return this.#lastPlace
    this.#lastPlace = this.#places.get(window) ?? this.#newPlace(window)
    this.#lastWindow = window
    return this.#lastPlace
  }

  #newPlace(window: number): number {
    const place = this.#places.size * this.#stride
    if (place + this.#stride > this.#counters.length) this.#grow()
    this.#places.set(window, place)
    return place
  }

  /** Counts `rows` predictions of the windows at `places`: calls where `isFirst` is 1, and how long they took. */
  addCalls(places: Uint32Array, isFirst: Float64Array, latencies: Float64Array, rows: number): void {
    const counters = this.#counters
    countSlots(this.#latency, latencies, rows, counters, places, LATENCY)
    for (let row = 0; row < rows; row++) {
      const place = places[row]!
      counters[place]! += 1
      counters[place + INVOCATIONS]! += isFirst[row]!
    }
  }

  /** Counts values of a column of numbers, NaN where one is missing. */
  addNumbers({ base, bins }: CountedSlots, places: Uint32Array, values: Float64Array, rows: number): void {
    countSlots(bins!, values, rows, this.#counters, places, base)
  }

  /** Counts rows in which a column is missing. */
  addMissing({ base, slots }: CountedSlots, places: Uint32Array, rows: number): void {
    for (let row = 0; row < rows; row++) this.#counters[places[row]! + base + slots - 1]! += 1
  }

  /** Counts rows that have the same text in a column of categories; undefined is a missing one. */
  addCategory({ base, slots, categories }: CountedSlots, window: number, text: string | undefined, rows: number): void {
    this.#counters[this.placeOf(window) + base + categorySlot(categories!, slots, text)]! += rows
  }

  addRefusals(window: number, code: unknown, count: unknown): void {
    if (typeof code !== 'string' || !Number.isSafeInteger(count)) return
    const codes = this.#refusals.get(window) ?? new Map<string, number>()
    codes.set(code, (codes.get(code) ?? 0) + (count as number))
    this.#refusals.set(window, codes)
  }

  /** What was counted, oldest window first. */
  windows(): CountedWindow[] {
    const { model, version } = this.#target
    const numbers = [...new Set([...this.#places.keys(), ...this.#refusals.keys()])].sort((a, b) => a - b)
    return numbers.map(number => {
      const place = this.#places.get(number)
      const counters =
        place === undefined ? new Float64Array(this.#stride) : this.#counters.slice(place, place + this.#stride)
      return {
        model,
        version,
        from: number * this.#windowMs,
        rows: counters[ROWS]!,
        invocations: counters[INVOCATIONS]!,
        refusals: Object.fromEntries(this.#refusals.get(number) ?? []),
        latency: counters.subarray(LATENCY, LATENCY + this.#latency.lowers.length).slice(),
        columns: this.columns.map(({ base, slots }) => counters.slice(base, base + slots)),
      }
    })
  }

  #grow(): void {
    const { model, version } = this.#target
    const length = Math.max(this.#counters.length * 2, this.#stride)
    if (length > COUNTERS_MAX) {
      const found = `${this.#places.size} windows of ${this.#stride} counters each, wanted at most ${COUNTERS_MAX} counters`
      throw new Problem('too_large', `Cannot count ${model}@${version}: ${found}; ask for a shorter time`)
    }
    const counters = new Float64Array(length)
    counters.set(this.#counters)
    this.#counters = counters
  }
}

/**
 * The places of columns that lie behind each other from `base` on.
 *
 * @param cells see `binsOf`.
 */
export function countedSlots(columns: readonly CountedColumn[], base: number, cells?: number): CountedSlots[] {
  let next = base
  return columns.map(column => {
    const found = slotsOfColumn(column, next, cells)
    next += found.slots
    return found
  })
}

/** The slot of a column in a record of a prediction; a value of the wrong type is as good as missing. */
export function slotInRecord({ column, slots, bins, categories }: CountedSlots, record: Members): number {
  const value = memberOf(record, column.path)
  return bins === undefined ? categorySlot(categories!, slots, value) : slotOf(bins, numberOf(value))
}

function slotsOfColumn(column: CountedColumn, base: number, cells: number | undefined): CountedSlots {
  if (column.kind === 'numeric') {
    const bins = binsOf(column.lowers, column.maximum, cells)
    return { column, base, slots: slotsOf(bins), bins, categories: undefined }
  }
  const categories = new Map(column.categories.map((text, slot) => [text, slot]))
  return { column, base, slots: column.categories.length + 2, bins: undefined, categories }
}

function categorySlot(categories: ReadonlyMap<string, number>, slots: number, value: unknown): number {
  if (typeof value !== 'string') return slots - 1
  return categories.get(value) ?? slots - 2
}

function numberOf(value: unknown): number {
  if (typeof value === 'number') return value
  return typeof value === 'boolean' ? Number(value) : Number.NaN
}

function memberOf(record: Members, [member, name]: CountedColumn['path']): unknown {
  const object = record[member]
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, name)) return undefined
  return (object as Members)[name]
}
