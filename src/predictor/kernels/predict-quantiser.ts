/** Lays out what `predict-quantise.as` and `predict-categories.as` read, and calls them. */
import { ZERO_MAX } from '../forest.ts'
import { MISSING, OTHER } from './predict-classes.ts'
import type { Axis, Columns, RankColumn } from './predict-columns.ts'
import type { PredictKernels } from './predict-kernels.ts'
import { ROWS, type Room } from './predict-room.ts'
import type { Slots } from './predict-slots.ts'

export interface Quantiser {
  /** Where up to 64 rows are put, as they are. */
  readonly rowsAt: number
  /** Fills the columns from the first `count` rows there. */
  quantise(kernels: PredictKernels, count: number): void
  /** Writes the bytes of the first row there side by side, from the address `into` on. */
  quantiseOne(kernels: PredictKernels, into: number): void
}

/** @param slots where a single row's bytes are wanted. */
export function quantiserOf(room: Room, slots: Slots | undefined): Quantiser {
  const { arena, forest, columns } = room
  const width = forest.features.length * 8
  const rowsAt = arena.reserve(ROWS * width)
  const ranks = arena.reserve(ROWS * 2)
  const zeros = arena.reserve(ROWS)
  const axes = putAxes(room)
  const axesOne = slots === undefined ? undefined : putAxes(room, slots)
  const classed = putClassed(room)
  const sets = putSets(room, classed.codesAt)
  const single = forest.precision === 'float32'
  const readsZeros = columns.axes.some(axis => axis.columns.some(({ zero }) => zero !== undefined))
  const zeroMax = readsZeros ? ZERO_MAX : 0
  return {
    rowsAt,
    quantise(kernels, count) {
      const quantise = single ? kernels.quantiseSingle : kernels.quantiseDouble
      quantise(rowsAt, width, count, axes.at, axes.end, ranks, zeros, zeroMax)
      if (sets.at === sets.end) return
      kernels.classify(rowsAt, width, count, classed.at, classed.end, Number(single))
      kernels.lookUp(count, sets.at, sets.end)
    },
    quantiseOne(kernels, into) {
      if (slots === undefined || axesOne === undefined) throw new RangeError('Cannot quantise: no slots were asked for')
      const quantise = single ? kernels.quantiseOneSingle : kernels.quantiseOneDouble
      quantise(rowsAt, axesOne.at, axesOne.end, into, zeroMax > 0 ? zeroMax : -1)
      if (sets.at === sets.end) return
      const firstSet = columns.count - columns.sets.length
      kernels.classify(rowsAt, width, 1, classed.at, classed.end, Number(single))
      kernels.lookUp(1, sets.at, sets.end)
      const from = room.columnsAt + firstSet * ROWS
      kernels.gather(from, room.columnsAt + columns.count * ROWS, into + slots.slot[firstSet]!)
    },
  }
}

interface List {
  readonly at: number
  readonly end: number
}

function put({ arena }: Room, records: readonly (readonly number[])[]): List {
  const words = Uint32Array.from(records.flat())
  const at = arena.put(words)
  return { at, end: at + words.byteLength }
}

/** With columns to write, or with slots. */
function putAxes(room: Room, slots?: Slots): List {
  return put(
    room,
    room.columns.axes.map(axis => {
      const records = axis.columns.flatMap(column => {
        if (slots === undefined) return [rankRecord(column, room.columnsAt + column.column * ROWS)]
        return slots.isWritten[column.column] === 1 ? [slotRecord(column, slots)] : []
      })
      const own = put(room, records)
      const { half, cuts } = filledCuts(room, axis)
      return [axis.feature * 8, room.arena.put(cuts), half, own.at, own.end]
    }),
  )
}

function rankRecord({ below, missing, zero }: RankColumn, into: number): number[] {
  const bytes = (missing & 255) | (((zero ?? 0) & 255) << 8) | (zero === undefined ? 0 : 255 << 16)
  return [into, below, bytes, 0]
}

/** What a node takes 1 from holds −128 for a missing value. */
function slotRecord(column: RankColumn, { slot, less }: Slots): number[] {
  const missing = less[column.column] === 1 ? -128 : column.missing
  return rankRecord({ ...column, missing }, slot[column.column]!)
}

/** As `predict-quantise.as` searches them: by sixteenths, which is faster, or by halves. */
function filledCuts({ size }: Room, { cuts }: Axis): { half: number; cuts: Float32Array | Float64Array } {
  if (size === 4 && cuts.length > 15 && cuts.length < 256) return { half: 0, cuts: sixteenths(cuts) }
  const levels = 32 - Math.clz32(cuts.length)
  const length = 2 ** levels - 1
  const filled = (size === 4 ? new Float32Array(length) : new Float64Array(length)).fill(Number.NaN)
  filled.set(cuts)
  return { half: 2 ** (levels - 1), cuts: filled }
}

function sixteenths(cuts: Float64Array): Float32Array {
  const filled = new Float32Array(16 + 256).fill(Number.NaN)
  filled.set(cuts, 16)
  for (let pivot = 0; pivot < 16; pivot++) filled[pivot] = filled[16 + pivot * 16 + 15]!
  return filled
}

/** Bytes that cuts, sets and columns take, about. */
export function quantiserBytes({ axes, classed, sets, count }: Columns, features: number, size: number): number {
  const cuts = axes.reduce((sum, axis) => sum + axis.cuts.length * 2 * size + 1088 + axis.columns.length * 16, 0)
  const classes = classed.reduce((sum, { classes }) => sum + classes.byteLength, 0)
  const bits = sets.reduce((sum, set) => sum + set.bits.length + 80, 0)
  return cuts + classes + bits + (count + features * 8) * ROWS
}

function putClassed(room: Room): List & { readonly codesAt: readonly number[] } {
  const codesAt = room.columns.classed.map(() => room.arena.reserve(2 * ROWS))
  const records = room.columns.classed.map(({ feature, classes }, index) => {
    return [feature * 8, room.arena.put(classes), classes.length, OTHER, MISSING, codesAt[index]!]
  })
  return { ...put(room, records), codesAt }
}

function putSets(room: Room, codesAt: readonly number[]): List {
  const records = room.columns.sets.map(({ column, of, bits }) => {
    return [room.columnsAt + column * ROWS, codesAt[of]!, room.arena.put(bits), bits.length / 16]
  })
  return put(room, records)
}
