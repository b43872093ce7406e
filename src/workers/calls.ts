/**
 * What the process that keeps the counts must know of calls that a worker answered, in the frame that brings their records:
 * so a call is counted if, and only if, its records were written, whoever dies when.
 *
 * A call is a run of numbers: time, latency, number of the lane, rows, then for each row the counters of its watched columns,
 * which the worker has found already (see `putSlots`); the other side only raises them.
 */
import { type Placement, placementOf, putSlots } from '../monitoring/live-counts.ts'
import { type Layout, layoutOf, watchedColumns } from '../monitoring/watched.ts'
import type { Journey } from '../serving/journey.ts'
import type { Lane } from '../serving/lane.ts'
import type { ToldLane } from './protocol.ts'

const HEAD = 4
const NUMBERS_MIN = 4_096
const NUMBER_BYTES = 8

interface KnownLane {
  readonly layout: Layout
  readonly placement: Placement
}

/** Which lanes the other side has been told of. */
export type LanesOf = (lane: Lane) => KnownLane

/** @param tell of a lane that is met for the first time. */
export function toldLanes(tell: (lane: ToldLane) => void): LanesOf {
  const known: KnownLane[] = []
  return lane => {
    const found = known[lane.number]
    if (found !== undefined) return found
    const { number, release, arm, model } = lane
    const layout = layoutOf(watchedColumns(model.version, model.profile))
    const made = { layout, placement: placementOf(layout, model) }
    known[number] = made
    const { model: name, version } = model.version
    tell({ number, model: name, version, release, arm, columns: layout.slots.length })
    return made
  }
}

/** Gathers the calls of one batch of records. */
export class CallWriter {
  #numbers = new Float64Array(NUMBERS_MIN)
  #used = 0
  readonly #lanes: LanesOf

  constructor(lanes: LanesOf) {
    this.#lanes = lanes
  }

  get bytes(): number {
    return this.#used * NUMBER_BYTES
  }

  add({ at, latencyMs, lane, rows }: Journey): void {
    const { layout, placement } = this.#lanes(lane!)
    const { count } = rows!
    this.#makeRoom(HEAD + count * layout.slots.length)
    const numbers = this.#numbers
    const start = this.#used
    numbers[start] = at
    numbers[start + 1] = latencyMs
    numbers[start + 2] = lane!.number
    numbers[start + 3] = count
    this.#used = putSlots(layout, placement, rows!, numbers, start + HEAD)
  }

  /** Copies them, and begins again. */
  moveTo(buffer: Buffer, at: number): void {
    buffer.set(new Uint8Array(this.#numbers.buffer, 0, this.bytes), at)
    this.#used = 0
    if (this.#numbers.length > NUMBERS_MIN * 16) this.#numbers = new Float64Array(NUMBERS_MIN)
  }

  #makeRoom(numbers: number): void {
    const wanted = this.#used + numbers
    if (wanted <= this.#numbers.length) return
    const larger = new Float64Array(Math.max(wanted, this.#numbers.length * 2))
    larger.set(this.#numbers.subarray(0, this.#used))
    this.#numbers = larger
  }
}

export interface ReadCall {
  readonly at: number
  readonly latencyMs: number
  readonly lane: number
  readonly rows: number
  readonly slots: Float64Array
}

/** A copy of the bytes of calls, as numbers. */
export function callNumbers(bytes: Uint8Array): Float64Array {
  const numbers = new Float64Array(bytes.length / NUMBER_BYTES)
  new Uint8Array(numbers.buffer).set(bytes)
  return numbers
}

/** @param columnsOf how many columns of a lane are watched. */
export function* readCalls(numbers: Float64Array, columnsOf: (lane: number) => number): Generator<ReadCall> {
  for (let at = 0; at < numbers.length; ) {
    const rows = numbers[at + 3]!
    const lane = numbers[at + 2]!
    const end = at + HEAD + rows * columnsOf(lane)
    yield {
      at: numbers[at]!,
      latencyMs: numbers[at + 1]!,
      lane,
      rows,
      slots: numbers.subarray(at + HEAD, end),
    }
    at = end
  }
}
