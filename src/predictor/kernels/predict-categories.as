/**
 * Columns of bytes for sets of categories: −128 where a row's category is in the set, else 127. Categories that no set of the
 * forest tells apart are one *class*; a set of classes is bits, of which 16 rows are looked up at once.
 *
 * A *feature* (6 × u32): bytes before it in a row; address of the classes of categories 0, 1… (u16), how many there are; the class of all
 * other numbers; that of NaN; address of 2 × 64 bytes, for class ÷ 8 and for the bit of class mod 8.
 * A *set* (4 × u32): address of its column; address of those 128 bytes; its bits, 16 bytes for each 128 classes; how often 16.
 */
import { ROWS } from './parts/leaf-sums'

const FEATURE: usize = 24
const SET: usize = 16

@inline
function classOf(value: f64, classes: usize, known: u32, other: u32, missing: u32): u32 {
  if (!(value >= 0 && value < <f64>known)) return value == value ? other : missing
  return load<u16>(classes + (<usize>(<u32>value) << 1))
}

/** @param single whether rows are rounded to float32 first. */
export function classify(rows: usize, width: usize, count: usize, features: usize, end: usize, single: bool): void {
  for (let feature = features; feature < end; feature += FEATURE) {
    const from = rows + <usize>load<u32>(feature)
    const classes = <usize>load<u32>(feature, 4)
    const known = load<u32>(feature, 8)
    const other = load<u32>(feature, 12)
    const missing = load<u32>(feature, 16)
    const into = <usize>load<u32>(feature, 20)
    for (let row: usize = 0; row < count; row++) {
      const given = load<f64>(from + row * width)
      const found = classOf(single ? <f64><f32>given : given, classes, known, other, missing)
      store<u8>(into + row, <u8>(found >> 3))
      store<u8>(into + row, <u8>(<u32>1 << (found & 7)), ROWS)
    }
  }
}

/** Fills the columns of sets for `count` classified rows, in steps of 16. */
export function lookUp(count: usize, sets: usize, end: usize): void {
  for (let set = sets; set < end; set += SET) {
    const into = <usize>load<u32>(set)
    const classes = <usize>load<u32>(set, 4)
    const bits = <usize>load<u32>(set, 8)
    const bitsEnd = bits + <usize>(load<u32>(set, 12) << 4)
    for (let row: usize = 0; row < count; row += 16) {
      let byte = v128.load(classes + row)
      let found = i8x16.swizzle(v128.load(bits), byte)
      for (let more = bits + 16; more < bitsEnd; more += 16) {
        byte = i8x16.sub(byte, i8x16.splat(16)) // what lies below or beyond its 16 bytes, a swizzle reads as 0
        found = v128.or(found, i8x16.swizzle(v128.load(more), byte))
      }
      const isOut = i8x16.eq(v128.and(found, v128.load(classes + row, ROWS)), i8x16.splat(0))
      v128.store(into + row, v128.xor(isOut, i8x16.splat(-128)))
    }
  }
}

/** Puts the first row's bytes of columns `from` … `end`, one address after the other, side by side. */
export function gather(from: usize, end: usize, into: usize): void {
  for (; from < end; from += ROWS, into++) store<u8>(into, load<u8>(from))
}
