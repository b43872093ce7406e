/** The last N predictions of a version as counters: each that comes is added, the one that falls out is taken away. */
import { INVOCATIONS, type Layout, ROWS } from './watched.ts'

export interface LatestRow {
  readonly at: number
  /** Counter of its latency. */
  readonly latency: number
  /** Whether a call begins with it. */
  readonly isFirst: boolean
  /** Counter of each column. */
  readonly counters: ArrayLike<number>
}

export interface LatestRows {
  /** Adds a row, for the oldest where there is no more room. See `LatestRow`; the counters are copied. */
  add(at: number, latency: number, isFirst: boolean, counters: ArrayLike<number>): void
  /** Puts rows, oldest first, before those that came: as many of them as there is room for. */
  precede(rows: readonly LatestRow[]): void
  /** As the layout has them; undefined while there is no row. */
  read(): { readonly from: number; readonly to: number; readonly counters: Float64Array } | undefined
}

/** Cells of a row before those of its columns. */
const LATENCY_CELL = 0
const CALL_CELL = 1
const HEAD = 2
/** Rows that room is made for at first. */
const ROWS_MIN = 64

export function latestRows({ slots, length }: Layout, rowsMax: number): LatestRows {
  return new Ring(slots.length, length, rowsMax)
}

class Ring implements LatestRows {
  readonly #columns: number
  readonly #width: number
  readonly #rowsMax: number
  readonly #counters: Float64Array
  /** By place: cells of the row. They grow with the rows: most versions of a registry are not asked any more. */
  #cells = new Uint32Array(0)
  #ats = new Float64Array(0)
  #rows = 0
  /** Place of the next row. */
  #at = 0

  constructor(columns: number, length: number, rowsMax: number) {
    this.#columns = columns
    this.#width = columns + HEAD
    this.#rowsMax = rowsMax
    this.#counters = new Float64Array(length)
  }

  add(at: number, latency: number, isFirst: boolean, columns: ArrayLike<number>): void {
    const place = this.#at
    if (place === this.#ats.length) this.#grow()
    const cell = place * this.#width
    const cells = this.#cells
    const counters = this.#counters
    if (this.#rows === this.#rowsMax) this.#forget(cell)
    else this.#rows++
    this.#at = place + 1 === this.#rowsMax ? 0 : place + 1
    this.#ats[place] = at
    cells[cell + LATENCY_CELL] = latency
    cells[cell + CALL_CELL] = isFirst ? 1 : 0
    counters[ROWS] = this.#rows
    counters[INVOCATIONS]! += isFirst ? 1 : 0
    counters[latency]! += 1
    for (let column = 0; column < this.#columns; column++) {
      const counter = columns[column]!
      cells[cell + HEAD + column] = counter
      counters[counter]! += 1
    }
  }

  precede(rows: readonly LatestRow[]): void {
    const all = [...rows.slice(-this.#rowsMax), ...this.#list()].slice(-this.#rowsMax)
    this.#rows = 0
    this.#at = 0
    this.#counters.fill(0)
    for (const { at, latency, isFirst, counters } of all) this.add(at, latency, isFirst, counters)
  }

  read(): { readonly from: number; readonly to: number; readonly counters: Float64Array } | undefined {
    if (this.#rows === 0) return undefined
    return { from: this.#ats[this.#oldest()]!, to: this.#ats[this.#placeOf(this.#rows - 1)]!, counters: this.#counters }
  }

  #grow(): void {
    const rows = Math.min(Math.max(ROWS_MIN, this.#ats.length * 2), this.#rowsMax)
    const cells = new Uint32Array(rows * this.#width)
    const ats = new Float64Array(rows)
    cells.set(this.#cells)
    ats.set(this.#ats)
    this.#cells = cells
    this.#ats = ats
  }

  #forget(cell: number): void {
    const cells = this.#cells
    const counters = this.#counters
    counters[INVOCATIONS]! -= cells[cell + CALL_CELL]!
    counters[cells[cell + LATENCY_CELL]!]! -= 1
    const end = cell + this.#width
    for (let index = cell + HEAD; index < end; index++) counters[cells[index]!]! -= 1
  }

  #oldest(): number {
    return this.#rows < this.#rowsMax ? 0 : this.#at
  }

  #placeOf(index: number): number {
    return (this.#oldest() + index) % this.#rowsMax
  }

  #list(): LatestRow[] {
    return Array.from({ length: this.#rows }, (_, index) => {
      const place = this.#placeOf(index)
      const cell = place * this.#width
      const columns = this.#cells.subarray(cell + HEAD, cell + HEAD + this.#columns)
      return {
        at: this.#ats[place]!,
        latency: this.#cells[cell + LATENCY_CELL]!,
        isFirst: this.#cells[cell + CALL_CELL] === 1,
        counters: Array.from(columns),
      }
    })
  }
}
