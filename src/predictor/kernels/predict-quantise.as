/**
 * Rows of numbers into columns of bytes, 64 rows at a time (or one), in which every decision of a forest is one comparison.
 *
 * An *axis* is a feature with its thresholds (5 × u32): bytes before the feature in a row, address of its sorted cuts, how they
 * are searched, first column made of it, end of its columns. The rank of a value is the number of cuts ≤ it; cuts are filled up
 * with NaN, which nothing is ≥. Searched they are by halves: then the number says half of the power of two that they are filled up to; or, where it is
 * 0, by sixteenths: 16 pivots (the last cut of each sixteen), then 256 cuts, all float32.
 * A *column* (4 × u32): address, the rank that becomes −128; bytes for NaN, for zeros, and 255 where zeros are read so.
 */
import { ROWS } from './parts/leaf-sums'

const AXIS: usize = 20
const COLUMN: usize = 16

/** By halves, without a branch that depends on the value. */
@inline
function byHalves<T>(cuts: usize, half: usize, value: T): usize {
  let rank: usize = 0
  for (let step = half; step > 0; step >>= 1) {
    rank += <usize>(value >= load<T>(cuts + (rank + step - 1) * sizeof<T>())) * step
  }
  return rank
}

/** How many of 16 numbers are ≤ one. */
@inline
function countOf(at: usize, value: v128): usize {
  const low = i16x8.narrow_i32x4_s(f32x4.ge(value, v128.load(at)), f32x4.ge(value, v128.load(at, 16)))
  const high = i16x8.narrow_i32x4_s(f32x4.ge(value, v128.load(at, 32)), f32x4.ge(value, v128.load(at, 48)))
  return <usize>popcnt(i8x16.bitmask(i8x16.narrow_i16x8_s(low, high)))
}

@inline
function bySixteenths(cuts: usize, value: f32): usize {
  const wide = f32x4.splat(value)
  const sixteens = countOf(cuts, wide)
  return (sixteens << 4) + countOf(cuts + 64 + (sixteens << 6), wide)
}

/** What stands in 16 bits for a value: its rank, or −1 for NaN. */
@inline
function orMissing<T>(rank: usize, value: T): u16 {
  return <u16>select<usize>(rank, <usize>0xffff, value == value)
}

function rankByHalves<T>(from: usize, width: usize, count: usize, cuts: usize, half: usize, ranks: usize): void {
  let row: usize = 0
  for (; row + 4 <= count; row += 4, from += width << 2) {
    const v0 = <T>load<f64>(from), v1 = <T>load<f64>(from + width)
    const v2 = <T>load<f64>(from + (width << 1)), v3 = <T>load<f64>(from + width * 3)
    let r0: usize = 0, r1: usize = 0, r2: usize = 0, r3: usize = 0
    for (let step = half; step > 0; step >>= 1) {
      const last = cuts + (step - 1) * sizeof<T>()
      r0 += <usize>(v0 >= load<T>(last + r0 * sizeof<T>())) * step
      r1 += <usize>(v1 >= load<T>(last + r1 * sizeof<T>())) * step
      r2 += <usize>(v2 >= load<T>(last + r2 * sizeof<T>())) * step
      r3 += <usize>(v3 >= load<T>(last + r3 * sizeof<T>())) * step
    }
    const into = ranks + (row << 1)
    store<u16>(into, orMissing<T>(r0, v0))
    store<u16>(into, orMissing<T>(r1, v1), 2)
    store<u16>(into, orMissing<T>(r2, v2), 4)
    store<u16>(into, orMissing<T>(r3, v3), 6)
  }
  for (; row < count; row++, from += width) {
    const value = <T>load<f64>(from)
    store<u16>(ranks + (row << 1), orMissing<T>(byHalves<T>(cuts, half, value), value))
  }
}

function rankBySixteenths(from: usize, width: usize, count: usize, cuts: usize, ranks: usize): void {
  for (let row: usize = 0; row < count; row++, from += width) {
    const value = <f32>load<f64>(from)
    store<u16>(ranks + (row << 1), orMissing<f32>(bySixteenths(cuts, value), value))
  }
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
    if (half == 0) rankBySixteenths(feature, width, count, cuts, ranks)
    else rankByHalves<T>(feature, width, count, cuts, half, ranks)
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

/** A single row, whose bytes come to stand side by side: columns have numbers instead of addresses. */
@inline
function quantiseOne<T>(rows: usize, axes: usize, end: usize, into: usize, zeroMax: f64): void {
  for (let axis = axes; axis < end; axis += AXIS) {
    const value = <T>load<f64>(rows + <usize>load<u32>(axis))
    const cuts = <usize>load<u32>(axis, 4)
    const half = <usize>load<u32>(axis, 8)
    const rank = <i32>(half == 0 ? bySixteenths(cuts, <f32>value) : byHalves<T>(cuts, half, value))
    const isZero = abs(<f64>value) <= zeroMax
    const last = <usize>load<u32>(axis, 16)
    for (let column = <usize>load<u32>(axis, 12); column < last; column += COLUMN) {
      const known = min(max(rank - load<i32>(column, 4), 1), 255) - 128 // −128 is left to missing values
      const orMissing = select<i32>(known, <i32>load<i8>(column, 8), value == value)
      const byte = isZero && load<u8>(column, 10) != 0 ? <i32>load<i8>(column, 9) : orMissing
      store<i8>(into + <usize>load<u32>(column), <i8>byte)
    }
  }
}

/** @param into room for a byte for each column. */
export function quantiseOneSingle(rows: usize, axes: usize, end: usize, into: usize, zeroMax: f64): void {
  quantiseOne<f32>(rows, axes, end, into, zeroMax)
}

export function quantiseOneDouble(rows: usize, axes: usize, end: usize, into: usize, zeroMax: f64): void {
  quantiseOne<f64>(rows, axes, end, into, zeroMax)
}
