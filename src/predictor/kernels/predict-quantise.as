/**
 * Rows of numbers into columns of bytes, 64 rows at a time (or one), in which every decision of a forest is one comparison.
 *
 * An *axis* is a feature with its thresholds (5 × u32): bytes before the feature in a row, address of its sorted cuts, half of
 * the power of two that they were filled up to, first column made of it, end of its columns. The rank of a value is the number of cuts ≤ it.
 * A *column* (4 × u32): address, the rank that becomes −128; bytes for NaN, for zeros, and 255 where zeros are read so.
 */
import { ROWS } from './parts/leaf-sums'

const AXIS: usize = 20
const COLUMN: usize = 16

/** Without a branch that depends on the value. NaN, in the row or in the filling, is not ≥ anything. */
@inline
function rankOf<T>(cuts: usize, half: usize, value: T): usize {
  let rank: usize = 0
  for (let step = half; step > 0; step >>= 1) {
    rank += <usize>(value >= load<T>(cuts + (rank + step - 1) * sizeof<T>())) * step
  }
  return rank
}

/** What stands in 16 bits for a value: its rank, or −1 for NaN. */
@inline
function rankOrMissing<T>(cuts: usize, half: usize, value: T): u16 {
  return <u16>select<usize>(rankOf<T>(cuts, half, value), <usize>0xffff, value == value)
}

function columnsOf(column: usize, end: usize, rows: usize, ranks: usize, zeros: usize): void {
  for (; column < end; column += COLUMN) {
    const into = <usize>load<u32>(column)
    const first = i16x8.splat(<i16>load<u32>(column, 4))
    const missing = v128.load8_splat(column, 8)
    const zero = v128.load8_splat(column, 9)
    const readsZeros = v128.load8_splat(column, 10)
    for (let row: usize = 0; row < rows; row += 16) {
      const low = v128.load(ranks + (row << 1))
      const high = v128.load(ranks + (row << 1), 16)
      const bytes = i8x16.narrow_i16x8_u(i16x8.sub(low, first), i16x8.sub(high, first))
      const isMissing = i8x16.narrow_i16x8_s(i16x8.shr_s(low, 15), i16x8.shr_s(high, 15))
      const known = v128.bitselect(missing, v128.xor(bytes, i8x16.splat(-128)), isMissing)
      const isZero = v128.and(v128.load(zeros + row), readsZeros)
      v128.store(into + row, v128.bitselect(zero, known, isZero))
    }
  }
}

@inline
function quantise<T>(
  rows: usize, width: usize, count: usize, axes: usize, end: usize, ranks: usize, zeros: usize, zeroMax: f64,
): void {
  for (let axis = axes; axis < end; axis += AXIS) {
    const feature = rows + <usize>load<u32>(axis)
    const cuts = <usize>load<u32>(axis, 4)
    const half = <usize>load<u32>(axis, 8)
    for (let row: usize = 0; row < count; row++) {
      store<u16>(ranks + (row << 1), rankOrMissing<T>(cuts, half, <T>load<f64>(feature + row * width)))
    }
    if (zeroMax > 0) {
      for (let row: usize = 0; row < count; row++) {
        store<u8>(zeros + row, <u8>(-<i32>(abs(<f64><T>load<f64>(feature + row * width)) <= zeroMax)))
      }
    }
    columnsOf(load<u32>(axis, 12), load<u32>(axis, 16), count, ranks, zeros)
  }
}

/**
 * @param width bytes from one row to the next.
 * @param count rows: 64 or less; columns are written in steps of 16.
 * @param ranks room for 64 × 2 bytes, `zeros` for 64, which are 0 where `zeroMax` is.
 */
export function quantiseSingle(
  rows: usize, width: usize, count: usize, axes: usize, end: usize, ranks: usize, zeros: usize, zeroMax: f64,
): void {
  quantise<f32>(rows, width, count, axes, end, ranks, zeros, zeroMax)
}

/** As `quantiseSingle`, with cuts in float64. */
export function quantiseDouble(
  rows: usize, width: usize, count: usize, axes: usize, end: usize, ranks: usize, zeros: usize, zeroMax: f64,
): void {
  quantise<f64>(rows, width, count, axes, end, ranks, zeros, zeroMax)
}
