/**
 * Explanations by tables, any number of features and columns, a block of rows at a time. Columns, patterns and sums each
 * stand one after the other, `stride` numbers apart, so that four or sixteen rows are worked on at once.
 *
 * First `readPatterns`: which of a chunk's eight tests each row passes, a bit each. A test has eight bytes: where its
 * column is (4), low, width, mask; it is passed where (byte and mask) − low < width, as signed bytes. Then `addScattered`: the pattern says
 * which row of the chunk's table to add, and the chunk where the sums of each slot's feature are; or `addTogether`.
 */
const TESTS: usize = 64
/** Of a chunk: the address of its table, the number of slots, and for each of 8 slots where its sums are (4 bytes each). */
const CHUNK: usize = 48

export function readPatterns(bytes: usize, rows: usize, stride: usize, tests: usize, end: usize, patterns: usize): void {
  for (let chunk = tests; chunk < end; chunk += TESTS) {
    for (let row: usize = 0; row < rows; row += 16) {
      let pattern = i8x16.splat(0)
      let bit = i8x16.splat(1)
      for (let test = chunk; test < chunk + TESTS; test += 8) {
        const values = v128.and(v128.load(bytes + row + <usize>load<u32>(test)), v128.load_splat<u8>(test, 6))
        const passed = i8x16.gt_s(v128.load_splat<u8>(test, 5), i8x16.sub(values, v128.load_splat<u8>(test, 4)))
        pattern = v128.or(pattern, v128.and(bit, passed))
        bit = i8x16.add(bit, bit)
      }
      v128.store(patterns + row, pattern)
    }
    patterns += stride
  }
}

/** The row of a table for one of four patterns. */
@inline
function entry(table: usize, patterns: u32, place: u32): usize {
  return table + <usize>(((patterns >> place) & 255) << 5)
}

@inline
function add(sums: usize, value: v128): void {
  v128.store(sums, f32x4.add(v128.load(sums), value))
}

/** Adds four slots of four rows: what stands together by row is brought together by slot first. */
@inline
function addFour(a: v128, b: v128, c: v128, d: v128, places: usize, slots: i32, sums: usize): void {
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
  add(sums + <usize>load<u32>(places), v128.shuffle<i64>(ab, cd, 0, 2))
  if (slots > 1) add(sums + <usize>load<u32>(places, 4), v128.shuffle<i64>(ab, cd, 1, 3))
  if (slots > 2) {
    const ab2 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
    const cd2 = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
    add(sums + <usize>load<u32>(places, 8), v128.shuffle<i64>(ab2, cd2, 0, 2))
    if (slots > 3) add(sums + <usize>load<u32>(places, 12), v128.shuffle<i64>(ab2, cd2, 1, 3))
  }
}

export function addScattered(patterns: usize, rows: usize, stride: usize, chunks: usize, end: usize, sums: usize): void {
  for (let chunk = chunks; chunk < end; chunk += CHUNK) {
    const table = <usize>load<u32>(chunk)
    const slots = load<i32>(chunk, 4)
    for (let row: usize = 0; row < rows; row += 4) {
      const four = load<u32>(patterns + row)
      const a = entry(table, four, 0)
      const b = entry(table, four, 8)
      const c = entry(table, four, 16)
      const d = entry(table, four, 24)
      const to = sums + (row << 2)
      addFour(v128.load(a), v128.load(b), v128.load(c), v128.load(d), chunk + 8, slots, to)
      if (slots > 4) {
        addFour(v128.load(a, 16), v128.load(b, 16), v128.load(c, 16), v128.load(d, 16), chunk + 24, slots - 4, to)
      }
    }
    patterns += stride
  }
}

/** Where slot i is feature i: adds 8 sums for each row, which stand together. */
export function addTogether(patterns: usize, rows: usize, stride: usize, chunks: usize, end: usize, sums: usize): void {
  for (let row: usize = 0; row < rows; row++) {
    let low = v128.load(sums)
    let high = v128.load(sums, 16)
    let pattern = patterns + row
    for (let chunk = chunks; chunk < end; chunk += CHUNK) {
      const at = <usize>load<u32>(chunk) + (<usize>load<u8>(pattern) << 5)
      low = f32x4.add(low, v128.load(at))
      high = f32x4.add(high, v128.load(at, 16))
      pattern += stride
    }
    v128.store(sums, low)
    v128.store(sums, high, 16)
    sums += 32
  }
}
